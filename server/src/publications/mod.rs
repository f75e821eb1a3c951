//! Publications: a copy of a document's file under the bucket's public address. A row says that there is one, or that it
//! is about to be made or removed; so a crash at any moment leaves a row by which the copy is found.

mod removal;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

pub use removal::remove_withdrawn;

use crate::{
    documents::{download, repo as documents},
    session::UserSession,
    storage::ObjectKey,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error,
    publications::{Publication, PublicationStatus, Publications},
    workspaces::Role,
};

const OVERTAKEN: &str =
    "Somebody else withdrew or published this document at the same moment. Look whether it is as you want it.";

#[async_trait]
impl Publications for UserSession {
    async fn publication(&self, document: DocumentId) -> Result<PublicationStatus, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(document, Role::Viewer).await?;
        let key = ObjectKey::Published { workspace: access.project().workspace().id(), document };
        let Some(url) = self.state.store.public_url(key) else {
            return Ok(PublicationStatus { possible: false, publication: None });
        };
        Ok(PublicationStatus { possible: true, publication: repo::find(&mut scope, &access, &url).await? })
    }

    async fn publish(&self, document: DocumentId) -> Result<Publication, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.document(document, Role::Member).await?;
        let workspace = access.project().workspace().id();
        let copy = ObjectKey::Published { workspace, document };
        let Some(url) = self.state.store.public_url(copy) else {
            return Err(Error::conflict(
                "The file store has no public address, so nothing can be published. Set R2_PUBLIC_URL, or share the document by a link.",
            ));
        };
        documents::find(&mut scope, &access).await?.may_leave()?;
        let file = documents::file_of(scope.conn(), workspace, document).await?;
        let begun = repo::begin(&mut scope, &access).await?;
        scope.commit().await?;

        let (media_type, disposition) = download::shown(&file);
        self.state.store.copy(file.key, copy, &media_type, &disposition).await?;

        let mut scope = self.scope().await?;
        let access = scope.document(document, Role::Member).await?;
        if !repo::complete(&mut scope, &access, begun, &file.sha256).await? {
            // Whoever withdrew it may have removed the copy before this one was made.
            repo::withdraw_copy(&mut scope, &access).await?;
            scope.commit().await?;
            removal::remove(&self.state, document.into()).await?;
            return Err(Error::conflict(OVERTAKEN));
        }
        let publication = repo::find(&mut scope, &access, &url).await?.ok_or(Error::NotFound)?;
        scope.commit().await?;
        Ok(publication)
    }

    async fn unpublish(&self, document: DocumentId) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(document, Role::Member).await?;
        repo::withdraw(&mut scope, &access).await?;
        scope.commit().await?;
        // At once, so that it is gone when this has answered; if the store is away, the worker does it.
        if let Err(error) = removal::remove(&self.state, document.into()).await {
            tracing::warn!(%error, %document, "a withdrawn publication waits for the worker");
        }
        Ok(())
    }
}
