//! Folders: their rows in the list of documents, and what can be done to what is in it.

mod actions;
pub mod api;
mod bulk;
mod create;
mod list;
mod row;
mod selection;

pub(crate) use actions::{ItemActions, ItemFields, MoveButton, Shown, TrashButton};
pub(crate) use bulk::Bulk;
pub(crate) use create::NewFolderButton;
pub(crate) use list::FolderList;
pub(crate) use row::FolderRow;
pub(crate) use selection::{Choice, ChooseAll, Selection};

use domain::{FolderId, ProjectId};

/// The address of a folder, or of the top of a project.
pub(crate) fn href(project: ProjectId, folder: Option<FolderId>) -> String {
    match folder {
        Some(folder) => format!("/projects/{project}/documents?folder={folder}"),
        None => format!("/projects/{project}/documents"),
    }
}
