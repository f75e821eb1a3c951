//! Workspaces: the tenant.

pub(crate) mod repo;
pub mod routes;
#[cfg(test)]
pub(crate) mod tests;

use crate::{
    session::UserSession,
    storage::{ObjectPrefix, ObjectStore},
};
use async_trait::async_trait;
use domain::{
    Error, Page, PageRequest, WorkspaceId,
    text::Name,
    workspaces::{NewWorkspace, Role, Workspace, Workspaces},
};

#[async_trait]
impl Workspaces for UserSession {
    async fn list_workspaces(&self, page: PageRequest) -> Result<Page<Workspace>, Error> {
        let mut scope = self.reading().await?;
        Ok(repo::list(&mut scope, &page).await?)
    }

    async fn create_workspace(&self, new: NewWorkspace) -> Result<Workspace, Error> {
        let mut scope = self.persons_scope().await?;
        let access = repo::insert(&mut scope, &new.name).await?;
        let workspace = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(workspace)
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Workspace, Error> {
        let mut scope = self.reading().await?;
        let access = scope.workspace(id, Role::Viewer).await?;
        Ok(repo::find(&mut scope, &access).await?)
    }

    async fn rename_workspace(&self, id: WorkspaceId, name: Name) -> Result<Workspace, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.workspace(id, Role::Admin).await?;
        repo::rename(&mut scope, &access, &name).await?;
        let workspace = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(workspace)
    }

    async fn delete_workspace(&self, id: WorkspaceId) -> Result<(), Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.workspace(id, Role::Owner).await?;
        repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        // A task of its own, because a request that is cut off here would leave the files.
        if let Err(error) = tokio::spawn(delete_files(self.state.store.clone(), id)).await {
            tracing::error!(workspace = %id, %error, "the removal of a workspace's files ended early");
        }
        Ok(())
    }
}

/// Removes the files of a workspace that is deleted.
pub(crate) async fn delete_files(store: ObjectStore, id: WorkspaceId) {
    match store.delete_prefix(ObjectPrefix::Workspace(id)).await {
        Ok(files) => tracing::info!(workspace = %id, files, "a workspace's files were deleted"),
        Err(error) => tracing::error!(workspace = %id, %error, "a deleted workspace's files remain in the store"),
    }
}
