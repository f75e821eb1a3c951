//! What the frame around every page shows.

mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{
    access::{ProjectAccess, WorkspaceAccess},
    db::Scope,
    fault::Fault,
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    Error, Session,
    navigation::{Navigate, Navigation, Place},
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
};

#[async_trait]
impl Navigate for UserSession {
    async fn navigation(&self, place: Place) -> Result<Navigation, Error> {
        let mut scope = self.reading().await?;
        let (workspace_in_view, project_in_view) = locate(self, &mut scope, place).await?;
        let (workspaces, projects) = repo::menus(&mut scope, workspace_in_view.as_ref()).await?;
        let mut navigation =
            Navigation { user: self.user().clone(), workspaces, workspace: None, projects, project: None };
        if let Some(access) = workspace_in_view {
            let (workspace, project) = names(&mut scope, &navigation, &access, project_in_view.as_ref()).await?;
            navigation.workspace = Some((workspace, access.role()));
            navigation.project = project;
        }
        Ok(navigation)
    }
}

/// The names of what is in view. Mostly the menus hold them already.
async fn names(
    scope: &mut Scope,
    menus: &Navigation,
    workspace: &WorkspaceAccess,
    project: Option<&ProjectAccess>,
) -> Result<(WorkspaceLink, Option<ProjectLink>), Fault> {
    let listed = menus.workspaces.iter().find(|listed| listed.id == workspace.id());
    let in_view = project.and_then(|project| menus.projects.iter().find(|listed| listed.id == project.id()));
    match listed {
        Some(listed) if project.is_some() == in_view.is_some() => Ok((listed.clone(), in_view.cloned())),
        _ => repo::names(scope, workspace, project).await,
    }
}

async fn locate(
    session: &UserSession,
    scope: &mut Scope,
    place: Place,
) -> Result<(Option<WorkspaceAccess>, Option<ProjectAccess>), Fault> {
    let project = match place {
        Place::Home => return Ok((None, None)),
        Place::Workspace(id) => return Ok((Some(scope.workspace(id, Role::Viewer).await?), None)),
        Place::Project(id) => session.in_view(scope, id).await?,
        Place::Document(id) => scope.document(id, Role::Viewer).await?.project(),
        Place::Conversation(id) => scope.conversation(id, Role::Viewer).await?.project(),
    };
    Ok((Some(project.workspace()), Some(project)))
}
