//! SQL of memberships.

use crate::{
    access::{MemberAccess, WorkspaceAccess},
    db::Scope,
    fault::Fault,
    http::page,
    workspaces::repo::role,
};
use domain::{Error, MemberId, Page, PageRequest, UserId, members::Member, workspaces::Role};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    user_id: Uuid,
    display_name: String,
    email: String,
    role: String,
    joined_at: OffsetDateTime,
}

impl TryFrom<Row> for Member {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: MemberId::from(row.id),
            user_id: UserId::from(row.user_id),
            display_name: row.display_name,
            email: row.email,
            role: role(&row.role)?,
            joined_at: row.joined_at,
        })
    }
}

/// Key of the members' list, which is ordered by the address.
#[derive(Serialize, Deserialize)]
struct MemberKey {
    email: String,
    id: Uuid,
}

pub(super) async fn list(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    request: &PageRequest,
) -> Result<Page<Member>, Fault> {
    let (after_email, after_id) = match page::after::<MemberKey>(request)? {
        Some(key) if key.email.contains('\0') => {
            return Err(Error::invalid("cursor", "This list has no such page.").into());
        }
        Some(key) => (Some(key.email), Some(key.id)),
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id, m.user_id, u.display_name, u.email, m.role, m.created_at as "joined_at: OffsetDateTime"
           from members m
           join users u on u.id = m.user_id
           where m.workspace_id = $1
               and (u.email, u.id) > (coalesce($2, ''), coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid))
           order by u.email, u.id
           limit $4"#,
        Uuid::from(access.id()),
        after_email,
        after_id,
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(Member::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(page::page(items, request, |item| MemberKey { email: item.email.clone(), id: item.user_id.into() })?)
}

/// The membership of the scope's user.
pub(super) async fn own(scope: &mut Scope, access: &WorkspaceAccess) -> Result<Member, Fault> {
    let user = Uuid::from(scope.user_id());
    let row = sqlx::query_as!(
        Row,
        r#"select m.id, m.user_id, u.display_name, u.email, m.role, m.created_at as "joined_at: OffsetDateTime"
           from members m
           join users u on u.id = m.user_id
           where m.workspace_id = $1 and m.user_id = $2"#,
        Uuid::from(access.id()),
        user
    )
    .fetch_one(scope.conn())
    .await?;
    row.try_into()
}

pub(super) async fn find(scope: &mut Scope, access: &MemberAccess) -> Result<Member, Fault> {
    let row = sqlx::query_as!(
        Row,
        r#"select m.id, m.user_id, u.display_name, u.email, m.role, m.created_at as "joined_at: OffsetDateTime"
           from members m
           join users u on u.id = m.user_id
           where m.id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_one(scope.conn())
    .await?;
    row.try_into()
}

pub(super) async fn owners(scope: &mut Scope, access: &WorkspaceAccess) -> Result<i64, Fault> {
    let owners = sqlx::query_scalar!(
        r#"select count(*) as "count!" from members where workspace_id = $1 and role = 'owner'"#,
        Uuid::from(access.id())
    );
    Ok(owners.fetch_one(scope.conn()).await?)
}

/// Gives the role, and withdraws the invitations that someone of this role could not have made.
pub(super) async fn set_role(scope: &mut Scope, access: &MemberAccess, role: Role) -> Result<(), Fault> {
    sqlx::query!("update members set role = $2 where id = $1", Uuid::from(access.id()), role.as_str())
        .execute(scope.conn())
        .await?;
    withdraw_invitations_beyond(scope, &access.workspace(), access.user_id(), role).await
}

/// Makes an admin of the scope's user, who hands the workspace over.
pub(super) async fn step_down(scope: &mut Scope, access: &WorkspaceAccess) -> Result<(), Fault> {
    let user = scope.user_id();
    sqlx::query!(
        "update members set role = 'admin' where workspace_id = $1 and user_id = $2",
        Uuid::from(access.id()),
        Uuid::from(user)
    )
    .execute(scope.conn())
    .await?;
    withdraw_invitations_beyond(scope, access, user, Role::Admin).await
}

/// An invitation is worth what its maker's role is: else whoever expects to be demoted could invite themself anew.
async fn withdraw_invitations_beyond(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    inviter: UserId,
    role: Role,
) -> Result<(), Fault> {
    let managed: Vec<String> = [Role::Viewer, Role::Member, Role::Admin, Role::Owner]
        .into_iter()
        .filter(|invited| role.manages(*invited))
        .map(|invited| invited.as_str().to_owned())
        .collect();
    sqlx::query!(
        "update invitations set withdrawn_at = now()
         where workspace_id = $1 and invited_by = $2 and accepted_at is null and withdrawn_at is null
             and role <> all ($3)",
        Uuid::from(access.id()),
        Uuid::from(inviter),
        &managed
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// Ends the membership and, by cascade, the API keys and the invitations that hang on it.
pub(super) async fn delete(scope: &mut Scope, access: &MemberAccess) -> Result<(), Fault> {
    sqlx::query!("delete from members where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    Ok(())
}
