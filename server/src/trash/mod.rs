//! The trash of a project. A row in it says when it was put there; its text, passages and embeddings stay as they are, and
//! searches look past it.

mod discard;
mod erase;
mod follow;
mod repo;
mod restore;
pub mod routes;
mod settle;
#[cfg(test)]
mod tests;

pub(crate) use discard::discard;
pub use erase::purge;
pub use settle::{settle, work};

use crate::{
    access::ProjectAccess, documents::remove_files, folders, folders::check_count, projects::repo::touch,
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    Error, FolderId, Page, PageRequest, ProjectId, WorkspaceId,
    folders::Items,
    trash::{Trash, Trashed},
    workspaces::Role,
};

/// Whose a trash is.
#[derive(Clone, Copy, Debug)]
struct Owner {
    project: ProjectId,
    workspace: WorkspaceId,
}

impl Owner {
    fn of(access: &ProjectAccess) -> Self {
        Self { project: access.id(), workspace: access.workspace().id() }
    }
}

#[async_trait]
impl Trash for UserSession {
    async fn list_trash(&self, project: ProjectId, page: PageRequest) -> Result<Page<Trashed>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        Ok(repo::list(&mut scope, &access, &page).await?)
    }

    async fn move_to_trash(&self, project: ProjectId, items: Items) -> Result<(), Error> {
        check_count(items.count())?;
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        discard(&mut scope, &access, &items).await?;
        Ok(scope.commit().await?)
    }

    async fn restore(&self, project: ProjectId, items: Items) -> Result<(), Error> {
        check_count(items.count())?;
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        restore::restore(&mut scope, &access, &items).await?;
        Ok(scope.commit().await?)
    }

    async fn delete_forever(&self, project: ProjectId, items: Items) -> Result<(), Error> {
        check_count(items.count())?;
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let files = erase::erase(scope.conn(), Owner::of(&access), &items).await?;
        touch(scope.conn(), &access).await?;
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }

    async fn empty_trash(&self, project: ProjectId) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let owner = Owner::of(&access);
        folders::repo::lock(scope.conn(), project).await?;
        // All of it is gone for everybody; what is more than some the worker deletes.
        let emptied_at = repo::mark_emptied(scope.conn(), owner).await?;
        let items = repo::some_of(scope.conn(), owner, emptied_at).await?;
        let files = erase::erase_held(scope.conn(), owner, &items).await?;
        touch(scope.conn(), &access).await?;
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }

    async fn delete_folder(&self, id: FolderId, forever: bool) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = scope.folder(id, Role::Member).await?;
        let (project, items) = (access.project(), Items::folder(id));
        if !access.is_trashed() {
            discard(&mut scope, &project, &items).await?;
        }
        let mut files = Vec::new();
        if access.is_trashed() || forever {
            files = erase::erase(scope.conn(), Owner::of(&project), &items).await?;
            touch(scope.conn(), &project).await?;
        }
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }
}
