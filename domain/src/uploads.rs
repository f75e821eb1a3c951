//! Uploads that survive a broken connection: a file goes up in chunks of one size, and each chunk is kept when it has
//! arrived.

use crate::{DocumentId, Error, FolderId, ProjectId, UploadId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A file on its way up. Only who began it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    pub id: UploadId,
    pub project_id: ProjectId,
    /// The folder that the document goes into.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
    /// The file's name, with its extension.
    pub name: String,
    /// Bytes of the whole file.
    pub size_bytes: u64,
    /// When the file was last changed, in milliseconds since 1970, as its owner's machine told it.
    #[serde(default)]
    pub modified_ms: Option<i64>,
    /// Bytes that are kept: the next chunk begins here.
    pub offset: u64,
    /// Bytes of every chunk but the last, which is what remains.
    pub chunk_bytes: u64,
    /// The document that the file has become, once all of it is there.
    #[serde(default)]
    pub document_id: Option<DocumentId>,
    /// What has arrived is thrown away then, unless more arrives before.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// What a file is known by: one that is chosen again goes on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUpload {
    /// The file's name, with its extension.
    pub name: String,
    /// Bytes of the whole file.
    pub size_bytes: u64,
    /// When the file was last changed, in milliseconds since 1970.
    #[serde(default)]
    pub modified_ms: Option<i64>,
    /// The folder that the document is to go into; should it be gone by then, the top of the project.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
    /// It is to be attached to a question: the document goes into the project's folder for attachments, which is made if
    /// need be, gets a name of its own there instead of replacing one of its name, and other conversations are not asked of
    /// it unless they choose it. `folder_id` counts for nothing then.
    #[serde(default)]
    pub attachment: bool,
}

#[async_trait]
pub trait Uploads {
    /// The caller's unfinished uploads to the project, the newest first; at most 100.
    async fn list_uploads(&self, project: ProjectId) -> Result<Vec<Upload>, Error>;
    /// Begins an upload, or finds the caller's unfinished one of the same file. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// `Invalid` for an empty file, `TooLarge`, and `Conflict` when the caller has too many unfinished ones.
    async fn begin_upload(&self, project: ProjectId, new: NewUpload) -> Result<Upload, Error>;
    async fn upload(&self, id: UploadId) -> Result<Upload, Error>;
    /// Throws away what has arrived. A document that the upload has become stays.
    async fn discard_upload(&self, id: UploadId) -> Result<(), Error>;
}
