//! Publications: a copy of a document's file under the bucket's public address. A row says that there is one, or that it
//! is about to be made or removed; so a crash at any moment leaves a row by which the copy is found.

mod removal;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

pub use removal::{remove_withdrawn, work};

use crate::{
    documents::{download, repo as documents},
    fault::Fault,
    session::UserSession,
    storage::ObjectKey,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error,
    publications::{Publication, PublicationStatus, Publications},
    workspaces::Role,
};

#[async_trait]
impl Publications for UserSession {
    async fn publication(&self, document: DocumentId) -> Result<PublicationStatus, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(document, Role::Viewer).await?;
        let key = ObjectKey::Published { workspace: access.project().workspace().id(), document };
        let Some(url) = self.state.store.public_url(key) else {
            return Ok(PublicationStatus { possible: false, publication: None });
        };
        Ok(PublicationStatus { possible: true, publication: repo::find(&mut scope, &access, &url).await? })
    }

    async fn publish(&self, document: DocumentId) -> Result<Publication, Error> {
        let session = self.clone();
        // A task of its own, because a request that is cut off here would leave a copy that nobody has told of.
        let publishing = tokio::spawn(async move { publish(&session, document).await });
        Ok(publishing.await.map_err(Fault::while_doing("publish a document"))??)
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

async fn publish(session: &UserSession, document: DocumentId) -> Result<Publication, Fault> {
    let state = &session.state;
    let mut scope = session.persons_scope().await?;
    let access = scope.document(document, Role::Member).await?;
    let workspace = access.project().workspace().id();
    let copy = ObjectKey::Published { workspace, document };
    let Some(url) = state.store.public_url(copy) else {
        return Err(Error::conflict(
            "The file store has no public address, so nothing can be published. Set R2_PUBLIC_URL, or share the document by a link.",
        )
        .into());
    };
    // Held until the row is there: whoever puts it into the trash comes before, and is seen, or after, and sees the row.
    repo::hold(&mut scope, &access).await?;
    documents::find(&mut scope, &access).await?.may_leave()?;
    repo::check_written(&mut scope, &access).await?;
    let file = documents::file_of(scope.conn(), workspace, document).await?;
    let begun = repo::begin(&mut scope, &access).await?;
    scope.commit().await?;

    let (media_type, disposition) = download::shown(&file);
    state.store.copy(file.key, copy, &media_type, &disposition).await?;

    let mut scope = session.scope().await?;
    let access = scope.document(document, Role::Member).await?;
    let is_published = repo::complete(&mut scope, &access, begun, &file.sha256).await?;
    let publication = repo::find(&mut scope, &access, &url).await?;
    scope.commit().await?;
    match publication.filter(|_| is_published) {
        Some(publication) => Ok(publication),
        None => {
            // Whoever withdrew it may have removed the copy before this one was made.
            removal::remove(state, document.into()).await?;
            Err(Error::conflict(
                "Somebody else withdrew or published this document at the same moment. Look whether it is as you want it.",
            )
            .into())
        }
    }
}
