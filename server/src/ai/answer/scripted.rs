//! A server for tests that speaks OpenAI's protocol over loopback, byte by byte as it is told: nothing between it and
//! the client is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::{Duration, sleep},
};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub struct Reply {
    head: String,
    pieces: Vec<String>,
    /// Pieces to send before the end.
    then: Then,
    pace: Duration,
    gate: Option<Arc<Notify>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Close,
    /// Keeps the connection open and silent after so many pieces.
    Stall(usize),
    /// Closes without the last chunk after so many pieces.
    Cut(usize),
    /// Sends nothing at all, not even a status.
    Silence,
}

impl Reply {
    /// A whole answer: one chunk a piece, the reason for its end, the usage, `[DONE]`.
    pub fn answer(pieces: &[&str]) -> Self {
        let deltas = pieces.iter().map(|piece| json!({ "content": piece })).collect();
        Self::turn(deltas, "stop", pieces.len())
    }

    /// A turn that says something and calls tools: `(id, name, arguments)`. The arguments come in two pieces each, those
    /// of all calls in turns.
    pub fn calls(said: &str, calls: &[(&str, &str, &str)]) -> Self {
        let mut deltas = vec![json!({ "role": "assistant", "content": said })];
        for (index, (id, name, _)) in calls.iter().enumerate() {
            let function = json!({ "name": name, "arguments": "" });
            deltas.push(
                json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] }),
            );
        }
        for half in 0..2 {
            for (index, (.., arguments)) in calls.iter().enumerate() {
                let all: Vec<char> = arguments.chars().collect();
                let (first, second) = all.split_at(all.len() / 2);
                let piece: String = [first, second][half].iter().collect();
                deltas.push(json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }));
            }
        }
        Self::turn(deltas, "tool_calls", 5)
    }

    fn turn(deltas: Vec<Value>, end: &str, tokens: usize) -> Self {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, "usage": usage });
            format!("data: {chunk}\n\n")
        };
        let delta = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        let mut events: Vec<String> =
            deltas.into_iter().map(|piece| chunk(delta(piece, Value::Null), Value::Null)).collect();
        events.push(chunk(delta(json!({}), json!(end)), Value::Null));
        events.push(chunk(json!([]), json!({ "prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 0 })));
        events.push("data: [DONE]\n\n".to_owned());
        Self::stream(&events.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// These bytes of an event stream.
    pub fn stream(pieces: &[&str]) -> Self {
        Self {
            head: "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n".to_owned(),
            pieces: pieces.iter().map(|piece| (*piece).to_owned()).collect(),
            then: Then::Close,
            pace: Duration::ZERO,
            gate: None,
        }
    }

    /// A response that is no stream.
    pub fn status(code: u16, body: &str) -> Self {
        let head =
            format!("HTTP/1.1 {code} Status\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n");
        let pieces = if body.is_empty() { Vec::new() } else { vec![body.to_owned()] };
        Self { head, pieces, then: Then::Close, pace: Duration::ZERO, gate: None }
    }

    pub fn silence() -> Self {
        Self { then: Then::Silence, ..Self::stream(&[]) }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn stalled_after(self, pieces: usize) -> Self {
        Self { then: Then::Stall(pieces), ..self }
    }

    pub fn cut_after(self, pieces: usize) -> Self {
        Self { then: Then::Cut(pieces), ..self }
    }

    /// A pause before each piece.
    pub fn paced(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    /// Nothing is sent before somebody is notified of it.
    pub fn held(self, gate: &Arc<Notify>) -> Self {
        Self { gate: Some(Arc::clone(gate)), ..self }
    }
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub authorization: Option<String>,
    pub body: Value,
}

/// The running server. Each request takes the next reply; one without a reply is a 500.
#[derive(Debug)]
pub struct Script {
    address: std::net::SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Asked>>,
    /// What the list of models says; without one the connection is closed.
    list: Mutex<Option<String>>,
    hung_up: Notify,
}

impl Script {
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { replies: Mutex::new(replies.into()), ..State::default() });
        let serving = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { address, state, task }
    }

    pub fn url(&self) -> url::Url {
        format!("http://{}/v1", self.address).parse().unwrap()
    }

    pub fn requests(&self) -> Vec<Asked> {
        self.state.requests.lock().unwrap().clone()
    }

    pub fn add(&self, reply: Reply) {
        self.state.replies.lock().unwrap().push_back(reply);
    }

    /// From now on the models are these, each as a provider describes it.
    pub fn lists(&self, models: &[Value]) {
        *self.state.list.lock().unwrap() = Some(json!({ "data": models }).to_string());
    }

    /// Resolves when a client has closed a connection that was kept open for it.
    pub async fn hung_up(&self) {
        self.state.hung_up.notified().await;
    }

    /// Closes the port.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some(asked) = read(&mut stream, &state).await else { return };
    state.requests.lock().unwrap().push(asked);
    let reply = state.replies.lock().unwrap().pop_front().unwrap_or_else(|| Reply::status(500, "no reply is scripted"));
    if let Some(gate) = &reply.gate {
        gate.notified().await;
    }
    if reply.then == Then::Silence {
        wait_for_close(&mut stream, &state).await;
        return;
    }
    let _ = stream.write_all(format!("{}connection: close\r\n\r\n", reply.head).as_bytes()).await;
    for (sent, piece) in reply.pieces.iter().enumerate() {
        match reply.then {
            Then::Stall(limit) if sent >= limit => return wait_for_close(&mut stream, &state).await,
            Then::Cut(limit) if sent >= limit => return,
            _ => {}
        }
        sleep(reply.pace).await;
        if stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.is_err() {
            state.hung_up.notify_one();
            return;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n").await;
    let _ = stream.shutdown().await;
}

async fn wait_for_close(stream: &mut TcpStream, state: &State) {
    let mut byte = [0];
    while matches!(stream.read(&mut byte).await, Ok(1..)) {}
    state.hung_up.notify_one();
}

/// What is asked of a model. The list of models, which takes no reply of the script, is answered here.
async fn read(stream: &mut TcpStream, state: &State) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    if head.starts_with("GET ") {
        let list = state.list.lock().unwrap().clone()?;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{list}", list.len()).as_bytes()).await;
        return None;
    }
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked {
        authorization: header("authorization"),
        body: serde_json::from_slice(&bytes[head_end..head_end + length]).ok()?,
    })
}
