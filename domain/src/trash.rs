//! The trash of a project: folders and documents that are out of the way, and can be had back for a while.

use crate::{
    Error, FolderId, Page, PageRequest, ProjectId,
    folders::{Item, Items},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Days after which what is in the trash is deleted for good.
pub const KEPT_DAYS: i64 = 30;

/// Something in the trash. What was in a folder that was put there comes and goes with it, and is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trashed {
    pub item: Item,
    pub name: String,
    /// The folder that it was in and would come back to; absent when that is the top of the project.
    #[serde(default)]
    pub folder_name: Option<String>,
    /// Documents that come and go with a folder; 0 for a document.
    pub document_count: u32,
    /// Who put it there.
    pub trashed_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub trashed_at: OffsetDateTime,
    /// From then on it is deleted for good.
    #[serde(with = "time::serde::rfc3339")]
    pub kept_until: OffsetDateTime,
}

#[async_trait]
pub trait Trash {
    /// What was put there last comes first.
    async fn list_trash(&self, project: ProjectId, page: PageRequest) -> Result<Page<Trashed>, Error>;
    /// Puts all of them into the trash, or none; folders with all that is in them, of more than a thousand documents the rest
    /// within seconds. What is there already stays as it is.
    /// Needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// `NotFound` when one of them is absent or of another project.
    async fn move_to_trash(&self, project: ProjectId, items: Items) -> Result<(), Error>;
    /// Puts all of them back where they were, or none; to the top of the project where that place is gone. A folder whose
    /// name has been taken meanwhile gets a number. Needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// `NotFound` when one of them is not in the trash; `Conflict` for a folder that is there inside another.
    async fn restore(&self, project: ProjectId, items: Items) -> Result<(), Error>;
    /// Deletes what is in the trash, with its files. Needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// As [`Self::restore`].
    async fn delete_forever(&self, project: ProjectId, items: Items) -> Result<(), Error>;
    /// Deletes all that is in the project's trash. It is gone for everybody at once; what is much is deleted soon after, as
    /// with [`Self::delete_forever`]. Needs [`Role::Member`](crate::workspaces::Role::Member).
    async fn empty_trash(&self, project: ProjectId) -> Result<(), Error>;
    /// Puts the folder into the trash; one that is there already, and any with `forever`, is deleted. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member).
    async fn delete_folder(&self, id: FolderId, forever: bool) -> Result<(), Error>;
}
