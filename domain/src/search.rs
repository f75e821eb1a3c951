//! Search in the documents: what is looked for, where, and how each passage that is found matches.

use crate::{DocumentId, Error, FolderId, ProjectId, WorkspaceId, documents::Passage};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Characters of a query.
pub const MAX_QUERY: usize = 1000;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    Workspace(WorkspaceId),
    Project(ProjectId),
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    pub query: String,
    pub within: Within,
    /// Only in this folder and those in it.
    #[serde(default)]
    pub folder: Option<FolderId>,
    /// Only in these documents; in all when empty.
    #[serde(default)]
    pub documents: Vec<DocumentId>,
    /// Most passages, at most 50.
    pub limit: u32,
}

impl Search {
    /// In all of a project.
    pub fn in_project(project: ProjectId, query: impl Into<String>, limit: u32) -> Self {
        Self { query: query.into(), within: Within::Project(project), folder: None, documents: Vec::new(), limit }
    }
}

/// The model whose index answers, and how far the next one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchIndex {
    /// The model that turns text into vectors.
    pub model: String,
    /// There while another model's index is built beside it. Searches go on with the old one until it is complete.
    #[serde(default)]
    pub building: Option<IndexBuild>,
}

/// An index that is being built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IndexBuild {
    pub model: String,
    /// The project's passages that it has already.
    pub done: u32,
    /// The project's passages.
    pub total: u32,
}

#[async_trait]
pub trait Searches {
    /// The passages that match best, the best first.
    ///
    /// # Errors
    /// `NotFound` when the place is absent or another tenant's; `Invalid` for an empty or overlong query.
    async fn search(&self, search: Search) -> Result<Vec<Passage>, Error>;
    /// Which index a project's searches read.
    async fn search_index(&self, project: ProjectId) -> Result<SearchIndex, Error>;
}
