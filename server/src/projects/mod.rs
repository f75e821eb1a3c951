//! Projects: a client's or campaign's documents, conversations and brief.

pub(crate) mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{chat, documents, session::UserSession};
use async_trait::async_trait;
use domain::{
    Error, Page, PageRequest, ProjectId, WorkspaceId,
    projects::{NewProject, Project, ProjectChange, ProjectHome, Projects},
    workspaces::Role,
};

/// Documents, and conversations, on a project's page.
const FEW: u32 = 5;

#[async_trait]
impl Projects for UserSession {
    async fn list_projects(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Project>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.workspace(workspace, Role::Viewer).await?;
        Ok(repo::list(&mut scope, &access, &page).await?)
    }

    async fn create_project(&self, workspace: WorkspaceId, new: NewProject) -> Result<Project, Error> {
        let mut scope = self.scope().await?;
        let access = scope.workspace(workspace, Role::Member).await?;
        let access = repo::insert(&mut scope, &access, &new).await?;
        let project = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(project)
    }

    async fn project(&self, id: ProjectId) -> Result<Project, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(id, Role::Viewer).await?;
        Ok(repo::find(&mut scope, &access).await?)
    }

    async fn project_home(&self, id: ProjectId) -> Result<ProjectHome, Error> {
        let mut scope = self.reading().await?;
        let access = self.in_view(&mut scope, id).await?;
        let few = PageRequest { cursor: None, limit: FEW };
        Ok(ProjectHome {
            project: repo::find(&mut scope, &access).await?,
            documents: documents::repo::list(&mut scope, &access, &few).await?.items,
            conversations: chat::repo::list(scope.conn(), &access, false, None, few.rows()).await?,
        })
    }

    async fn change_project(&self, id: ProjectId, change: ProjectChange) -> Result<Project, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(id, Role::Member).await?;
        repo::update(&mut scope, &access, &change).await?;
        let project = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(project)
    }

    async fn delete_project(&self, id: ProjectId) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(id, Role::Admin).await?;
        let files = repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        documents::remove_files(&self.state.store, files).await;
        Ok(())
    }
}
