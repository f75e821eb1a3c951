//! A store that misbehaves as it is told to: between the client and the real embedded store, on a port of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{ObjectStore, Patience};
use crate::config::store::S3;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use http_body_util::{BodyExt, StreamBody};
use hyper::{Method, Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    /// An answer with this status, and nothing done.
    Status(u16),
    /// Nothing done, and no answer ever.
    Silence,
    /// Done, and the connection closed without an answer.
    LostAnswer,
    /// The answer's body ends after so many bytes, with the connection.
    Truncate(usize),
    /// After so many bytes of the answer's body, nothing more comes.
    Stall(usize),
}

/// Cheap to clone; its server ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct FaultyStore {
    settings: S3,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    target: String,
    down: AtomicBool,
    requests: AtomicUsize,
    /// Each is for the next request of its method.
    plan: Mutex<Vec<(Method, Misdeed)>>,
}

impl FaultyStore {
    /// In front of the store with these settings.
    pub fn before(real: &S3) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let mut settings = real.clone();
        settings.endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let inner = Arc::new(Inner {
            target: real.endpoint.as_str().trim_end_matches('/').to_owned(),
            down: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            plan: Mutex::new(Vec::new()),
        });
        tokio::spawn(serve(listener, inner.clone()));
        Self { settings, inner }
    }

    /// A client that tries again soon, and waits as long as a busy machine takes.
    pub fn client(&self) -> ObjectStore {
        let backoff = Duration::from_millis(20);
        ObjectStore::with_patience(&self.settings, Patience { backoff, ..Patience::default() })
    }

    /// A client that soon takes silence for a failure; for small objects.
    pub fn hasty_client(&self) -> ObjectStore {
        let (first_byte, stall) = (Duration::from_secs(2), Duration::from_secs(2));
        let backoff = Duration::from_millis(20);
        ObjectStore::with_patience(&self.settings, Patience { first_byte, stall, backoff, ..Patience::default() })
    }

    /// Has the next `times` requests of the method meet this.
    pub fn plan(&self, method: Method, misdeed: Misdeed, times: usize) {
        self.inner.plan.lock().unwrap().extend(std::iter::repeat_n((method, misdeed), times));
    }

    /// Closes every connection before it says a word, or does so no more.
    pub fn set_down(&self, down: bool) {
        self.inner.down.store(down, Ordering::Release);
    }

    pub fn requests(&self) -> usize {
        self.inner.requests.load(Ordering::Acquire)
    }

    /// Whether all that was planned has happened.
    pub fn is_spent(&self) -> bool {
        self.inner.plan.lock().unwrap().is_empty()
    }
}

async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((socket, _)) = listener.accept().await {
        if inner.down.load(Ordering::Acquire) {
            continue;
        }
        let inner = inner.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(inner.clone(), request));
            // A connection that is broken off ends with an error; that is the purpose.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

async fn answer(inner: Arc<Inner>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    inner.requests.fetch_add(1, Ordering::AcqRel);
    if inner.down.load(Ordering::Acquire) {
        return Err(io::Error::other("the store is down"));
    }
    let misdeed = {
        let mut plan = inner.plan.lock().unwrap();
        let place = plan.iter().position(|(method, _)| method == request.method());
        place.map(|place| plan.remove(place).1)
    };
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match misdeed {
        Some(Misdeed::Silence) => std::future::pending().await,
        Some(Misdeed::Status(status)) => {
            let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code><Message>Not today</Message></Error>";
            let body = stream::iter([Ok(Frame::data(Bytes::from_static(xml.as_bytes())))]).boxed();
            return Ok(Response::builder().status(status).body(StreamBody::new(body)).unwrap());
        }
        _ => {}
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let method = reqwest::Method::from_bytes(parts.method.as_str().as_bytes()).unwrap();
    // The signature covers the header Host, which goes on as it came.
    let real = reqwest::Client::new().request(method, format!("{}{path}", inner.target)).headers(parts.headers);
    let real = real.body(body).send().await.map_err(io::Error::other)?;
    let mut response = Response::builder().status(real.status());
    response.headers_mut().unwrap().extend(real.headers().clone());
    let bytes = real.bytes().await.map_err(io::Error::other)?;
    let body = match misdeed {
        Some(Misdeed::LostAnswer) => return Err(io::Error::other("the answer is lost")),
        Some(Misdeed::Truncate(after)) => {
            let head = bytes.slice(..after.min(bytes.len()));
            stream::iter([Ok(Frame::data(head)), Err(io::Error::other("cut off"))]).boxed()
        }
        Some(Misdeed::Stall(after)) => {
            let head = bytes.slice(..after.min(bytes.len()));
            stream::iter([Ok(Frame::data(head))]).chain(stream::pending()).boxed()
        }
        _ => stream::iter([Ok(Frame::data(bytes))]).boxed(),
    };
    Ok(response.body(StreamBody::new(body)).unwrap())
}
