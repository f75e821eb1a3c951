//! Server functions of workspaces, and the list of a workspace's projects.

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::{redirect, session::session};
use domain::{
    Cursor, Page, WorkspaceId,
    members::Member,
    projects::{Brief, Project},
    workspaces::Workspace,
};
#[cfg(feature = "ssr")]
use domain::{
    PageRequest,
    projects::NewProject,
    text::{Name, Prose},
    workspaces::NewWorkspace,
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

#[server]
pub async fn list_workspaces(cursor: Option<Cursor>) -> Result<Page<Workspace>, ApiError> {
    Ok(session()?.list_workspaces(PageRequest { cursor, ..PageRequest::first() }).await?)
}

/// How many members' faces a workspace's home shows.
#[cfg(feature = "ssr")]
const FACES: u32 = 5;

/// One answer for the whole page, so that it takes one round trip.
#[server]
pub async fn get_workspace_home(id: WorkspaceId, cursor: Option<Cursor>) -> Result<WorkspaceHome, ApiError> {
    let session = session()?;
    let workspace = session.workspace(id).await?;
    let projects = session.list_projects(id, PageRequest { cursor, limit: 24 }).await?;
    let members = session.list_members(id, PageRequest { cursor: None, limit: FACES }).await?;
    Ok(WorkspaceHome { workspace, projects, members })
}

/// Makes a workspace and goes there.
#[server]
pub async fn create_workspace(name: String) -> Result<Workspace, ApiError> {
    let name = Name::parse("name", &name)?;
    let workspace = session()?.create_workspace(NewWorkspace { name }).await?;
    redirect::to(&format!("/workspaces/{}", workspace.id));
    Ok(workspace)
}

/// Makes a project and goes there. Only its name is needed.
#[server]
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
