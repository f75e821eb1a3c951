//! SQL of invitations.

use crate::{
    access::{InvitationAccess, WorkspaceAccess},
    db::Scope,
    fault::Fault,
    http::page,
    workspaces::repo::role,
};
use domain::{
    Error, Page, PageRequest, WorkspaceId,
    members::{Invitation, InvitationState, ReceivedInvitation},
    text::Email,
    workspaces::{Role, WorkspaceLink},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An open invitation by its token, locked: of two that accept it at once, the second sees that it is used.
pub(super) struct Held {
    pub id: Uuid,
    pub workspace: WorkspaceLink,
    pub email: String,
    pub role: Role,
    pub state: InvitationState,
}

fn email(text: String) -> Result<Email, Fault> {
    Email::try_from(text).map_err(Fault::while_doing("read an invitation's address"))
}

fn state(
    accepted: Option<OffsetDateTime>,
    withdrawn: Option<OffsetDateTime>,
    expires: OffsetDateTime,
) -> InvitationState {
    match (accepted, withdrawn) {
        (Some(_), _) => InvitationState::Accepted,
        (None, Some(_)) => InvitationState::Withdrawn,
        (None, None) if expires <= OffsetDateTime::now_utc() => InvitationState::Expired,
        (None, None) => InvitationState::Open,
    }
}

/// Ordered by the address, of which each workspace has one invitation at most.
pub(super) async fn list(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    request: &PageRequest,
) -> Result<Page<Invitation>, Fault> {
    let after: Option<String> = page::after(request)?;
    if after.as_ref().is_some_and(|email| email.contains('\0')) {
        return Err(Error::invalid("cursor", "This list has no such page.").into());
    }
    let rows = sqlx::query!(
        r#"select i.id, i.email, i.role, u.display_name, i.created_at as "created_at: OffsetDateTime",
               i.expires_at as "expires_at: OffsetDateTime"
           from invitations i
           join users u on u.id = i.invited_by
           where i.workspace_id = $1 and i.accepted_at is null and i.withdrawn_at is null and i.email > coalesce($2, '')
           order by i.email
           limit $3"#,
        Uuid::from(access.id()),
        after,
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows
        .into_iter()
        .map(|row| {
            Ok(Invitation {
                id: row.id.into(),
                email: email(row.email)?,
                role: role(&row.role)?,
                invited_by: row.display_name,
                created_at: row.created_at,
                expires_at: row.expires_at,
                expired: row.expires_at <= OffsetDateTime::now_utc(),
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    Ok(page::page(items, request, |item| item.email.as_str().to_owned())?)
}

pub(super) async fn is_member(scope: &mut Scope, access: &WorkspaceAccess, email: &Email) -> Result<bool, Fault> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from members m join users u on u.id = m.user_id
               where m.workspace_id = $1 and lower(u.email) = $2
           ) as "found!""#,
        Uuid::from(access.id()),
        email.as_str()
    );
    Ok(found.fetch_one(scope.conn()).await?)
}

/// Makes an invitation from the scope's user in place of an earlier one, and forgets those that ended long ago.
pub(super) async fn insert(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    to: &Email,
    role: Role,
    token_hash: &[u8],
    days: u16,
) -> Result<(Uuid, OffsetDateTime, OffsetDateTime), Fault> {
    let workspace = Uuid::from(access.id());
    let inviter = Uuid::from(scope.user_id());
    sqlx::query!(
        "delete from invitations
         where workspace_id = $1 and least(accepted_at, withdrawn_at, expires_at) < now() - interval '30 days'",
        workspace
    )
    .execute(scope.conn())
    .await?;
    sqlx::query!(
        "update invitations set withdrawn_at = now()
         where workspace_id = $1 and email = $2 and accepted_at is null and withdrawn_at is null",
        workspace,
        to.as_str()
    )
    .execute(scope.conn())
    .await?;
    let id = Uuid::now_v7();
    let row = sqlx::query!(
        r#"insert into invitations (id, workspace_id, email, role, token_hash, invited_by, expires_at)
           values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))
           returning created_at as "created_at: OffsetDateTime", expires_at as "expires_at: OffsetDateTime""#,
        id,
        workspace,
        to.as_str(),
        role.as_str(),
        token_hash,
        inviter,
        i32::from(days)
    )
    .fetch_one(scope.conn())
    .await?;
    Ok((id, row.created_at, row.expires_at))
}

/// The role that an open invitation to this address gives: it is replaced only by someone who could have made it.
pub(super) async fn open_role(scope: &mut Scope, access: &WorkspaceAccess, to: &Email) -> Result<Option<Role>, Fault> {
    let found = sqlx::query_scalar!(
        "select role from invitations
         where workspace_id = $1 and email = $2 and accepted_at is null and withdrawn_at is null
         for update",
        Uuid::from(access.id()),
        to.as_str()
    );
    found.fetch_optional(scope.conn()).await?.map(|text| role(&text)).transpose()
}

pub(super) async fn withdraw(scope: &mut Scope, access: &InvitationAccess) -> Result<(), Fault> {
    sqlx::query!(
        "update invitations set withdrawn_at = now() where id = $1 and accepted_at is null",
        Uuid::from(access.id())
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// What the holder of the token may know.
pub(super) async fn received(conn: &mut PgConnection, token_hash: &[u8]) -> Result<ReceivedInvitation, Fault> {
    let row = sqlx::query!(
        r#"select w.name, u.display_name, i.email, i.role, i.accepted_at as "accepted_at: OffsetDateTime",
               i.withdrawn_at as "withdrawn_at: OffsetDateTime", i.expires_at as "expires_at: OffsetDateTime"
           from invitations i
           join workspaces w on w.id = i.workspace_id
           join users u on u.id = i.invited_by
           where i.token_hash = $1"#,
        token_hash
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound)?;
    Ok(ReceivedInvitation {
        workspace: row.name,
        invited_by: row.display_name,
        email: email(row.email)?,
        role: role(&row.role)?,
        state: state(row.accepted_at, row.withdrawn_at, row.expires_at),
        expires_at: row.expires_at,
    })
}

pub(super) async fn hold(scope: &mut Scope, token_hash: &[u8]) -> Result<Held, Fault> {
    let row = sqlx::query!(
        r#"select i.id, i.workspace_id, w.name, i.email, i.role, i.accepted_at as "accepted_at: OffsetDateTime",
               i.withdrawn_at as "withdrawn_at: OffsetDateTime", i.expires_at as "expires_at: OffsetDateTime"
           from invitations i
           join workspaces w on w.id = i.workspace_id
           where i.token_hash = $1
           for update of i"#,
        token_hash
    )
    .fetch_optional(scope.conn())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Held {
        id: row.id,
        workspace: WorkspaceLink { id: WorkspaceId::from(row.workspace_id), name: row.name },
        email: row.email,
        role: role(&row.role)?,
        state: state(row.accepted_at, row.withdrawn_at, row.expires_at),
    })
}

/// Makes the scope's user a member; who is one already keeps their role.
pub(super) async fn accept(scope: &mut Scope, held: &Held) -> Result<(), Fault> {
    let user = Uuid::from(scope.user_id());
    sqlx::query!("update invitations set accepted_at = now() where id = $1", held.id).execute(scope.conn()).await?;
    sqlx::query!(
        "insert into members (id, workspace_id, user_id, role) values ($1, $2, $3, $4)
         on conflict (workspace_id, user_id) do nothing",
        Uuid::now_v7(),
        Uuid::from(held.workspace.id),
        user,
        held.role.as_str()
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}
