//! A file up and down through the product: chunk by chunk as the pages send it, and whole as they fetch it. The embedded
//! store is on the same disk and the same cores.

use super::{
    Measure, measure_of, median,
    server::{Server, Workspace},
};
use crate::fault::Fault;
use bytes::Bytes;
use futures::StreamExt;
use std::time::Instant;

const BYTES: usize = 128 * 1024 * 1024;
const ROUNDS: usize = 3;
/// The file is a picture, as far as its first bytes tell.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    // Without the worker: nobody reads the file meanwhile.
    let server = Server::start(&["--role", "web"], &[]).await?;
    let measured = measure_on(&server).await;
    server.stop().await;
    measured
}

async fn measure_on(server: &Server) -> Result<Vec<Measure>, Fault> {
    let workspace = server.workspace().await?;
    let content = content();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let document = workspace.upload(&format!("poster {round}.png"), &content).await?;
        up.push(rate(begun));
        let begun = Instant::now();
        download(&workspace, &document, &content).await?;
        down.push(rate(begun));
    }
    Ok(vec![
        measure_of("size of the file", megabytes(), "MB"),
        measure_of("up", median(up), "MB/s"),
        measure_of("down", median(down), "MB/s"),
    ])
}

/// # Errors
/// Also when what comes is not what was sent.
async fn download(workspace: &Workspace, document: &str, content: &Bytes) -> Result<(), Fault> {
    let mut stream = workspace.get(&format!("api/v1/documents/{document}/file")).await?.bytes_stream();
    let mut at = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(Fault::while_doing("read a file"))?;
        if content.get(at..at + piece.len()) != Some(&piece[..]) {
            return Err(Fault::while_doing("read a file")("it is not what was sent"));
        }
        at += piece.len();
    }
    if at == content.len() { Ok(()) } else { Err(Fault::while_doing("read a file")("it came in part")) }
}

/// Bytes that do not repeat, by Marsaglia's xorshift.
fn content() -> Bytes {
    let mut content = Vec::with_capacity(BYTES + 8);
    content.extend_from_slice(PNG);
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    while content.len() < BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(BYTES);
    content.into()
}

fn megabytes() -> f64 {
    BYTES as f64 / 1e6
}

fn rate(begun: Instant) -> f64 {
    megabytes() / begun.elapsed().as_secs_f64()
}
