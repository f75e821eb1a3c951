//! Server functions of folders.

use crate::{call::Call, error::ApiError};
#[cfg(feature = "ssr")]
use crate::{
    flash::{self, Notice},
    session::session,
};
use domain::{
    DocumentId, FolderId, ProjectId,
    folders::{Folder, FolderLink, Move},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The folders of a project, as the list of documents shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFolders {
    /// Those in the place in view.
    pub here: Vec<Folder>,
    /// All of them, to choose from.
    pub all: Vec<FolderLink>,
}

#[server(protocol = Call)]
pub async fn list_folders(project: ProjectId, folder: Option<FolderId>) -> Result<ProjectFolders, ApiError> {
    use domain::PageRequest;

    let session = session()?;
    let here = session.folder_contents(project, folder, PageRequest { cursor: None, limit: 1 }).await?.folders;
    Ok(ProjectFolders { here, all: session.list_folders(project).await? })
}

#[server]
pub async fn create_folder(project: ProjectId, parent: Option<FolderId>, name: String) -> Result<Folder, ApiError> {
    use domain::{folders::NewFolder, text::Name};

    let new = NewFolder { name: Name::parse("name", &name)?, parent_id: parent };
    Ok(session()?.create_folder(project, new).await?)
}

#[server]
pub async fn rename_folder(id: FolderId, name: String) -> Result<Folder, ApiError> {
    use domain::text::Name;

    Ok(session()?.rename_folder(id, Name::parse("name", &name)?).await?)
}

/// Moves them into a folder, or to the top of the project; says what went where.
#[server]
pub async fn move_items(
    project: ProjectId,
    #[server(default)] folders: Vec<FolderId>,
    #[server(default)] documents: Vec<DocumentId>,
    #[server(default)] into: Option<FolderId>,
) -> Result<Move, ApiError> {
    let items = some(folders, documents)?;
    let wanted = Move { folders: items.folders, documents: items.documents, into };
    session()?.move_items(project, wanted.clone()).await?;
    flash::leave_for_plain_form(Notice::Moved);
    Ok(wanted)
}

/// # Errors
/// `Invalid` when nothing is chosen, which a form without JavaScript cannot tell before it is sent.
#[cfg(feature = "ssr")]
pub(crate) fn some(folders: Vec<FolderId>, documents: Vec<DocumentId>) -> Result<domain::folders::Items, ApiError> {
    let items = domain::folders::Items { folders, documents };
    if items.is_empty() {
        return Err(domain::Error::invalid("documents", "Select a folder or a document first.").into());
    }
    Ok(items)
}
