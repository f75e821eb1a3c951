//! Membership is decided here and nowhere else. A lookup takes the scope and the role that is needed, and returns a
//! proof of access that only this module can make; every repository asks for such a proof. What the user may not see is
//! `NotFound`, exactly like what does not exist; `Forbidden` is only for a member whose role is too low.

use crate::{db::Scope, fault::Fault};
use domain::{ConversationId, DocumentId, Error, MessageId, ProjectId, WorkspaceId, workspaces::Role};

/// Proof that the scope's user is a member of the workspace, with the role.
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceAccess {
    id: WorkspaceId,
    role: Role,
}

/// Proof of access to a project, hence to its workspace.
#[derive(Clone, Copy, Debug)]
pub struct ProjectAccess {
    id: ProjectId,
    workspace: WorkspaceAccess,
}

/// Proof of access to a document, hence to its project.
#[derive(Clone, Copy, Debug)]
pub struct DocumentAccess {
    id: DocumentId,
    project: ProjectAccess,
}

/// Proof of access to a conversation, hence to its project.
#[derive(Clone, Copy, Debug)]
pub struct ConversationAccess {
    id: ConversationId,
    project: ProjectAccess,
}

/// Proof of access to a message, hence to its conversation.
#[derive(Clone, Copy, Debug)]
pub struct MessageAccess {
    id: MessageId,
    conversation: ConversationAccess,
}

macro_rules! getters {
    ($($proof:ident { $($field:ident: $type:ty),* })*) => {$(
        impl $proof {
            $(pub const fn $field(&self) -> $type { self.$field })*
        }
    )*};
}

getters! {
    WorkspaceAccess { id: WorkspaceId, role: Role }
    ProjectAccess { id: ProjectId, workspace: WorkspaceAccess }
    DocumentAccess { id: DocumentId, project: ProjectAccess }
    ConversationAccess { id: ConversationId, project: ProjectAccess }
    MessageAccess { id: MessageId, conversation: ConversationAccess }
}

impl WorkspaceAccess {
    /// Reads the role that the database holds and compares it with the one that is needed.
    fn grant(workspace: uuid::Uuid, role: &str, needed: Role) -> Result<Self, Fault> {
        let role = Role::parse(role).ok_or(Error::Forbidden)?;
        if role < needed { Err(Error::Forbidden.into()) } else { Ok(Self { id: workspace.into(), role }) }
    }
}

impl Scope {
    /// # Errors
    /// `NotFound` without membership, `Forbidden` below `needed`.
    pub async fn workspace(&mut self, id: WorkspaceId, needed: Role) -> Result<WorkspaceAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select role from members where workspace_id = $1 and user_id = $2",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        WorkspaceAccess::grant(id.into(), &row.role, needed)
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn project(&mut self, id: ProjectId, needed: Role) -> Result<ProjectAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select p.workspace_id, m.role
             from projects p
             join members m on m.workspace_id = p.workspace_id and m.user_id = $2
             where p.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        Ok(ProjectAccess { id, workspace: WorkspaceAccess::grant(row.workspace_id, &row.role, needed)? })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn document(&mut self, id: DocumentId, needed: Role) -> Result<DocumentAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select d.workspace_id, d.project_id, m.role
             from documents d
             join members m on m.workspace_id = d.workspace_id and m.user_id = $2
             where d.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = WorkspaceAccess::grant(row.workspace_id, &row.role, needed)?;
        Ok(DocumentAccess { id, project: ProjectAccess { id: row.project_id.into(), workspace } })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn conversation(&mut self, id: ConversationId, needed: Role) -> Result<ConversationAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select c.workspace_id, c.project_id, m.role
             from conversations c
             join members m on m.workspace_id = c.workspace_id and m.user_id = $2
             where c.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = WorkspaceAccess::grant(row.workspace_id, &row.role, needed)?;
        Ok(ConversationAccess { id, project: ProjectAccess { id: row.project_id.into(), workspace } })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn message(&mut self, id: MessageId, needed: Role) -> Result<MessageAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select c.id as conversation_id, c.workspace_id, c.project_id, m.role
             from messages x
             join conversations c on c.id = x.conversation_id
             join members m on m.workspace_id = c.workspace_id and m.user_id = $2
             where x.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = WorkspaceAccess::grant(row.workspace_id, &row.role, needed)?;
        let project = ProjectAccess { id: row.project_id.into(), workspace };
        Ok(MessageAccess { id, conversation: ConversationAccess { id: row.conversation_id.into(), project } })
    }
}
