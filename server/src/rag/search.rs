//! Hybrid search in the documents of one project.

use crate::{fault::Fault, session::UserSession};
use domain::{ProjectId, documents::Passage};

/// The passages that match `query` best, the best first, at most `limit`.
///
/// # Errors
/// `NotFound` without membership; [`Fault::Model`] when the query cannot be embedded.
pub async fn search_project(_session: &UserSession, _project: ProjectId, _query: &str, _limit: u32) -> Result<Vec<Passage>, Fault> {
    todo!()
}
