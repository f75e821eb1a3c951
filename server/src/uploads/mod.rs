//! Uploads in chunks, each of which is kept when it has arrived: a part of a multipart upload in the store, and a row
//! that knows how far it is. So an upload outlives the connection, the page and this process.

mod chunk;
mod hash;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{documents::upload::file_name, folders, session::UserSession, storage::ObjectStore};
use async_trait::async_trait;
use domain::{
    Error, ProjectId, UploadId,
    uploads::{NewUpload, Upload, Uploads},
    workspaces::Role,
};

#[async_trait]
impl Uploads for UserSession {
    async fn list_uploads(&self, project: ProjectId) -> Result<Vec<Upload>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let rows = repo::list(&mut scope, &access).await?;
        Ok(rows.into_iter().map(repo::Row::upload).collect())
    }

    async fn begin_upload(&self, project: ProjectId, new: NewUpload) -> Result<Upload, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let mut new = NewUpload { name: file_name(&new.name), ..new };
        check_size(&new, self.state.config.limits.max_upload_bytes)?;
        if new.attachment {
            new.folder_id = folders::attachments::find_or_make(&mut scope, &access).await?;
        } else {
            folders::repo::path(scope.conn(), project, new.folder_id).await?;
        }
        if let Some(row) = repo::find_same(&mut scope, &access, &new).await? {
            return Ok(row.upload());
        }
        if repo::list(&mut scope, &access).await?.len() as i64 >= repo::MOST {
            return Err(Error::conflict(format!(
                "You have {} unfinished uploads here. Finish or discard some of them first.",
                repo::MOST
            )));
        }
        let row = repo::insert(&mut scope, &access, &new).await?;
        scope.commit().await?;
        Ok(row.upload())
    }

    async fn upload(&self, id: UploadId) -> Result<Upload, Error> {
        let mut scope = self.reading().await?;
        let access = scope.upload(id, Role::Viewer).await?;
        Ok(repo::find(&mut scope, &access).await?.upload())
    }

    async fn discard_upload(&self, id: UploadId) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        scope.upload(id, Role::Viewer).await?;
        let deleted = repo::delete(scope.conn(), id).await?;
        scope.commit().await?;
        if let Some(row) = deleted {
            remove(&self.state.store, row).await;
        }
        Ok(())
    }
}

fn check_size(new: &NewUpload, limit: u64) -> Result<(), Error> {
    let name = &new.name;
    if new.size_bytes == 0 {
        return Err(Error::invalid("size_bytes", format!("“{name}” is empty. Add a file that has something in it.")));
    }
    if new.size_bytes > limit {
        let megabytes = limit / (1024 * 1024);
        return Err(Error::TooLarge {
            message: format!("“{name}” is larger than {megabytes} MB. Split it or make it smaller, and add it again."),
        });
    }
    Ok(())
}

/// Removes what a deleted upload has in the store. What fails is found by the sweep.
async fn remove(store: &ObjectStore, row: repo::Row) {
    if row.finished_at.is_some() {
        return;
    }
    let key = row.key();
    let store = store.clone();
    // A task of its own, because a request that is cut off here would leave it.
    let removal = tokio::spawn(async move {
        if let Some(upload) = &row.store_upload {
            store.abort_parts(&key.to_string(), upload).await?;
        }
        // All of it may be there as an object, if the document could not be made.
        if row.offset_bytes == row.size_bytes { store.delete(key).await } else { Ok(()) }
    });
    match removal.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%key, %error, "a discarded upload remains in the store until the sweep"),
        Err(error) => tracing::error!(%key, %error, "the removal of an upload ended early"),
    }
}
