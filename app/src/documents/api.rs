//! Server functions of documents. Files go up by `/api/v1/projects/{id}/uploads`.

use crate::error::ApiError;
use domain::{
    Cursor, DocumentId, Page, ProjectId,
    documents::{Document, DocumentPage},
    projects::Project,
    search::SearchIndex,
    uploads::Upload,
    written::WrittenText,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a project's documents page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsHome {
    pub project: Project,
    pub documents: Page<Document>,
    /// The reader's own, of earlier visits.
    pub unfinished: Vec<Upload>,
    pub index: SearchIndex,
}

/// A document and some of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub document: Document,
    pub pages: Vec<DocumentPage>,
    /// The present text of one that is written here.
    pub written: Option<WrittenText>,
}

/// One answer for the whole page, so that it takes one round trip.
#[server]
pub async fn open_documents(project: ProjectId, cursor: Option<Cursor>) -> Result<DocumentsHome, ApiError> {
    use domain::PageRequest;

    let session = crate::session::session()?;
    let documents = session.list_documents(project, PageRequest { cursor, ..PageRequest::first() }).await?;
    Ok(DocumentsHome {
        project: session.project(project).await?,
        documents,
        unfinished: session.list_uploads(project).await?,
        index: session.search_index(project).await?,
    })
}

#[server]
pub async fn list_documents(project: ProjectId, cursor: Option<Cursor>) -> Result<Page<Document>, ApiError> {
    use domain::PageRequest;

    Ok(crate::session::session()?.list_documents(project, PageRequest { cursor, ..PageRequest::first() }).await?)
}

/// A document with up to `limit` pages from page `from` on; none before its text is read.
#[server]
pub async fn open_document(id: DocumentId, from: u32, limit: u32) -> Result<Opened, ApiError> {
    let session = crate::session::session()?;
    let document = session.document(id).await?;
    let written = match document.writing {
        Some(_) => Some(session.written_text(id).await?),
        None => None,
    };
    Ok(Opened { document, pages: session.document_pages(id, from, limit).await?, written })
}

#[server]
pub async fn retry_document(id: DocumentId) -> Result<Document, ApiError> {
    Ok(crate::session::session()?.retry_document(id).await?)
}

/// Deletes a document, and says which. Where its own page is left by that, `leave_for` is the project to go to.
#[server]
pub async fn delete_document(id: DocumentId, leave_for: Option<ProjectId>) -> Result<DocumentId, ApiError> {
    crate::session::session()?.delete_document(id).await?;
    if let Some(project) = leave_for {
        crate::redirect::to(&format!("/projects/{project}/documents"));
    }
    Ok(id)
}
