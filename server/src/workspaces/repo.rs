//! SQL of workspaces.

use crate::{
    access::WorkspaceAccess,
    db::Scope,
    fault::Fault,
    http::page::{self, Recent},
    projects::repo::note_activity,
};
use domain::{
    Error, Page, PageRequest, WorkspaceId,
    text::Name,
    workspaces::{Role, Workspace},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    name: String,
    role: String,
    project_count: i64,
    member_count: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for Workspace {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            role: role(&row.role)?,
            project_count: count(row.project_count),
            member_count: count(row.member_count),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The role that a row names; the schema's check allows no other.
pub(crate) fn role(text: &str) -> Result<Role, Fault> {
    Role::parse(text).ok_or_else(|| Fault::while_doing("read a role")(format!("there is no role {text:?}")))
}

/// Postgres counts in `bigint`; nobody reads beyond four billion.
pub(crate) fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// The user's own workspaces, for an API key its one: membership is the list's condition.
pub(super) async fn list(scope: &mut Scope, request: &PageRequest) -> Result<Page<Workspace>, Fault> {
    let user = Uuid::from(scope.user_id());
    let only = scope.only_workspace().map(Uuid::from);
    let after: Option<Recent> = page::after(request)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select w.id, w.name, m.role, w.created_at as "created_at: OffsetDateTime",
               a.active_at as "updated_at: OffsetDateTime",
               (select count(*) from projects p where p.workspace_id = w.id) as "project_count!",
               (select count(*) from members x where x.workspace_id = w.id) as "member_count!"
           from members m
           join workspaces w on w.id = m.workspace_id
           join workspace_activity a on a.workspace_id = w.id
           where m.user_id = $1 and ($5::uuid is null or m.workspace_id = $5)
               and (a.active_at, w.id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
           order by a.active_at desc, w.id desc
           limit $4"#,
        user,
        after.map(|key| key.updated_at) as Option<OffsetDateTime>,
        after.map(|key| key.id),
        page::rows_and_one(request),
        only
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(Workspace::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(page::page(items, request, |item| Recent { updated_at: item.updated_at, id: item.id.into() })?)
}

pub(crate) async fn find(scope: &mut Scope, access: &WorkspaceAccess) -> Result<Workspace, Fault> {
    let row = sqlx::query_as!(
        Row,
        r#"select w.id, w.name, $2::text as "role!", w.created_at as "created_at: OffsetDateTime",
               a.active_at as "updated_at: OffsetDateTime",
               (select count(*) from projects p where p.workspace_id = w.id) as "project_count!",
               (select count(*) from members x where x.workspace_id = w.id) as "member_count!"
           from workspaces w
           join workspace_activity a on a.workspace_id = w.id
           where w.id = $1"#,
        Uuid::from(access.id()),
        access.role().as_str()
    )
    .fetch_one(scope.conn())
    .await?;
    row.try_into()
}

/// Makes a workspace that the scope's user owns.
pub(super) async fn insert(scope: &mut Scope, name: &Name) -> Result<WorkspaceAccess, Fault> {
    let id = WorkspaceId::from(Uuid::now_v7());
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "with made as (insert into workspaces (id, name) values ($1, $2) returning id)
         insert into members (id, workspace_id, user_id, role) select $5, id, $3, $4 from made",
        Uuid::from(id),
        name.as_str(),
        user,
        Role::Owner.as_str(),
        Uuid::now_v7()
    )
    .execute(scope.conn())
    .await?;
    scope.workspace(id, Role::Owner).await
}

pub(super) async fn rename(scope: &mut Scope, access: &WorkspaceAccess, name: &Name) -> Result<(), Fault> {
    sqlx::query!("update workspaces set name = $2 where id = $1", Uuid::from(access.id()), name.as_str())
        .execute(scope.conn())
        .await?;
    touch(scope.conn(), access.id()).await
}

/// Marks the workspace as changed now.
pub(crate) async fn touch(conn: &mut PgConnection, workspace: WorkspaceId) -> Result<(), Fault> {
    note_activity(conn, None, Some(workspace)).await
}

/// Deletes the workspace and, by cascade, all that belongs to it.
pub(super) async fn delete(scope: &mut Scope, access: &WorkspaceAccess) -> Result<(), Fault> {
    let deleted =
        sqlx::query!("delete from workspaces where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    if deleted.rows_affected() == 0 { Err(Error::NotFound.into()) } else { Ok(()) }
}
