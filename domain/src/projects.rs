//! Projects: a client's or campaign's documents, conversations and brief.

use crate::{
    Error, Page, PageRequest, ProjectId, WorkspaceId,
    chat::Conversation,
    documents::Document,
    text::{Name, Prose},
    workspaces::{Role, WorkspaceLink},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What everyone who works on the project should know; each part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Brief {
    pub client: Prose<200>,
    pub audience: Prose<4000>,
    pub brand_voice: Prose<4000>,
    pub key_messages: Prose<4000>,
    pub competitors: Prose<4000>,
    pub notes: Prose<10000>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Project {
    pub id: ProjectId,
    pub workspace: WorkspaceLink,
    pub name: String,
    pub brief: Brief,
    /// The reader's role in the project's workspace.
    pub role: Role,
    pub document_count: u32,
    /// Without those that are archived.
    pub conversation_count: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The last change to the project, its documents or its conversations.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// What a project's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectHome {
    pub project: Project,
    /// The newest few.
    pub documents: Vec<Document>,
    /// Those that changed last, without the archived ones.
    pub conversations: Vec<Conversation>,
}

/// Enough of a project to link to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectLink {
    pub id: ProjectId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewProject {
    pub name: Name,
    #[serde(default)]
    pub brief: Brief,
}

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ProjectChange {
    pub name: Option<Name>,
    pub brief: Option<Brief>,
}

#[async_trait]
pub trait Projects {
    /// The workspace's projects, the most recently changed first.
    async fn list_projects(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Project>, Error>;
    /// Needs [`Role::Member`].
    async fn create_project(&self, workspace: WorkspaceId, new: NewProject) -> Result<Project, Error>;
    async fn project(&self, id: ProjectId) -> Result<Project, Error>;
    async fn project_home(&self, id: ProjectId) -> Result<ProjectHome, Error>;
    /// Needs [`Role::Member`].
    async fn change_project(&self, id: ProjectId, change: ProjectChange) -> Result<Project, Error>;
    /// Deletes the project with its documents and conversations. Needs [`Role::Admin`].
    async fn delete_project(&self, id: ProjectId) -> Result<(), Error>;
}
