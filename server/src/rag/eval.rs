//! `atelier eval retrieval`: how well search ranks, measured on a corpus with judgements.

use crate::{AppState, fault::Fault};
use std::{fmt, path::Path};

/// What was measured; its `Display` is the table to print.
#[derive(Clone, Debug)]
pub struct Report {}

impl fmt::Display for Report {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Indexes `folder`'s `corpus.jsonl` through the product's own ingestion, in a workspace of its own that is removed
/// afterwards, and runs `queries.jsonl` against `qrels.tsv`. The state's migrations must have run.
///
/// # Errors
/// When the files cannot be read, or the ingestion or the search fails.
pub async fn run(_state: &AppState, _folder: &Path) -> Result<Report, Fault> {
    todo!()
}
