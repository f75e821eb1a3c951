//! How fast text files are read and cut into chunks, on one core, without a database and a model.

use super::{Measure, measure_of};
use crate::{
    fault::Fault,
    rag::extract::{bench, media_types},
};
use std::{fmt::Write as _, io::Write as _};

const BYTES: usize = 100_000_000;
const ROUNDS: usize = 5;

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    tokio::task::spawn_blocking(|| {
        let formats = [("text", media_types::TEXT), ("Markdown", media_types::MARKDOWN), ("CSV", media_types::CSV)];
        formats.into_iter().map(|(name, media_type)| throughput(name, media_type)).collect()
    })
    .await
    .map_err(Fault::while_doing("measure ingestion"))?
}

/// The median of some rounds.
fn throughput(name: &str, media_type: &str) -> Result<Measure, Fault> {
    let mut file = tempfile::NamedTempFile::new()?;
    let mut written = 0;
    for number in 0.. {
        if written >= BYTES {
            break;
        }
        let part = part(number, media_type);
        written += part.len();
        file.write_all(part.as_bytes())?;
    }
    file.flush()?;
    let mut speeds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let round = bench::extract_and_chunk(file.path(), media_type).map_err(Fault::while_doing("read a file"))?;
        speeds.push(round.megabytes_a_second());
    }
    speeds.sort_unstable_by(f64::total_cmp);
    Ok(measure_of(format!("{name}, read and cut"), speeds[ROUNDS / 2], "MB/s a core"))
}

/// Paragraphs of sentences whose lengths vary, or rows.
fn part(number: usize, media_type: &str) -> String {
    let mut part = String::new();
    if media_type == media_types::CSV {
        let _ = writeln!(part, "{number},\"Harbour {}, the north quay\",{},paid", number % 97, number * 7);
        return part;
    }
    if media_type == media_types::MARKDOWN && number.is_multiple_of(5) {
        let _ = write!(part, "## Section {number}\n\n- one **item**\n- another\n\n");
    }
    for sentence in 0..3 + number % 6 {
        let _ = write!(part, "Sentence {sentence} of {number} tells of the boathouse");
        part.push_str(&" and of what it costs".repeat((number + sentence) % 5));
        part.push_str(". ");
    }
    part.push_str("\n\n");
    part
}
