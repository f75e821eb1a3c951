//! How fast files are read, for `atelier bench`.

use super::{ExtractError, read};
use crate::rag::chunk;
use std::{fs::File, path::Path, time::Duration, time::Instant};

/// What reading one file took, on one core.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    pub bytes: u64,
    pub pages: usize,
    pub chunks: usize,
    pub time: Duration,
}

impl Throughput {
    /// Megabytes (10^6) of the file a second.
    #[allow(clippy::cast_precision_loss)] // a figure for people
    pub fn megabytes_a_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.time.as_secs_f64()
    }
}

/// Reads and cuts a file of one's own as ingestion does, without a child, a database and a model. Blocks.
///
/// # Errors
/// [`ExtractError`], as a sentence.
pub fn extract_and_chunk(path: &Path, media_type: &str) -> Result<Throughput, ExtractError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let (mut pages, mut chunks) = (0, 0);
    let begun = Instant::now();
    read(file, media_type, &mut |page| {
        pages += 1;
        chunks += chunk::of_page(1, &page).len();
        Ok(())
    })?;
    Ok(Throughput { bytes, pages, chunks, time: begun.elapsed() })
}
