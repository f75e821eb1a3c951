//! Folders of a project, nested, with the documents in them.

use crate::{
    DocumentId, Error, FolderId, Page, PageRequest, ProjectId, documents::Document, text::Name, workspaces::Role,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Folders inside each other, the outermost included.
pub const MAX_DEPTH: usize = 8;

/// Folders of one project: all of them are offered when something is moved.
pub const MAX_FOLDERS: u32 = 1000;

/// What is moved, restored or deleted at once.
pub const MAX_ITEMS: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Folder {
    pub id: FolderId,
    pub project_id: ProjectId,
    /// The folder that it is in; absent at the top.
    #[serde(default)]
    pub parent_id: Option<FolderId>,
    /// Unlike that of every other folder in the same place, in upper or lower case.
    pub name: String,
    /// Folders and documents directly in it.
    pub item_count: u32,
    /// The reader's role in the folder's workspace.
    pub role: Role,
    pub created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A folder's place among all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FolderLink {
    pub id: FolderId,
    #[serde(default)]
    pub parent_id: Option<FolderId>,
    pub name: String,
    /// Folders around it: 0 at the top.
    pub depth: u32,
}

/// What is in one place: in a folder, or at the top of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FolderContents {
    /// The folders around this place, the outermost first and this one last; empty at the top.
    pub path: Vec<FolderLink>,
    /// By name. All of them, on the first page only.
    pub folders: Vec<Folder>,
    /// The newest first.
    pub documents: Page<Document>,
}

/// A folder or a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Item {
    Folder(FolderId),
    Document(DocumentId),
}

impl From<Item> for Items {
    fn from(item: Item) -> Self {
        match item {
            Item::Folder(id) => Self::folder(id),
            Item::Document(id) => Self::document(id),
        }
    }
}

/// Folders and documents of one project, at most [`MAX_ITEMS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Items {
    #[serde(default)]
    pub folders: Vec<FolderId>,
    #[serde(default)]
    pub documents: Vec<DocumentId>,
}

impl Items {
    pub fn document(id: DocumentId) -> Self {
        Self { folders: Vec::new(), documents: vec![id] }
    }

    pub fn folder(id: FolderId) -> Self {
        Self { folders: vec![id], documents: Vec::new() }
    }

    pub fn count(&self) -> usize {
        self.folders.len() + self.documents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// A folder to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewFolder {
    pub name: Name,
    /// The folder to make it in; at the top when absent.
    #[serde(default)]
    pub parent_id: Option<FolderId>,
}

/// Where things are to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Move {
    #[serde(default)]
    pub folders: Vec<FolderId>,
    #[serde(default)]
    pub documents: Vec<DocumentId>,
    /// The folder; the top of the project when absent.
    #[serde(default)]
    pub into: Option<FolderId>,
}

#[async_trait]
pub trait Folders {
    /// All folders of the project, each right before those in it; by name.
    async fn list_folders(&self, project: ProjectId) -> Result<Vec<FolderLink>, Error>;
    /// What is in the folder, or at the top of the project. The pages are those of the documents.
    ///
    /// # Errors
    /// `NotFound` also for a folder of another project and for one in the trash.
    async fn folder_contents(
        &self,
        project: ProjectId,
        folder: Option<FolderId>,
        page: PageRequest,
    ) -> Result<FolderContents, Error>;
    async fn folder(&self, id: FolderId) -> Result<Folder, Error>;
    /// Needs [`Role::Member`].
    ///
    /// # Errors
    /// `Conflict` when there is one of that name, when it would be too deep, and when there are [`MAX_FOLDERS`].
    async fn create_folder(&self, project: ProjectId, new: NewFolder) -> Result<Folder, Error>;
    /// Needs [`Role::Member`].
    ///
    /// # Errors
    /// `Conflict` when there is one of that name beside it.
    async fn rename_folder(&self, id: FolderId, name: Name) -> Result<Folder, Error>;
    /// Moves all of them, or none. Needs [`Role::Member`].
    ///
    /// # Errors
    /// `NotFound` when one of them, or the folder to move into, is absent, in the trash, or of another project;
    /// `Conflict` when a folder would be in itself, too deep, or beside one of its name.
    async fn move_items(&self, project: ProjectId, wanted: Move) -> Result<(), Error>;
}
