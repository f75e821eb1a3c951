//! The load: one request asked again and again on connections that are kept, by this process, whose cores the server and
//! its Postgres share.

use super::{Measure, measure_of, median, quantile};
use crate::fault::Fault;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::time::{Duration, Instant};
use tokio::{net::TcpStream, task::JoinSet};
use url::Url;

pub(super) const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    headers: Vec<(header::HeaderName, String)>,
    body: Bytes,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    pub fn post_json(path: impl Into<String>, body: &serde_json::Value) -> Self {
        let call = Self { method: Method::POST, body: Bytes::from(body.to_string()), ..Self::get(path) };
        call.with(header::CONTENT_TYPE, "application/json")
    }

    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, host: &str) -> Result<Request<Full<Bytes>>, Fault> {
        let mut request = Request::builder().method(&self.method).uri(&self.path).header(header::HOST, host);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body.clone())).map_err(Fault::while_doing("make a request"))
    }
}

/// One round's answers.
pub(super) struct Round {
    /// From the request to the end of its answer, of each.
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Round {
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Answers a second, p50 and p99: the medians of rounds, after a warm-up.
pub(super) async fn measure(site: &Url, name: &str, call: &Call) -> Result<Vec<Measure>, Fault> {
    press(site, call, WARM_UP).await?;
    let (mut rates, mut middle, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut round = press(site, call, ROUND).await?;
        rates.push(round.rate());
        middle.push(quantile(&mut round.times, 0.5));
        late.push(quantile(&mut round.times, 0.99));
    }
    Ok(vec![
        measure_of(name, median(rates), "a second"),
        measure_of(format!("{name}: p50"), median(middle), "ms"),
        measure_of(format!("{name}: p99"), median(late), "ms"),
    ])
}

/// Asks on all connections for so long.
///
/// # Errors
/// When a connection breaks, or an answer is none of success: a server that refuses is fast.
pub(super) async fn press(site: &Url, call: &Call, time: Duration) -> Result<Round, Fault> {
    let begun = Instant::now();
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        connections.spawn(ask(site.clone(), call.clone(), begun + time));
    }
    let mut times = Vec::new();
    while let Some(asked) = connections.join_next().await {
        times.extend(asked.map_err(Fault::while_doing("press on the server"))??);
    }
    Ok(Round { times, elapsed: begun.elapsed() })
}

/// How long each answer took on one connection.
async fn ask(site: Url, call: Call, end: Instant) -> Result<Vec<Duration>, Fault> {
    let host = site.authority();
    let socket = TcpStream::connect(host).await?;
    socket.set_nodelay(true)?;
    let opened = http1::handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = opened.map_err(Fault::while_doing("open a connection"))?;
    let connection = tokio::spawn(connection);
    let mut times = Vec::new();
    while Instant::now() < end {
        let request = call.request(host)?;
        let begun = Instant::now();
        sender.ready().await.map_err(Fault::while_doing("keep a connection"))?;
        let response = sender.send_request(request).await.map_err(Fault::while_doing("ask the server"))?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.map_err(Fault::while_doing("read an answer"))?;
        }
        if !status.is_success() {
            return Err(Fault::while_doing("press on the server")(format!("{} answered {status}", call.path)));
        }
        times.push(begun.elapsed());
    }
    drop(sender);
    connection.abort();
    Ok(times)
}
