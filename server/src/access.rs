//! Membership is decided here and nowhere else. A lookup takes the scope and the role that is needed, and returns a
//! proof of access that only this module can make; every repository asks for such a proof. What the user may not see is
//! `NotFound`, exactly like what does not exist; `Forbidden` is only for a member whose role is too low.

use crate::{db::Scope, fault::Fault};
use domain::{
    ApiKeyId, ConversationId, DocumentId, Error, FolderId, InvitationId, MemberId, MessageId, ProjectId, ShareId,
    ToolCallId, UploadId, UserId, VersionId, WorkspaceId, workspaces::Role,
};

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

/// Proof of access to a version of a written document, hence to its document.
#[derive(Clone, Copy, Debug)]
pub struct VersionAccess {
    id: VersionId,
    document: DocumentAccess,
}

/// Proof that the scope's user began the upload and still has access to its project.
#[derive(Clone, Copy, Debug)]
pub struct UploadAccess {
    id: UploadId,
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

/// Proof of access to a call of a tool, hence to its message.
#[derive(Clone, Copy, Debug)]
pub struct ToolCallAccess {
    id: ToolCallId,
    message: MessageAccess,
}

/// Proof of access to somebody's membership, hence to its workspace, in which no other transaction changes memberships
/// meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct MemberAccess {
    id: MemberId,
    user_id: UserId,
    /// The somebody's, not the scope's user's: that one's is the workspace's.
    role: Role,
    workspace: WorkspaceAccess,
}

/// Proof of access to an invitation, hence to its workspace.
#[derive(Clone, Copy, Debug)]
pub struct InvitationAccess {
    id: InvitationId,
    role: Role,
    workspace: WorkspaceAccess,
}

/// Proof of access to a folder, hence to its project.
#[derive(Clone, Copy, Debug)]
pub struct FolderAccess {
    id: FolderId,
    is_trashed: bool,
    project: ProjectAccess,
}

/// Proof of access to an API key, hence to its workspace.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeyAccess {
    id: ApiKeyId,
    user_id: UserId,
    workspace: WorkspaceAccess,
}

/// Proof of access to a share, hence to its workspace.
#[derive(Clone, Copy, Debug)]
pub struct ShareAccess {
    id: ShareId,
    user_id: UserId,
    workspace: WorkspaceAccess,
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
    FolderAccess { id: FolderId, is_trashed: bool, project: ProjectAccess }
    VersionAccess { id: VersionId, document: DocumentAccess }
    UploadAccess { id: UploadId, project: ProjectAccess }
    ConversationAccess { id: ConversationId, project: ProjectAccess }
    MessageAccess { id: MessageId, conversation: ConversationAccess }
    ToolCallAccess { id: ToolCallId, message: MessageAccess }
    MemberAccess { id: MemberId, user_id: UserId, role: Role, workspace: WorkspaceAccess }
    InvitationAccess { id: InvitationId, role: Role, workspace: WorkspaceAccess }
    ApiKeyAccess { id: ApiKeyId, user_id: UserId, workspace: WorkspaceAccess }
    ShareAccess { id: ShareId, user_id: UserId, workspace: WorkspaceAccess }
}

