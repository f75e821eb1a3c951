//! Workspaces: the tenant. Everything else belongs to one.

use crate::{Error, Page, PageRequest, WorkspaceId, text::Name};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a member may do; ordered, each role includes the ones below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and asks.
    Viewer,
    /// Writes documents and projects.
    Member,
    /// Manages members and settings.
    Admin,
    /// Deletes the workspace, makes other owners.
    Owner,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    /// The reader's own role.
    pub role: Role,
    pub project_count: u32,
    pub member_count: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Enough of a workspace to link to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkspaceLink {
    pub id: WorkspaceId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewWorkspace {
    pub name: Name,
}

#[async_trait]
pub trait Workspaces {
    /// The person's workspaces, the most recently changed first.
    async fn list_workspaces(&self, page: PageRequest) -> Result<Page<Workspace>, Error>;
    /// Makes a workspace with the person as its owner.
    async fn create_workspace(&self, new: NewWorkspace) -> Result<Workspace, Error>;
    async fn workspace(&self, id: WorkspaceId) -> Result<Workspace, Error>;
    /// Needs [`Role::Admin`].
    async fn rename_workspace(&self, id: WorkspaceId, name: Name) -> Result<Workspace, Error>;
    /// Deletes the workspace with all it holds. Needs [`Role::Owner`].
    async fn delete_workspace(&self, id: WorkspaceId) -> Result<(), Error>;
}
