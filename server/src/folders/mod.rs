//! Folders of a project, nested, and what is in them.

pub(crate) mod attachments;
mod moving;
pub(crate) mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{access::ProjectAccess, db::Scope, fault::Fault, projects::repo::touch, session::UserSession};
use async_trait::async_trait;
use domain::{
    Error, FolderId, PageRequest, ProjectId,
    folders::{Folder, FolderContents, FolderLink, Folders, MAX_ITEMS, Move, NewFolder},
    text::Name,
    workspaces::Role,
};

#[async_trait]
impl Folders for UserSession {
    async fn list_folders(&self, project: ProjectId) -> Result<Vec<FolderLink>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        Ok(repo::all(&mut scope, &access).await?)
    }

    async fn folder_contents(
        &self,
        project: ProjectId,
        folder: Option<FolderId>,
        page: PageRequest,
    ) -> Result<FolderContents, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        Ok(repo::contents(&mut scope, &access, folder, &page).await?)
    }

    async fn folder(&self, id: FolderId) -> Result<Folder, Error> {
        let mut scope = self.reading().await?;
        let access = scope.folder(id, Role::Viewer).await?;
        Ok(repo::find(&mut scope, &access).await?)
    }

    async fn create_folder(&self, project: ProjectId, new: NewFolder) -> Result<Folder, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let id = repo::insert(&mut scope, &access, &new).await?;
        finish(scope, &access, id).await
    }

    async fn rename_folder(&self, id: FolderId, name: Name) -> Result<Folder, Error> {
        let mut scope = self.scope().await?;
        let access = scope.folder(id, Role::Member).await?;
        repo::lock(scope.conn(), access.project().id()).await?;
        repo::rename(&mut scope, &access, &name).await?;
        finish(scope, &access.project(), id).await
    }

    async fn move_items(&self, project: ProjectId, wanted: Move) -> Result<(), Error> {
        check_count(wanted.folders.len() + wanted.documents.len())?;
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        moving::apply(&mut scope, &access, &wanted).await?;
        touch(scope.conn(), &access).await?;
        Ok(scope.commit().await?)
    }
}

async fn finish(mut scope: Scope, access: &ProjectAccess, id: FolderId) -> Result<Folder, Error> {
    touch(scope.conn(), access).await?;
    let changed = scope.folder(id, Role::Viewer).await?;
    let folder = repo::find(&mut scope, &changed).await?;
    scope.commit().await?;
    Ok(folder)
}

/// # Errors
/// `Invalid` when it is more than may be changed at once.
pub(crate) fn check_count(items: usize) -> Result<(), Error> {
    if items > MAX_ITEMS {
        return Err(Error::invalid("documents", format!("Choose at most {MAX_ITEMS} at once.")));
    }
    Ok(())
}

/// What the unique index of names says, in words.
fn name_taken(error: sqlx::Error, name: &str) -> Fault {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => {
            Error::conflict(format!("There is a folder named “{name}” here already. Choose another name.")).into()
        }
        _ => error.into(),
    }
}