impl Scope {
    /// Reads the role that the database holds and compares it with the one that is needed. To an API key, every
    /// workspace but its own is absent.
    fn grant(&self, workspace: uuid::Uuid, role: &str, needed: Role) -> Result<WorkspaceAccess, Fault> {
        let id = WorkspaceId::from(workspace);
        if self.only_workspace().is_some_and(|only| only != id) {
            return Err(Error::NotFound.into());
        }
        let role = Role::parse(role).ok_or(Error::Forbidden)?;
        if role < needed { Err(Error::Forbidden.into()) } else { Ok(WorkspaceAccess { id, role }) }
    }

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
        self.grant(id.into(), &row.role, needed)
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
        Ok(ProjectAccess { id, workspace: self.grant(row.workspace_id, &row.role, needed)? })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn document(&mut self, id: DocumentId, needed: Role) -> Result<DocumentAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select d.workspace_id, d.project_id, m.role
             from documents d
             join members m on m.workspace_id = d.workspace_id and m.user_id = $2
             where d.id = $1
               -- What is deleted for good is gone at once, also where the worker has yet to come to it.
               and not exists (select from folders f where f.id = d.trashed_with and f.erased_at is not null)
               and not exists (select from projects p where p.id = d.project_id and p.trash_emptied_at >= d.trashed_at)",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        Ok(DocumentAccess { id, project: ProjectAccess { id: row.project_id.into(), workspace } })
    }

    /// A folder in the trash too; see [`FolderAccess::is_trashed`].
    ///
    /// # Errors
    /// As [`Self::workspace`].
    pub async fn folder(&mut self, id: FolderId, needed: Role) -> Result<FolderAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            r#"select f.workspace_id, f.project_id, f.trashed_at is not null as "is_trashed!", m.role
             from folders f
             join members m on m.workspace_id = f.workspace_id and m.user_id = $2
             where f.id = $1"#,
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        let project = ProjectAccess { id: row.project_id.into(), workspace };
        Ok(FolderAccess { id, is_trashed: row.is_trashed, project })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn version(&mut self, id: VersionId, needed: Role) -> Result<VersionAccess, Fault> {
        let document =
            sqlx::query_scalar!("select document_id from document_versions where id = $1", uuid::Uuid::from(id))
                .fetch_optional(self.conn())
                .await?
                .ok_or(Error::NotFound)?;
        Ok(VersionAccess { id, document: self.document(document.into(), needed).await? })
    }

    /// # Errors
    /// As [`Self::workspace`]; `NotFound` also for an upload that somebody else began.
    pub async fn upload(&mut self, id: UploadId, needed: Role) -> Result<UploadAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select u.workspace_id, u.project_id, m.role
             from uploads u
             join members m on m.workspace_id = u.workspace_id and m.user_id = $2
             where u.id = $1 and u.created_by = $2",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        Ok(UploadAccess { id, project: ProjectAccess { id: row.project_id.into(), workspace } })
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
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
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
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        let project = ProjectAccess { id: row.project_id.into(), workspace };
        Ok(MessageAccess { id, conversation: ConversationAccess { id: row.conversation_id.into(), project } })
    }

    /// # Errors
    /// As [`Self::workspace`].
    pub async fn tool_call(&mut self, id: ToolCallId, needed: Role) -> Result<ToolCallAccess, Fault> {
        let message = sqlx::query_scalar!("select message_id from tool_calls where id = $1", uuid::Uuid::from(id))
            .fetch_optional(self.conn())
            .await?
            .ok_or(Error::NotFound)?;
        Ok(ToolCallAccess { id, message: self.message(message.into(), needed).await? })
    }

    /// Locks the workspace against other changes of its memberships until the transaction ends, so that what is decided
    /// here about roles and owners is still true when it is written.
    ///
    /// # Errors
    /// As [`Self::workspace`].
    pub async fn member(&mut self, id: MemberId, needed: Role) -> Result<MemberAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        // First the lock, then a look: a statement sees what was committed before it began.
        sqlx::query!(
            "select w.id
             from workspaces w
             where w.id = (select t.workspace_id from members t where t.id = $1)
                 and exists (select from members m where m.workspace_id = w.id and m.user_id = $2)
             for no key update",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let row = sqlx::query!(
            "select t.workspace_id, t.user_id, t.role as their_role, m.role
             from members t
             join members m on m.workspace_id = t.workspace_id and m.user_id = $2
             where t.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        let role = Role::parse(&row.their_role).ok_or(Error::Forbidden)?;
        Ok(MemberAccess { id, user_id: row.user_id.into(), role, workspace })
    }

    /// # Errors
    /// As [`Self::workspace`]; `NotFound` too when it is accepted or withdrawn.
    pub async fn invitation(&mut self, id: InvitationId, needed: Role) -> Result<InvitationAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select i.workspace_id, i.role as invited_role, m.role
             from invitations i
             join members m on m.workspace_id = i.workspace_id and m.user_id = $2
             where i.id = $1 and i.accepted_at is null and i.withdrawn_at is null",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        let role = Role::parse(&row.invited_role).ok_or(Error::Forbidden)?;
        Ok(InvitationAccess { id, role, workspace })
    }

    /// Anyone's key: what may be done with it depends on whose it is.
    ///
    /// # Errors
    /// As [`Self::workspace`].
    pub async fn api_key(&mut self, id: ApiKeyId, needed: Role) -> Result<ApiKeyAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select k.workspace_id, k.user_id, m.role
             from api_keys k
             join members m on m.workspace_id = k.workspace_id and m.user_id = $2
             where k.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        Ok(ApiKeyAccess { id, user_id: row.user_id.into(), workspace })
    }

    /// Anyone's share: what may be done with it depends on whose it is.
    ///
    /// # Errors
    /// As [`Self::workspace`].
    pub async fn share(&mut self, id: ShareId, needed: Role) -> Result<ShareAccess, Fault> {
        let user = uuid::Uuid::from(self.user_id());
        let row = sqlx::query!(
            "select s.workspace_id, s.created_by, m.role
             from shares s
             join members m on m.workspace_id = s.workspace_id and m.user_id = $2
             where s.id = $1",
            uuid::Uuid::from(id),
            user
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(Error::NotFound)?;
        let workspace = self.grant(row.workspace_id, &row.role, needed)?;
        Ok(ShareAccess { id, user_id: row.created_by.into(), workspace })
    }
}
