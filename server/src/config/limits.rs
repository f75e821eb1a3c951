//! How much is too much.

use super::reader::Reader;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one uploaded file.
    pub max_upload_bytes: u64,
    /// Bytes of any other request's body.
    pub max_body_bytes: usize,
    /// For any request but uploads and event streams.
    pub request_timeout: Duration,
    /// Requests of one address, those for files left out.
    pub requests_per_minute: u32,
    /// Tries of one address to prove who one is: passwords, links, codes.
    pub sign_ins_per_minute: u32,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
    /// How many documents the worker reads at once.
    pub worker_concurrency: usize,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let max_upload_mb = reader.number("ATELIER_MAX_UPLOAD_MB", 200, 1..=5_000);
        let request_timeout = Duration::from_secs(reader.number("ATELIER_REQUEST_TIMEOUT_SECONDS", 30, 1..=600));
        let drain = Duration::from_secs(reader.number("ATELIER_DRAIN_SECONDS", 20, 1..=600));
        let worker_concurrency = usize::try_from(reader.number("ATELIER_WORKER_CONCURRENCY", concurrency(), 1..=64));
        let requests_per_minute = per_minute(reader, "ATELIER_RATE_LIMIT_PER_MINUTE", 3000);
        let sign_ins_per_minute = per_minute(reader, "ATELIER_SIGN_IN_LIMIT_PER_MINUTE", 20);
        Self {
            max_upload_bytes: max_upload_mb * 1024 * 1024,
            // A written text of a megabyte, as a form or as JSON.
            max_body_bytes: 4 * 1024 * 1024,
            request_timeout,
            requests_per_minute,
            sign_ins_per_minute,
            drain,
            worker_concurrency: worker_concurrency.unwrap_or(1),
        }
    }
}

/// Twice the cores, because each document waits for the store and the database most of the time; bounded, because each
/// may hold a large file's text.
fn concurrency() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u64::try_from(cores.saturating_mul(2).clamp(2, 8)).unwrap_or(2)
}

fn per_minute(reader: &mut Reader<'_>, name: &'static str, default: u32) -> u32 {
    u32::try_from(reader.number(name, default.into(), 1..=1_000_000)).unwrap_or(default)
}
