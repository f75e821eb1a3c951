//! The trash of a project. A row in it says when it was put there; its text, passages and embeddings stay as they are, and
//! searches look past it.

mod discard;
mod erase;
mod repo;
mod restore;
pub mod routes;
#[cfg(test)]
mod tests;

pub(crate) use discard::discard;
pub use erase::purge;

use crate::{documents::remove_files, fault::Fault, folders::check_count, projects::repo::touch, session::UserSession};
use async_trait::async_trait;
use domain::{
    Error, FolderId, Page, PageRequest, ProjectId,
    folders::Items,
    trash::{Trash, Trashed},
    workspaces::Role,
};
use time::OffsetDateTime;

#[async_trait]
impl Trash for UserSession {
    async fn list_trash(&self, project: ProjectId, page: PageRequest) -> Result<Page<Trashed>, Error> {
        let mut scope = self.scope().await?;
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
        let files = erase::erase(scope.conn(), erase::Owner::of(&access), &items).await?;
        touch(scope.conn(), &access).await?;
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }

    async fn empty_trash(&self, project: ProjectId) -> Result<(), Error> {
        let mut before = None;
        // Some at a time, so that no transaction holds locks for long. What breaks off is gone on with by another try.
        while erase_some(self, project, &mut before).await? {}
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
            files = erase::erase(scope.conn(), erase::Owner::of(&project), &items).await?;
            touch(scope.conn(), &project).await?;
        }
        scope.commit().await?;
        remove_files(&self.state.store, files).await;
        Ok(())
    }
}

/// Deletes some of what was in the trash when the first call came; false when nothing of it is left.
async fn erase_some(
    session: &UserSession,
    project: ProjectId,
    before: &mut Option<OffsetDateTime>,
) -> Result<bool, Fault> {
    let mut scope = session.scope().await?;
    let access = scope.project(project, Role::Member).await?;
    let before = match *before {
        Some(before) => before,
        None => *before.insert(repo::now(scope.conn()).await?),
    };
    let items = repo::some_of(&mut scope, &access, before).await?;
    if items.is_empty() {
        return Ok(false);
    }
    let files = erase::erase(scope.conn(), erase::Owner::of(&access), &items).await?;
    touch(scope.conn(), &access).await?;
    scope.commit().await?;
    remove_files(&session.state.store, files).await;
    Ok(true)
}
