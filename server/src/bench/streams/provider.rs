//! A model that speaks OpenAI's protocol and sends a token every fifty milliseconds, with the time in it.

use crate::fault::Fault;
use axum::{
    Router,
    extract::State,
    response::{Sse, sse::Event},
    routing::post,
};
use futures::Stream;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

/// Tokens of an answer.
pub(super) const TOKENS: usize = 200;
/// Twenty a second: what a large model writes, and twice as fast as one reads.
const PACE: Duration = Duration::from_millis(50);
/// Before the first token, so that all readers are there.
const THINKING: Duration = Duration::from_secs(5);

/// A token: which of its answer, and when it was sent, in microseconds since the provider's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub number: usize,
    pub sent: u64,
}

impl Token {
    fn text(self) -> String {
        // A space at its end would be held until it is clear that no citation follows.
        format!(" t{}at{};", self.number, self.sent)
    }

    /// The token that the text begins with and its length in bytes, if it is whole.
    pub fn first(text: &str) -> Option<(Self, usize)> {
        let (token, _) = text.split_once(';')?;
        let (number, sent) = token.trim_start().strip_prefix('t')?.split_once("at")?;
        Some((Self { number: number.parse().ok()?, sent: sent.parse().ok()? }, token.len() + 1))
    }

    /// Those of a whole answer.
    pub fn all(text: &str) -> impl Iterator<Item = &str> {
        text.split(';').map(str::trim).filter(|token| token.starts_with('t') && token.contains("at"))
    }
}

#[derive(Debug)]
pub(super) struct Provider {
    begun: Instant,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Provider {
    pub async fn start() -> Result<Self, Fault> {
        let begun = Instant::now();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(begun);
        #[allow(clippy::disallowed_methods)] // its one client is the server that is measured
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the model's stand-in ended");
            }
        });
        Ok(Self { begun, address, task })
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How long ago a token was sent.
    pub fn since(&self, sent: u64) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_micros(sent))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn complete(State(begun): State<Instant>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(async_stream::stream! {
        sleep(THINKING).await;
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0..TOKENS {
            pace.tick().await;
            let sent = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            yield Ok(chunk(&json!({ "content": Token { number, sent }.text() }), &Value::Null));
        }
        yield Ok(chunk(&json!({}), &json!("stop")));
        yield Ok(Event::default().data("[DONE]"));
    })
}

fn chunk(delta: &Value, finish_reason: &Value) -> Event {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "measured", "choices": [choice],
    });
    Event::default().data(chunk.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_once_it_is_whole() {
        let token = Token { number: 3, sent: 1_500 };
        let text = token.text();
        assert_eq!(Token::first(&format!("{text} t4")), Some((token, text.len())));
        assert_eq!(Token::first(text.trim_end_matches(';')), None);
        assert_eq!(Token::all("t0at1; t1at20; \n\n*No passage*").count(), 2);
    }
}
