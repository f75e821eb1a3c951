//! Server functions of workspaces, and the list of a workspace's projects.

use crate::{call::Call, error::ApiError, members::api::Secret};
#[cfg(feature = "ssr")]
use crate::{members::shown_once, redirect, session::session, workspaces::settings_path};
use domain::{
    Cursor, Page, WorkspaceId,
    members::Member,
    projects::{Brief, Project},
    workspaces::Workspace,
};
#[cfg(feature = "ssr")]
use domain::{
    FieldError, PageRequest,
    projects::NewProject,
    text::{Name, Prose},
    workspaces::{NewWorkspace, Role},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a workspace's home shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceHome {
    pub workspace: Workspace,
    pub projects: Page<Project>,
    pub members: Page<Member>,
}

/// What a workspace's settings show, but for what their sections read by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSettings {
    pub workspace: Workspace,
    /// The person's own membership.
    pub own: Member,
    /// To whom an owner can hand the workspace over: a page of the others.
    pub heirs: Page<Member>,
    /// What a form without JavaScript has just made, to be shown once.
    pub made: Option<Secret>,
}

#[server(protocol = Call)]
pub async fn list_workspaces(cursor: Option<Cursor>) -> Result<Page<Workspace>, ApiError> {
    Ok(session()?.list_workspaces(PageRequest { cursor, ..PageRequest::first() }).await?)
}

/// How many members' faces a workspace's home shows.
#[cfg(feature = "ssr")]
const FACES: u32 = 5;

/// One answer for the whole page, so that it takes one round trip.
#[server(protocol = Call)]
pub async fn get_workspace_home(id: WorkspaceId, cursor: Option<Cursor>) -> Result<WorkspaceHome, ApiError> {
    let session = session()?;
    let workspace = session.workspace(id).await?;
    let projects = session.list_projects(id, PageRequest { cursor, limit: 24 }).await?;
    let members = session.list_members(id, PageRequest { cursor: None, limit: FACES }).await?;
    Ok(WorkspaceHome { workspace, projects, members })
}

#[server(protocol = Call)]
pub async fn get_workspace_settings(id: WorkspaceId, heirs: Option<Cursor>) -> Result<WorkspaceSettings, ApiError> {
    let session = session()?;
    let workspace = session.workspace(id).await?;
    let own = session.membership(id).await?;
    let mut heirs = match workspace.role {
        Role::Owner => session.list_members(id, PageRequest { cursor: heirs, limit: PageRequest::MAX_LIMIT }).await?,
        _ => Page { items: Vec::new(), next: None },
    };
    heirs.items.retain(|member| member.id != own.id);
    Ok(WorkspaceSettings { workspace, own, heirs, made: shown_once::take(&settings_path(id)) })
}

#[server(protocol = Call)]
pub async fn rename_workspace(workspace: WorkspaceId, name: String) -> Result<Workspace, ApiError> {
    let name = Name::parse("name", &name)?;
    Ok(session()?.rename_workspace(workspace, name).await?)
}

/// Deletes the workspace if its name is typed, and goes to those that are left.
#[server(protocol = Call)]
pub async fn delete_workspace(workspace: WorkspaceId, confirmation: String) -> Result<(), ApiError> {
    let session = session()?;
    if session.workspace(workspace).await?.name != confirmation.trim() {
        return Err(FieldError::new("confirmation", "Type the workspace\u{2019}s name exactly as it is.").into());
    }
    session.delete_workspace(workspace).await?;
    redirect::to("/workspaces");
    Ok(())
}

/// Makes a workspace and goes there.
#[server(protocol = Call)]
pub async fn create_workspace(name: String) -> Result<Workspace, ApiError> {
    let name = Name::parse("name", &name)?;
    let workspace = session()?.create_workspace(NewWorkspace { name }).await?;
    redirect::to(&format!("/workspaces/{}", workspace.id));
    Ok(workspace)
}

/// Makes a project and goes there. Only its name is needed.
#[server(protocol = Call)]
pub async fn create_project(
    workspace: WorkspaceId,
    name: String,
    client: Option<String>,
    brief: Option<Brief>,
) -> Result<Project, ApiError> {
    let name = Name::parse("name", &name)?;
    let client = Prose::parse("client", client.as_deref().unwrap_or_default())?;
    let brief = Brief { client, ..brief.unwrap_or_default() };
    let project = session()?.create_project(workspace, NewProject { name, brief }).await?;
    redirect::to(&format!("/projects/{}", project.id));
    Ok(project)
}
