//! A thousand pages that are open and on which nothing happens: what their event streams add to the server's memory, and
//! whether each hears of what happens later.

use super::{
    Measure, measure_of,
    server::{Server, Workspace},
};
use crate::{fault::Fault, session::CHECK_ACCESS};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

const STREAMS: usize = 1_000;
/// Streams being opened at once.
const OPENING: usize = 32;
/// For each stream, and what this process has besides.
const FILES: u64 = 4_096;
/// Whether the reader may go on is asked by then, at least once on each.
const REST: Duration = CHECK_ACCESS.saturating_mul(3);
const PATIENCE: Duration = Duration::from_secs(30);
const LATER: &str = "later.txt";

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    allow_files()?;
    // Without the worker, which would read the file and load the embedding model.
    let server = Server::start(&["--role", "web"], &[]).await?;
    let measured = measure_on(&server).await;
    server.stop().await;
    measured
}

async fn measure_on(server: &Server) -> Result<Vec<Measure>, Fault> {
    let workspace = server.workspace().await?;
    let path = format!("api/v1/projects/{}/events", workspace.project());
    // What the first stream of a process loads is not what a stream costs.
    drop(workspace.get(&path).await?);
    sleep(REST).await;
    let idle = server.resident_kib()?;
    let opened = stream::iter(0..STREAMS).map(|_| workspace.get(&path)).buffer_unordered(OPENING);
    let streams: Vec<reqwest::Response> = opened.try_collect().await?;
    sleep(REST).await;
    let open = server.resident_kib()?;
    let begun = Instant::now();
    let (heard, told) =
        tokio::join!(join_all(streams.into_iter().map(|stream| hears(stream, begun))), tell(&workspace));
    told?;
    let heard: Vec<Duration> = heard.into_iter().flatten().collect();
    let last = heard.iter().max().copied().unwrap_or_default();
    Ok(vec![
        measure_of("idle streams", STREAMS as f64, ""),
        measure_of("memory that they add", (open as f64 - idle as f64) / 1024.0, "MiB"),
        measure_of("heard of a later change", heard.len() as f64, "streams"),
        measure_of("until the last had heard", last.as_secs_f64() * 1e3, "ms"),
    ])
}

async fn tell(workspace: &Workspace) -> Result<(), Fault> {
    let text = Bytes::from_static(b"The launch is on the third of May.");
    workspace.upload(LATER, &text).await.map(drop)
}

/// When the stream had told of the new document; none if it ended or kept silent.
async fn hears(response: reqwest::Response, begun: Instant) -> Option<Duration> {
    let mut pieces = response.bytes_stream();
    let mut text = String::new();
    let listening = async {
        while let Some(Ok(piece)) = pieces.next().await {
            text.push_str(&String::from_utf8_lossy(&piece));
            if text.contains(LATER) {
                return Some(begun.elapsed());
            }
        }
        None
    };
    timeout(PATIENCE, listening).await.ok().flatten()
}

/// Many systems begin with 1,024 open files a process; the server inherits what is set here.
fn allow_files() -> Result<(), Fault> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= FILES) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(limit.maximum.map_or(FILES, |most| most.min(FILES))), ..limit };
    setrlimit(Resource::Nofile, raised).map_err(Fault::while_doing("open a thousand connections"))
}
