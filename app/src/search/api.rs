//! Server functions of search.

use crate::call::Call;
use crate::error::ApiError;
use domain::{
    ProjectId,
    documents::{Document, Passage},
    projects::Project,
    search::SearchIndex,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a project's search page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHome {
    pub project: Project,
    /// The newest 50, to choose from.
    pub documents: Vec<Document>,
    pub index: SearchIndex,
    /// None before anything is looked for.
    pub found: Option<Vec<Passage>>,
    /// Why nothing could be looked for.
    pub failure: Option<String>,
}

/// One answer for the whole page, so that it takes one round trip. `documents` are ids, separated by commas; what is no
/// id is passed over.
#[server(protocol = Call)]
pub async fn open_search(project: ProjectId, query: String, documents: String) -> Result<SearchHome, ApiError> {
    use domain::{PageRequest, search::Search};

    const PASSAGES: u32 = 20;
    let session = crate::session::session()?;
    let listed = session.list_documents(project, PageRequest { cursor: None, limit: 50 }).await?.items;
    let mut home = SearchHome {
        project: session.project(project).await?,
        documents: listed,
        index: session.search_index(project).await?,
        found: None,
        failure: None,
    };
    if !query.trim().is_empty() {
        let chosen = documents.split(',').filter_map(|id| id.parse().ok()).collect();
        match session.search(Search { documents: chosen, ..Search::in_project(project, query, PASSAGES) }).await {
            Ok(passages) => home.found = Some(passages),
            // The page stays, with what was typed.
            Err(error) => home.failure = Some(error.to_string()),
        }
    }
    Ok(home)
}
