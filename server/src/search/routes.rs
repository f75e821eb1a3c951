//! `/api/v1/projects/{id}/search`, `/api/v1/workspaces/{id}/search` and `/api/v1/projects/{id}/search-index`.

use crate::{
    AppState,
    http::error::{HttpError, Json, Path, Problems, Query},
    session::UserSession,
};
use domain::{
    DocumentId, Error, FolderId, ProjectId, WorkspaceId,
    documents::Passage,
    search::{Search, SearchIndex, Searches, Within},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Search";

/// Passages of one answer, unless the request says otherwise.
const LIMIT: u32 = 10;
/// More documents than anybody chooses by hand, and fewer than make a request line too long.
const MAX_DOCUMENTS: usize = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(in_project)).routes(routes!(in_workspace)).routes(routes!(index))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// What to look for, at most 1,000 characters.
    q: String,
    /// Only in these documents: their ids, separated by commas, at most 100.
    documents: Option<String>,
    /// Only in this folder and those in it.
    folder: Option<FolderId>,
    /// Most passages, 1 to 50; 10 when absent.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

impl SearchQuery {
    fn search(self, within: Within) -> Result<Search, Error> {
        Ok(Search {
            documents: documents(self.documents.as_deref().unwrap_or_default())?,
            query: self.q,
            within,
            folder: self.folder,
            limit: self.limit.unwrap_or(LIMIT),
        })
    }
}

fn documents(text: &str) -> Result<Vec<DocumentId>, Error> {
    let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::parse);
    let ids: Vec<DocumentId> = ids
        .collect::<Result<_, _>>()
        .map_err(|_| Error::invalid("documents", "Give the documents' ids, separated by commas."))?;
    if ids.len() > MAX_DOCUMENTS {
        return Err(Error::invalid("documents", "Choose at most 100 documents, or a folder."));
    }
    Ok(ids)
}

/// Search a project
///
/// The passages of its documents that match best, by words and by meaning. Passages that follow each other come as one,
/// and those that say the same in the same words only once.
#[utoipa::path(get, path = "/projects/{id}/search", operation_id = "search_project", tag = TAG,
    params(("id" = ProjectId, Path), SearchQuery), responses((status = OK, body = Vec<Passage>), Problems))]
async fn in_project(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Vec<Passage>>, HttpError> {
    Ok(Json(session.search(query.search(Within::Project(project))?).await?))
}

/// Search a workspace
///
/// As in a project, in the documents of all projects.
#[utoipa::path(get, path = "/workspaces/{id}/search", operation_id = "search_workspace", tag = TAG,
    params(("id" = WorkspaceId, Path), SearchQuery), responses((status = OK, body = Vec<Passage>), Problems))]
async fn in_workspace(
    session: UserSession,
    Path(workspace): Path<WorkspaceId>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Vec<Passage>>, HttpError> {
    Ok(Json(session.search(query.search(Within::Workspace(workspace))?).await?))
}

/// The search index
///
/// The model that finds by meaning, and while another one is about to follow it, how far that is.
#[utoipa::path(get, path = "/projects/{id}/search-index", operation_id = "get_search_index", tag = TAG,
    params(("id" = ProjectId, Path)), responses((status = OK, body = SearchIndex), Problems))]
async fn index(session: UserSession, Path(project): Path<ProjectId>) -> Result<Json<SearchIndex>, HttpError> {
    Ok(Json(session.search_index(project).await?))
}
