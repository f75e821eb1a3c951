//! Files attached to questions. Each is an ordinary document of the conversation's project, which the question, and those
//! that follow it, are asked of whatever their scope.

use crate::{
    DocumentId,
    documents::{Document, DocumentState},
};
use serde::{Deserialize, Serialize};

/// Files of one question.
pub const MAX_ATTACHMENTS: usize = 10;

/// What can be had of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// A worker has it or will have it; an answer waits for that.
    Reading,
    Ready,
    /// It was read, and there is no text in it: a picture that no model has described.
    Empty,
    /// It could not be read; the failure says why.
    Failed,
    /// In the trash: answers do without it until it is restored.
    Trashed,
    /// Deleted for good.
    Deleted,
}

impl AttachmentState {
    pub const fn of(state: DocumentState, page_count: Option<u32>, is_trashed: bool) -> Self {
        match (state, page_count) {
            _ if is_trashed => Self::Trashed,
            (DocumentState::Failed, _) => Self::Failed,
            (DocumentState::Ready, Some(0)) => Self::Empty,
            (DocumentState::Ready, _) => Self::Ready,
            (DocumentState::Queued | DocumentState::Extracting | DocumentState::Embedding, _) => Self::Reading,
        }
    }
}

/// A document attached to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// Absent once the document is deleted for good.
    #[serde(default)]
    pub document_id: Option<DocumentId>,
    /// The document's name, with its extension; once it is deleted, the one that it had when it was attached.
    pub name: String,
    /// As the document's; absent once it is deleted.
    #[serde(default)]
    pub media_type: Option<String>,
    pub state: AttachmentState,
    /// Why it could not be read, and what to do about it.
    #[serde(default)]
    pub failure: Option<String>,
}

impl From<&Document> for Attachment {
    fn from(document: &Document) -> Self {
        Self {
            document_id: Some(document.id),
            name: document.name.clone(),
            media_type: Some(document.media_type.clone()),
            state: AttachmentState::of(document.state, document.page_count, document.trashed_at.is_some()),
            failure: document.failure.clone(),
        }
    }
}
