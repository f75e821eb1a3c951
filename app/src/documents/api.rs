//! Server functions of documents. Files go up by `/api/v1/projects/{id}/uploads`.

use crate::{call::Call, error::ApiError, flash::Notice, members::api::Secret};
use domain::{
    Cursor, DocumentId, FolderId, Page, ProjectId,
    documents::{Document, DocumentPage},
    folders::{FolderContents, FolderLink},
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
    pub contents: FolderContents,
    /// All of the project's, to move things to.
    pub folders: Vec<FolderLink>,
    /// The reader's own to this place, of earlier visits.
    pub unfinished: Vec<Upload>,
    pub index: SearchIndex,
    /// What a form without JavaScript has done.
    pub notice: Option<Notice>,
}

/// A document and some of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub document: Document,
    pub pages: Vec<DocumentPage>,
    /// Of a link: the version that is being fetched, or could not be.
    pub next_version: Option<Document>,
    /// A share's link, made by a form without JavaScript.
    pub made: Option<Secret>,
    /// The present text of one that is written here.
    pub written: Option<WrittenText>,
}

/// One answer for the whole page, so that it takes one round trip.
#[server(protocol = Call)]
pub async fn open_documents(
    project: ProjectId,
    folder: Option<FolderId>,
    cursor: Option<Cursor>,
) -> Result<DocumentsHome, ApiError> {
    use domain::PageRequest;

    let session = crate::session::session()?;
    let page = PageRequest { cursor, ..PageRequest::first() };
    let contents = session.folder_contents(project, folder, page).await?;
    let mut unfinished = session.list_uploads(project).await?;
    unfinished.retain(|upload| upload.folder_id == folder);
    Ok(DocumentsHome {
        project: session.project(project).await?,
        contents,
        folders: session.list_folders(project).await?,
        unfinished,
        index: session.search_index(project).await?,
        notice: crate::flash::take(),
    })
}

/// Of one folder, or of the top of the project.
#[server(protocol = Call)]
pub async fn list_documents(
    project: ProjectId,
    folder: Option<FolderId>,
    cursor: Option<Cursor>,
) -> Result<Page<Document>, ApiError> {
    use domain::PageRequest;

    let page = PageRequest { cursor, ..PageRequest::first() };
    Ok(crate::session::session()?.folder_contents(project, folder, page).await?.documents)
}

/// A document with up to `limit` pages from page `from` on; none before its text is read.
#[server(protocol = Call)]
pub async fn open_document(id: DocumentId, from: u32, limit: u32) -> Result<Opened, ApiError> {
    let session = crate::session::session()?;
    let document = session.document(id).await?;
    let next_version = if document.source_url.is_some() { session.next_version(id).await? } else { None };
    let written = match document.writing {
        Some(_) => Some(session.written_text(id).await?),
        None => None,
    };
    let made = crate::members::shown_once::take(&format!("/documents/{id}"));
    Ok(Opened { document, pages: session.document_pages(id, from, limit).await?, next_version, made, written })
}

#[server(protocol = Call)]
pub async fn retry_document(id: DocumentId) -> Result<Document, ApiError> {
    Ok(crate::session::session()?.retry_document(id).await?)
}
