//! Documents that are written here. Their text is in the database, version by version; what questions are answered from
//! is a copy in the file store, which follows when the text has rested ([`jobs`]).

mod coalesce;
mod diff;
mod export;
pub(crate) mod jobs;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{
    access::DocumentAccess,
    db::Scope,
    documents::repo::{self as documents, NewDocument},
    events::{self, Notice},
    fault::Fault,
    folders, jobs as queue,
    projects::repo::touch,
    rag::extract::media_types,
    session::UserSession,
    storage::{ObjectKey, Stored},
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error, Page, PageRequest, ProjectId, VersionId,
    documents::Document,
    workspaces::Role,
    written::{
        Difference, Markdown, NewWritten, Save, Saved, StatusChange, Version, VersionText, WritingStatus, Written,
        WrittenText,
    },
};
use repo::{Change, Present};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[async_trait]
impl Written for UserSession {
    async fn create_written(&self, project: ProjectId, new: NewWritten) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        folders::repo::path(scope.conn(), project, new.folder_id).await?;
        drop(scope);
        let id = DocumentId::from(Uuid::now_v7());
        let key = ObjectKey::Document { workspace: access.workspace().id(), document: id };
        let text = new.text.as_str();
        let stored = Stored { size: text.len() as u64, sha256: Sha256::digest(text).into() };
        // A crash before the commit leaves an object without a row, which the sweep removes.
        self.state.store.put(key, media_types::MARKDOWN, text.to_owned().into()).await?;
        let file = NewDocument { id, name: new.title.into(), media_type: media_types::MARKDOWN.into(), stored, key };
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let document = repo::create(&mut scope, &access, new.folder_id, &file, &new.text).await?;
        if document.state.is_working() {
            queue::enqueue_ingest(scope.conn(), id).await?;
        }
        touch(scope.conn(), &access).await?;
        events::notify(scope.conn(), &Notice::Document { project, document: id }).await?;
        scope.commit().await?;
        Ok(document)
    }

    async fn written_text(&self, id: DocumentId) -> Result<WrittenText, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(id, Role::Viewer).await?;
        let present = repo::find(&mut scope, &access).await?;
        let (answers, failure) = repo::answers(&mut scope, &access).await?;
        let Present { text, revision, version, status, changed_by, changed_at, .. } = present;
        let document = documents::find(&mut scope, &access).await?;
        Ok(WrittenText { document, text, revision, version, status, changed_by, changed_at, answers, failure })
    }

    async fn save_text(&self, id: DocumentId, save: Save) -> Result<Saved, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(id, Role::Member).await?;
        let present = repo::lock(&mut scope, &access).await?;
        let renamed = save.title.as_ref().is_some_and(|title| title.as_str() != present.name);
        let rewritten = save.text != present.text;
        if !renamed && !rewritten {
            // Also when the answer to the same save was lost on its way.
            return Ok(present.saved());
        }
        if save.revision != present.revision {
            return Err(overtaken(&present));
        }
        let title = save.title.as_ref().filter(|_| renamed);
        let change = Change { title, text: &save.text, new_version: save.new_version, restored_from: None };
        Ok(self.write(scope, &access, &present, change).await?)
    }

    async fn set_status(&self, id: DocumentId, change: StatusChange) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(id, Role::Viewer).await?;
        let own = access.project().workspace().role();
        if own < change.status.needs() {
            return Err(Error::Forbidden);
        }
        let present = repo::lock(&mut scope, &access).await?;
        if present.status != change.status {
            if present.revision != change.revision {
                return Err(overtaken(&present));
            }
            if !present.status.may_become(change.status) {
                return Err(too_early(change.status));
            }
            repo::set_status(&mut scope, &access, &present, change.status).await?;
            let notice = Notice::Document { project: access.project().id(), document: id };
            events::notify(scope.conn(), &notice).await?;
        }
        let document = documents::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(document)
    }

    async fn list_versions(&self, id: DocumentId, page: PageRequest) -> Result<Page<Version>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(id, Role::Viewer).await?;
        repo::find(&mut scope, &access).await?;
        Ok(repo::versions(&mut scope, &access, &page).await?)
    }

    async fn version(&self, id: VersionId) -> Result<VersionText, Error> {
        let mut scope = self.reading().await?;
        let access = scope.version(id, Role::Viewer).await?;
        Ok(repo::version(&mut scope, &access).await?)
    }

    async fn restore_version(&self, id: VersionId) -> Result<Saved, Error> {
        let mut scope = self.scope().await?;
        let access = scope.version(id, Role::Member).await?;
        let document = access.document();
        let present = repo::lock(&mut scope, &document).await?;
        let VersionText { version, text } = repo::version(&mut scope, &access).await?;
        if text == present.text {
            return Err(Error::conflict("The document has this text now."));
        }
        let restored_from = Some(version.number);
        let change = Change { title: None, text: &text, new_version: true, restored_from };
        Ok(self.write(scope, &document, &present, change).await?)
    }

    async fn compare_version(&self, id: VersionId, other: Option<VersionId>) -> Result<Difference, Error> {
        let mut scope = self.reading().await?;
        let access = scope.version(id, Role::Viewer).await?;
        let old = repo::version(&mut scope, &access).await?.text;
        let new = match other {
            None => repo::find(&mut scope, &access.document()).await?.text,
            Some(other) => {
                let other = scope.version(other, Role::Viewer).await?;
                if other.document().id() != access.document().id() {
                    return Err(Error::NotFound);
                }
                repo::version(&mut scope, &other).await?.text
            }
        };
        drop(scope);
        Ok(compare(old, new).await?)
    }

    async fn compare_text(&self, id: DocumentId, text: Markdown) -> Result<Difference, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(id, Role::Viewer).await?;
        let present = repo::find(&mut scope, &access).await?.text;
        drop(scope);
        Ok(compare(present, text).await?)
    }
}

impl UserSession {
    /// Writes the change, tells of it, and has it read when it has rested.
    async fn write(
        &self,
        mut scope: Scope,
        access: &DocumentAccess,
        present: &Present,
        change: Change<'_>,
    ) -> Result<Saved, Fault> {
        let renamed = change.title.is_some();
        repo::change(&mut scope, access, present, change).await?;
        let after = repo::find(&mut scope, access).await?;
        queue::enqueue_hand_over(scope.conn(), access.id()).await?;
        // A list shows neither text nor revision: no reader is told of each word.
        if renamed || after.status != present.status {
            let notice = Notice::Document { project: access.project().id(), document: access.id() };
            events::notify(scope.conn(), &notice).await?;
        }
        touch(scope.conn(), &access.project()).await?;
        scope.commit().await?;
        Ok(after.saved())
    }
}

/// What a save that comes too late is told.
fn overtaken(present: &Present) -> Error {
    let who = if present.changed_by.is_empty() { "Somebody" } else { &present.changed_by };
    Error::conflict(format!("{who} has changed this document meanwhile. Compare the two texts before you go on."))
}

fn too_early(status: WritingStatus) -> Error {
    Error::conflict(match status {
        WritingStatus::Published => "Approve the document before you publish it.",
        _ => "Ask for a review before you approve the document.",
    })
}

async fn compare(old: Markdown, new: Markdown) -> Result<Difference, Fault> {
    tokio::task::spawn_blocking(move || diff::between(old.as_str(), new.as_str()))
        .await
        .map_err(Fault::while_doing("compare two texts"))
}
