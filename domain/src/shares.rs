//! Shares: a document opened, for a while, to whoever has its link.

use crate::{DocumentId, Error, Page, PageRequest, ShareId, UserId, documents::DocumentPage};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A share that has not been revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Share {
    pub id: ShareId,
    pub document_id: DocumentId,
    /// Who made it; with their membership it ends.
    pub user_id: UserId,
    pub user_name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Whether that is past.
    pub expired: bool,
    /// How often its page was opened.
    pub opened_count: u64,
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_opened_at: Option<OffsetDateTime>,
}

/// Until when it opens the document: one of the two, or 7 days when both are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewShare {
    /// 1 to 366.
    #[serde(default)]
    pub expires_in_days: Option<u16>,
    /// At most 366 days from now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

impl NewShare {
    pub const DEFAULT_DAYS: u16 = 7;
    /// Nothing is shared for good.
    pub const MAX_DAYS: u16 = 366;
}

/// A share that was made just now. `Debug` leaves the link out: it is a way in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeShare {
    pub share: Share,
    /// Shown this once: only its hash is kept.
    pub link: String,
}

impl std::fmt::Debug for MadeShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeShare").field("share", &self.share).finish_non_exhaustive()
    }
}

/// What whoever has the link sees of the document, and nothing beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedDocument {
    pub name: String,
    pub media_type: String,
    /// Bytes.
    pub size_bytes: u64,
    /// 0 when it has no text, or that has not been read yet.
    pub page_count: u32,
    pub shared_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    pub text: SharedText,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedText {
    /// The whole of a Markdown file.
    Markdown(String),
    /// Some pages, in order.
    Pages(Vec<DocumentPage>),
}

/// Port to shared documents for whoever follows a link, signed in or not.
#[async_trait]
pub trait OpenShares: Send + Sync {
    /// The document with up to `limit` (at most 50) of its pages from number `from` on. Counts as an opening when that is
    /// the first page.
    ///
    /// # Errors
    /// `NotFound` when no share has this token, or it has expired or was revoked, or whoever made it may share no longer.
    async fn open_share(&self, token: &str, from: u32, limit: u32) -> Result<SharedDocument, Error>;
}

#[async_trait]
pub trait Shares {
    /// Everybody's, the newest first: who has opened a document is the business of all who may. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member).
    async fn list_shares(&self, document: DocumentId, page: PageRequest) -> Result<Page<Share>, Error>;
    /// Needs [`Role::Member`](crate::workspaces::Role::Member), and a person, not an API key (else `Denied`): a share would
    /// outlive the key.
    ///
    /// # Errors
    /// `Invalid` on `expires_in_days` or `expires_at`; `Conflict` for a version that is still in the making, or a link
    /// that has not been fetched yet.
    async fn share(&self, document: DocumentId, new: NewShare) -> Result<MadeShare, Error>;
    /// One's own, or anyone's for an admin. It ends at once.
    async fn revoke_share(&self, id: ShareId) -> Result<(), Error>;
}
