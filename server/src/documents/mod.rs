//! Documents: uploaded files, and the text and passages found in them.

pub(crate) mod download;
pub mod jobs;
pub(crate) mod media_type;
pub mod orphans;
pub(crate) mod repo;
pub mod routes;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod upload;

use crate::{
    events::{self, Notice},
    fault::Fault,
    jobs as queue,
    session::UserSession,
    storage::{ObjectKey, ObjectStore},
    trash,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error, Page, PageRequest, ProjectId,
    documents::{Document, DocumentPage, Documents},
    folders::Items,
    workspaces::Role,
};
use futures::StreamExt;

/// Most pages of one answer.
const MAX_ITEMS: u32 = 50;

/// Files that are deleted from the store at once.
const DELETIONS_AT_ONCE: usize = 8;

#[async_trait]
impl Documents for UserSession {
    async fn list_documents(&self, project: ProjectId, page: PageRequest) -> Result<Page<Document>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        Ok(repo::list(&mut scope, &access, &page).await?)
    }

    async fn document(&self, id: DocumentId) -> Result<Document, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(id, Role::Viewer).await?;
        Ok(repo::find(&mut scope, &access).await?)
    }

    async fn document_pages(&self, id: DocumentId, from: u32, limit: u32) -> Result<Vec<DocumentPage>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(id, Role::Viewer).await?;
        Ok(repo::pages(&mut scope, &access, from, limit.clamp(1, MAX_ITEMS)).await?)
    }

    async fn delete_document(&self, id: DocumentId, forever: bool) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(id, Role::Member).await?;
        if !forever && repo::find(&mut scope, &access).await?.trashed_at.is_none() {
            trash::discard(&mut scope, &access.project(), &Items::document(id)).await?;
            return Ok(scope.commit().await?);
        }
        let files = repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }

    async fn retry_document(&self, id: DocumentId) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(id, Role::Member).await?;
        let Some(failed) = repo::requeue(&mut scope, &access).await? else {
            return Err(Error::conflict("Only a document that failed can be tried again."));
        };
        queue::enqueue_ingest(scope.conn(), failed).await?;
        let notice = Notice::Document { project: access.project().id(), document: id };
        events::notify(scope.conn(), &notice).await?;
        let document = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(document)
    }
}

/// Deletes files whose rows are gone. What fails is logged: nobody can see those files any more, they only take space.
pub(crate) async fn remove_files(store: &ObjectStore, files: Vec<ObjectKey>) {
    let store = store.clone();
    // A task of its own, because a request that is cut off here would leave the files.
    let removal = tokio::spawn(async move {
        futures::stream::iter(files)
            .for_each_concurrent(DELETIONS_AT_ONCE, |key| {
                let store = &store;
                async move {
                    if let Err(error) = store.delete(key).await {
                        report_remaining(key, &error);
                    }
                }
            })
            .await;
    });
    if let Err(error) = removal.await {
        tracing::error!(%error, "the removal of files ended early");
    }
}

fn report_remaining(key: ObjectKey, error: &Fault) {
    tracing::error!(%key, %error, "a deleted document's file remains in the store");
}
