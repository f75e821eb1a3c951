//! Server functions of written documents.

use crate::call::Call;
use crate::error::ApiError;
use domain::{
    Cursor, DocumentId, FolderId, Page, ProjectId, VersionId,
    documents::Document,
    written::{Difference, Saved, Version, VersionText, WritingStatus, WrittenText},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a document's history shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub document: Document,
    pub versions: Page<Version>,
    /// The version that was chosen, and what has changed since.
    pub chosen: Option<(VersionText, Difference)>,
}

/// Makes an empty document and goes to its editor.
#[server(protocol = Call)]
pub async fn create_written(project: ProjectId, folder: Option<FolderId>) -> Result<DocumentId, ApiError> {
    use domain::{
        text::Name,
        written::{Markdown, NewWritten},
    };

    let new = NewWritten { title: Name::parse("title", "Untitled")?, text: Markdown::default(), folder_id: folder };
    let id = crate::session::session()?.create_written(project, new).await?.id;
    crate::redirect::to(&format!("/documents/{id}/edit"));
    Ok(id)
}

#[server(protocol = Call)]
pub async fn open_editor(id: DocumentId) -> Result<WrittenText, ApiError> {
    Ok(crate::session::session()?.written_text(id).await?)
}

/// Plain fields, so that a text that is too long is refused at its field and not as a request that cannot be read. Without
/// a title the document keeps its own.
#[cfg(feature = "ssr")]
fn parse(
    revision: u64,
    title: &str,
    text: &str,
    new_version: bool,
) -> Result<domain::written::Save, domain::FieldError> {
    use domain::{
        text::Name,
        written::{Markdown, Save},
    };

    let title = if title.trim().is_empty() { None } else { Some(Name::parse("title", title)?) };
    Ok(Save { revision, title, text: Markdown::parse("text", text)?, new_version })
}

#[server(protocol = Call)]
pub async fn save_text(
    id: DocumentId,
    revision: u64,
    title: String,
    text: String,
    new_version: bool,
) -> Result<Saved, ApiError> {
    let session = crate::session::session()?;
    Ok(session.save_text(id, parse(revision, &title, &text, new_version)?).await?)
}

/// The form without JavaScript. A text that somebody has changed meanwhile is not refused, because the page could not keep
/// what was typed: it becomes a version of its own, and the history shows both.
#[server(protocol = Call)]
pub async fn keep_text(id: DocumentId, revision: u64, title: String, text: String) -> Result<Saved, ApiError> {
    use domain::Error;

    let session = crate::session::session()?;
    let save = parse(revision, &title, &text, false)?;
    match session.save_text(id, save.clone()).await {
        Err(Error::Conflict { .. }) => {
            let revision = session.written_text(id).await?.revision;
            // Titles have no history: theirs stays.
            let save = domain::written::Save { revision, new_version: true, title: None, ..save };
            let saved = session.save_text(id, save).await?;
            crate::redirect::to(&format!("/documents/{id}/history?overtaken={}", saved.version));
            Ok(saved)
        }
        saved => Ok(saved?),
    }
}

/// Leaves what was typed in the history, and goes on with what somebody else has saved meanwhile.
#[server(protocol = Call)]
pub async fn yield_text(id: DocumentId, revision: u64, version: u32, text: String) -> Result<WrittenText, ApiError> {
    use domain::PageRequest;

    let session = crate::session::session()?;
    // Titles have no history: theirs stays.
    let saved = session.save_text(id, parse(revision, "", &text, true)?).await?;
    if saved.version != version {
        let versions = session.list_versions(id, PageRequest::first()).await?.items;
        if let Some(theirs) = versions.into_iter().find(|one| one.number == version) {
            session.restore_version(theirs.id).await?;
        }
    }
    Ok(session.written_text(id).await?)
}

#[server(protocol = Call)]
pub async fn set_status(id: DocumentId, status: WritingStatus, revision: u64) -> Result<Document, ApiError> {
    use domain::written::StatusChange;

    Ok(crate::session::session()?.set_status(id, StatusChange { status, revision }).await?)
}

/// The present text against what was typed.
#[server(protocol = Call)]
pub async fn compare_text(id: DocumentId, text: String) -> Result<Difference, ApiError> {
    use domain::written::Markdown;

    Ok(crate::session::session()?.compare_text(id, Markdown::parse("text", &text)?).await?)
}

/// One answer for the whole page, so that it takes one round trip.
#[server(protocol = Call)]
pub async fn open_history(
    id: DocumentId,
    cursor: Option<Cursor>,
    version: Option<VersionId>,
) -> Result<History, ApiError> {
    use domain::{Error, PageRequest};

    let session = crate::session::session()?;
    let document = session.document(id).await?;
    let versions = session.list_versions(id, PageRequest { cursor, ..PageRequest::first() }).await?;
    let chosen = match version {
        None => None,
        Some(version) => {
            let text = session.version(version).await?;
            if text.version.document_id != id {
                return Err(Error::NotFound.into());
            }
            Some((text, session.compare_version(version, None).await?))
        }
    };
    Ok(History { document, versions, chosen })
}

/// Puts a version's text back, and goes to the editor of its document.
#[server(protocol = Call)]
pub async fn restore_version(id: VersionId, document: DocumentId) -> Result<Saved, ApiError> {
    let saved = crate::session::session()?.restore_version(id).await?;
    crate::redirect::to(&format!("/documents/{document}/edit"));
    Ok(saved)
}
