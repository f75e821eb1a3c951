//! Two hundred answers streamed at once by one server, each followed by one reader: whether an event is lost or out of
//! order, what they add to the server's memory, and how much later a token comes than the model sent it.
//!
//! The server is this program, started as a process of its own with everything embedded; only the model is a stand-in,
//! which speaks OpenAI's protocol and writes into each token when it sent it.

mod provider;

use super::{
    Measure, cores, measure_of, quantile,
    server::{Server, Workspace},
};
use crate::fault::Fault;
use domain::chat::AnswerEvent;
use futures::{StreamExt, future::try_join_all};
use provider::{Provider, TOKENS, Token};
use std::time::Duration;
use tokio::time::{interval, timeout};

const STREAMS: usize = 200;
/// An answer takes ten seconds; one that is not there after this is lost.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    let provider = Provider::start().await?;
    let model = provider.base_url();
    let server = Server::start(&[], &[("LLM_BASE_URL", model.as_str()), ("LLM_MODEL", "measured")]).await?;
    let measured = measure_on(&server, &provider).await;
    server.stop().await;
    measured
}

async fn measure_on(server: &Server, provider: &Provider) -> Result<Vec<Measure>, Fault> {
    let workspace = server.workspace().await?;
    let conversations = try_join_all((0..STREAMS).map(|_| workspace.conversation())).await?;
    // What the first answer of a process loads is not what a stream costs.
    follow(&workspace, provider, &workspace.conversation().await?).await?;
    let idle = server.resident_kib()?;
    let streams = try_join_all(conversations.iter().map(|conversation| follow(&workspace, provider, conversation)));
    tokio::pin!(streams);
    let (mut most, mut look) = (idle, interval(LOOK));
    let followed = loop {
        tokio::select! {
            followed = &mut streams => break followed?,
            _ = look.tick() => most = most.max(server.resident_kib()?),
        }
    };
    let amiss: usize = followed.iter().map(|stream| stream.amiss).sum();
    let mut late: Vec<Duration> = followed.into_iter().flat_map(|stream| stream.late).collect();
    let tokens = late.len();
    Ok(vec![
        measure_of("streams", STREAMS as f64, ""),
        measure_of("cores, with the database, the model and the readers on them", cores() as f64, ""),
        measure_of("tokens read", tokens as f64, ""),
        measure_of("tokens or events lost, doubled or out of order", amiss as f64, ""),
        measure_of("memory above idle", (most - idle) as f64 / 1024.0, "MiB"),
        measure_of("token's delay: p50", quantile(&mut late, 0.5), "ms"),
        measure_of("token's delay: p95", quantile(&mut late, 0.95), "ms"),
        measure_of("token's delay: p99", quantile(&mut late, 0.99), "ms"),
    ])
}

/// What one reader saw.
#[derive(Default)]
struct Followed {
    /// How much later than it was sent each token came.
    late: Vec<Duration>,
    amiss: usize,
}

async fn follow(workspace: &Workspace, provider: &Provider, conversation: &str) -> Result<Followed, Fault> {
    let answer = workspace.ask(conversation).await?;
    let response = workspace.get(&format!("api/v1/messages/{answer}/events")).await?;
    let reading = read(response, provider);
    timeout(PATIENCE, reading).await.map_err(Fault::while_doing("wait for an answer"))?
}

async fn read(response: reqwest::Response, provider: &Provider) -> Result<Followed, Fault> {
    let mut followed = Followed::default();
    let (mut buffer, mut text, mut seq) = (String::new(), String::new(), 0);
    let mut bytes = response.bytes_stream();
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(Fault::while_doing("read an event stream"))?;
        buffer.push_str(&String::from_utf8_lossy(&piece));
        while let Some(end) = buffer.find("\n\n") {
            let block: String = buffer.drain(..end + 2).collect();
            let Some((number, event)) = parse(&block) else { continue };
            followed.amiss += usize::from(number != seq + 1);
            seq = number;
            match event {
                AnswerEvent::Delta { text: more } => {
                    text.push_str(&more);
                    take_tokens(&mut text, provider, &mut followed);
                }
                AnswerEvent::Finished { message } => {
                    followed.amiss += TOKENS.abs_diff(followed.late.len());
                    followed.amiss += usize::from(Token::all(&message.content).count() != TOKENS);
                    return Ok(followed);
                }
                _ => {}
            }
        }
    }
    followed.amiss += 1;
    Ok(followed)
}

/// Takes whole tokens off the front; the end of a token may still be to come.
fn take_tokens(text: &mut String, provider: &Provider, followed: &mut Followed) {
    while let Some((token, length)) = Token::first(text) {
        text.drain(..length);
        followed.amiss += usize::from(token.number != followed.late.len());
        followed.late.push(provider.since(token.sent));
    }
}

/// The number and the event of one block of an event stream; none for a comment.
fn parse(block: &str) -> Option<(u32, AnswerEvent)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    Some((field("id:")?.parse().ok()?, serde_json::from_str(field("data:")?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_a_stream_is_a_number_and_an_event() {
        let block = "event: answer\nid: 7\ndata: {\"type\":\"delta\",\"text\":\"a\"}\n\n";
        assert_eq!(parse(block), Some((7, AnswerEvent::Delta { text: "a".to_owned() })));
        assert_eq!(parse(": still there\n\n"), None);
    }
}
