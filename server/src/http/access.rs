//! One line and a few figures for every request: what was asked, by whom, how it was answered, how much was sent, how long
//! it took. No query and no token is in them.

use super::public;
use crate::metrics::recorded::{self, OneMore};
use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, header},
    response::Response,
};
use bytes::Bytes;
use domain::UserId;
use hyper::body::{Frame, SizeHint};
use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};
use tracing::{Level, Span};

/// Directives of `LOG` know the lines by it.
const TARGET: &str = "server::access";

/// The route of what no route takes: files of the site, and what there is not.
const NO_ROUTE: &str = "other";

/// As nginx has it: the client went away before the answer began.
const GONE: u16 = 499;

/// Who was signed in, for the line: the session is known only far inside.
#[derive(Clone, Debug, Default)]
pub struct SeenUser(Arc<OnceLock<UserId>>);

impl SeenUser {
    /// Only the first counts.
    pub fn set(&self, user: UserId) {
        let _ = self.0.set(user);
    }
}

/// What is known of a request when it comes.
#[derive(Debug)]
pub(super) struct Line {
    method: Method,
    /// The template that it matched, or [`NO_ROUTE`].
    route: String,
    /// Without the query, and without the token of a link.
    path: String,
    client: Option<IpAddr>,
    user: SeenUser,
    /// Whether it is a sign of life or a file that is the same for everybody: many, and of no interest.
    is_small: bool,
}

impl Line {
    /// `path` is what the log may show of it.
    pub fn of(request: &Request, path: &str, client: Option<IpAddr>, user: SeenUser) -> Self {
        Self {
            method: request.method().clone(),
            route: route(request),
            path: path.to_owned(),
            client,
            user,
            is_small: public::is_for_everybody(request.uri().path()),
        }
    }

    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    pub fn route(&self) -> &str {
        &self.route
    }

    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Server functions stand under their names; Leptos adds a number to them that another build changes.
fn route(request: &Request) -> String {
    let Some(matched) = request.extensions().get::<MatchedPath>() else { return NO_ROUTE.to_owned() };
    let route = matched.as_str();
    if public::is_server_function(route) {
        return route.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    }
    route.to_owned()
}

/// A request that is being answered; it is told of when it is dropped.
#[derive(Debug)]
pub(super) struct Access {
    line: Line,
    id: String,
    trace: Option<String>,
    span: Span,
    begun: Instant,
    /// None once the answer has begun.
    in_flight: Option<OneMore>,
    status: u16,
    bytes: u64,
    every: bool,
}

impl Access {
    /// `every`: whether requests that did not fail have a line too.
    pub fn begin(line: Line, id: String, trace: Option<String>, span: Span, every: bool) -> Self {
        let in_flight = Some(recorded::request_in_flight());
        Self { line, id, trace, span, begun: Instant::now(), in_flight, status: GONE, bytes: 0, every }
    }

    /// The answer has begun; the rest is told at its end.
    pub fn answered(mut self, response: Response) -> Response {
        self.status = response.status().as_u16();
        self.begins();
        let stream = is_event_stream(response.headers()).then(recorded::event_stream);
        response.map(|body| Body::new(Counted { body, access: self, _stream: stream }))
    }

    fn begins(&mut self) {
        self.in_flight = None;
        let Line { method, route, path, .. } = &self.line;
        recorded::request(method, route, self.status, self.begun.elapsed());
        if self.trace.is_some() {
            crate::telemetry::traces::end_request(&self.span, method.as_str(), route, path, self.status);
        }
    }

    fn tell(&self) {
        // The level is part of the place that logs.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
                    parent: None,
                    $level,
                    id = self.id,
                    trace_id = self.trace.as_deref().filter(|trace| *trace != self.id),
                    method = self.line.method.as_str(),
                    route = self.line.route,
                    path = self.line.path,
                    status = self.status,
                    bytes = self.bytes,
                    milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                    client = self.line.client.map(display),
                    user = self.line.user.0.get().map(display),
                    "answered"
                )
            };
        }
        if self.status >= 500 {
            line!(Level::WARN);
        } else if self.every && self.line.is_small {
            line!(Level::DEBUG);
        } else if self.every {
            line!(Level::INFO);
        }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        if self.in_flight.is_some() {
            self.begins();
        }
        self.tell();
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    access: Access,
    _stream: Option<OneMore>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.access.bytes += data.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
