//! Server functions of the trash.

use crate::{call::Call, error::ApiError, flash::Notice};
#[cfg(feature = "ssr")]
use crate::{flash, folders::api::some, session::session};
use domain::{Cursor, DocumentId, FolderId, Page, ProjectId, folders::Items, projects::Project, trash::Trashed};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the page of a project's trash shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashHome {
    pub project: Project,
    pub entries: Page<Trashed>,
    /// What a form without JavaScript has done.
    pub notice: Option<Notice>,
}

/// One answer for the whole page, so that it takes one round trip. Where nothing is left of the page that is asked for, the
/// first.
#[server(protocol = Call)]
pub async fn open_trash(project: ProjectId, cursor: Option<Cursor>) -> Result<TrashHome, ApiError> {
    use domain::PageRequest;

    let session = session()?;
    let is_first = cursor.is_none();
    let mut entries = session.list_trash(project, PageRequest { cursor, ..PageRequest::first() }).await?;
    if entries.items.is_empty() && !is_first {
        entries = session.list_trash(project, PageRequest::first()).await?;
    }
    Ok(TrashHome { project: session.project(project).await?, entries, notice: flash::take() })
}

/// Says what is in the trash now.
#[server]
pub async fn move_to_trash(
    project: ProjectId,
    #[server(default)] folders: Vec<FolderId>,
    #[server(default)] documents: Vec<DocumentId>,
) -> Result<Items, ApiError> {
    let items = some(folders, documents)?;
    session()?.move_to_trash(project, items.clone()).await?;
    flash::leave_for_plain_form(Notice::MovedToTrash);
    Ok(items)
}

/// Says what is back.
#[server]
pub async fn restore_from_trash(
    project: ProjectId,
    #[server(default)] folders: Vec<FolderId>,
    #[server(default)] documents: Vec<DocumentId>,
) -> Result<Items, ApiError> {
    let items = some(folders, documents)?;
    session()?.restore(project, items.clone()).await?;
    flash::leave_for_plain_form(Notice::Restored);
    Ok(items)
}

/// Says what is gone. Where its own page is left by that, `leave` goes to the trash.
#[server]
pub async fn delete_from_trash(
    project: ProjectId,
    #[server(default)] folders: Vec<FolderId>,
    #[server(default)] documents: Vec<DocumentId>,
    #[server(default)] leave: bool,
) -> Result<Items, ApiError> {
    let items = some(folders, documents)?;
    session()?.delete_forever(project, items.clone()).await?;
    flash::leave_for_plain_form(Notice::DeletedForever);
    if leave {
        crate::redirect::to(&format!("/projects/{project}/trash"));
    }
    Ok(items)
}

#[server]
pub async fn empty_trash(project: ProjectId) -> Result<(), ApiError> {
    Ok(session()?.empty_trash(project).await?)
}
