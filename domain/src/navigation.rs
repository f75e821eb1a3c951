//! What the frame around every page shows: where one is, and where one can go.

use crate::{
    ConversationId, DocumentId, Error, ProjectId, WorkspaceId,
    accounts::User,
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The place in the URL that the frame is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Home,
    Workspace(WorkspaceId),
    Project(ProjectId),
    Document(DocumentId),
    Conversation(ConversationId),
}

/// The frame's contents for one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Navigation {
    pub user: User,
    /// The person's workspaces, the most recently used first, at most 50.
    pub workspaces: Vec<WorkspaceLink>,
    /// The workspace in view, with the person's role in it.
    pub workspace: Option<(WorkspaceLink, Role)>,
    /// The projects of the workspace in view, the most recently used first, at most 50.
    pub projects: Vec<ProjectLink>,
    pub project: Option<ProjectLink>,
}

#[async_trait]
pub trait Navigate {
    /// # Errors
    /// `NotFound` when the place is absent or another tenant's.
    async fn navigation(&self, place: Place) -> Result<Navigation, Error>;
}
