//! Publications: a copy of a document's file at a lasting public address, under the bucket's own domain.

use crate::{DocumentId, Error};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A published copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Publication {
    pub document_id: DocumentId,
    /// Where everybody reads it; the same as long as the document is published.
    pub url: String,
    #[serde(with = "time::serde::rfc3339")]
    pub published_at: OffsetDateTime,
    pub published_by: String,
    /// Whether the copy is of the document's present file. A newer version is published only when somebody does so.
    pub current: bool,
}

/// Whether a document is published, and whether it can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicationStatus {
    /// Whether the bucket has a public address (`R2_PUBLIC_URL`).
    pub possible: bool,
    pub publication: Option<Publication>,
}

#[async_trait]
pub trait Publications {
    /// Needs [`Role::Viewer`](crate::workspaces::Role::Viewer).
    async fn publication(&self, document: DocumentId) -> Result<PublicationStatus, Error>;
    /// Copies the present file to its public address, in place of what was published before. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member), and a person, not an API key (else `Denied`): what everybody can
    /// read, somebody answers for.
    ///
    /// # Errors
    /// `Conflict` where nothing can be published, for what is in the trash, a version that is still in the making, and a
    /// link that has not been fetched yet.
    async fn publish(&self, document: DocumentId) -> Result<Publication, Error>;
    /// The copy is removed from the store; it is no error when there is none. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member).
    async fn unpublish(&self, document: DocumentId) -> Result<(), Error>;
}
