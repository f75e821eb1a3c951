//! SQL of projects.

use crate::{
    access::{ProjectAccess, WorkspaceAccess},
    db::Scope,
    documents,
    fault::Fault,
    http::page::{self, Recent},
    storage::ObjectKey,
    workspaces::{self, repo::count},
};
use domain::{
    Error, Page, PageRequest, ProjectId, WorkspaceId,
    projects::{Brief, NewProject, Project, ProjectChange},
    text::Prose,
    workspaces::{Role, WorkspaceLink},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    workspace_id: Uuid,
    workspace_name: String,
    name: String,
    client: String,
    audience: String,
    brand_voice: String,
    key_messages: String,
    competitors: String,
    notes: String,
    document_count: i64,
    conversation_count: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn project(self, role: Role) -> Result<Project, Fault> {
        Ok(Project {
            id: self.id.into(),
            workspace: WorkspaceLink { id: self.workspace_id.into(), name: self.workspace_name },
            name: self.name,
            brief: Brief {
                client: prose(self.client)?,
                audience: prose(self.audience)?,
                brand_voice: prose(self.brand_voice)?,
                key_messages: prose(self.key_messages)?,
                competitors: prose(self.competitors)?,
                notes: prose(self.notes)?,
            },
            role,
            document_count: count(self.document_count),
            conversation_count: count(self.conversation_count),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Text that was measured when it was written.
fn prose<const MAX: usize>(text: String) -> Result<Prose<MAX>, Fault> {
    Prose::try_from(text).map_err(Fault::while_doing("read a project's brief"))
}

pub(super) async fn list(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    request: &PageRequest,
) -> Result<Page<Project>, Fault> {
    let after: Option<Recent> = page::after(request)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.workspace_id, w.name as workspace_name, p.name, p.client, p.audience, p.brand_voice,
               p.key_messages, p.competitors, p.notes, p.created_at as "created_at: OffsetDateTime",
               a.active_at as "updated_at: OffsetDateTime",
               (select count(*) from documents d where d.project_id = p.id and d.trashed_at is null) as "document_count!",
               (select count(*) from conversations c where c.project_id = p.id and c.archived_at is null) as "conversation_count!"
           from project_activity a
           join projects p on p.id = a.project_id
           join workspaces w on w.id = p.workspace_id
           where a.workspace_id = $1
               and (a.active_at, a.project_id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
           order by a.active_at desc, a.project_id desc
           limit $4"#,
        Uuid::from(access.id()),
        after.map(|key| key.updated_at) as Option<OffsetDateTime>,
        after.map(|key| key.id),
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(|row| row.project(access.role())).collect::<Result<Vec<_>, _>>()?;
    Ok(page::page(items, request, |item| Recent { updated_at: item.updated_at, id: item.id.into() })?)
}

pub(super) async fn find(scope: &mut Scope, access: &ProjectAccess) -> Result<Project, Fault> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.workspace_id, w.name as workspace_name, p.name, p.client, p.audience, p.brand_voice,
               p.key_messages, p.competitors, p.notes, p.created_at as "created_at: OffsetDateTime",
               a.active_at as "updated_at: OffsetDateTime",
               (select count(*) from documents d where d.project_id = p.id and d.trashed_at is null) as "document_count!",
               (select count(*) from conversations c where c.project_id = p.id and c.archived_at is null) as "conversation_count!"
           from projects p
           join project_activity a on a.project_id = p.id
           join workspaces w on w.id = p.workspace_id
           where p.id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_one(scope.conn())
    .await?;
    row.project(access.workspace().role())
}

pub(super) async fn insert(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    new: &NewProject,
) -> Result<ProjectAccess, Fault> {
    let id = ProjectId::from(Uuid::now_v7());
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into projects (id, workspace_id, name, client, audience, brand_voice, key_messages, competitors, notes, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        Uuid::from(id),
        Uuid::from(access.id()),
        new.name.as_str(),
        new.brief.client.as_str(),
        new.brief.audience.as_str(),
        new.brief.brand_voice.as_str(),
        new.brief.key_messages.as_str(),
        new.brief.competitors.as_str(),
        new.brief.notes.as_str(),
        user
    )
    .execute(scope.conn())
    .await?;
    // Its own row of activity is made with it, by a trigger.
    workspaces::repo::touch(scope.conn(), access.id()).await?;
    scope.project(id, Role::Member).await
}

pub(super) async fn update(scope: &mut Scope, access: &ProjectAccess, change: &ProjectChange) -> Result<(), Fault> {
    let brief = change.brief.as_ref();
    sqlx::query!(
        "update projects set
             name = coalesce($2, name), client = coalesce($3, client), audience = coalesce($4, audience),
             brand_voice = coalesce($5, brand_voice), key_messages = coalesce($6, key_messages),
             competitors = coalesce($7, competitors), notes = coalesce($8, notes)
         where id = $1",
        Uuid::from(access.id()),
        change.name.as_ref().map(|name| name.as_str()),
        brief.map(|brief| brief.client.as_str()),
        brief.map(|brief| brief.audience.as_str()),
        brief.map(|brief| brief.brand_voice.as_str()),
        brief.map(|brief| brief.key_messages.as_str()),
        brief.map(|brief| brief.competitors.as_str()),
        brief.map(|brief| brief.notes.as_str())
    )
    .execute(scope.conn())
    .await?;
    touch(scope.conn(), access).await
}

/// Marks the project and its workspace as changed now. Whoever makes, changes or deletes something in a project calls
/// it in the same transaction.
pub(crate) async fn touch(conn: &mut PgConnection, access: &ProjectAccess) -> Result<(), Fault> {
    note_activity(conn, Some(access.id()), Some(access.workspace().id())).await
}

/// Marks what is given as changed now. Where another transaction is doing the same, that is enough: nobody waits for it.
pub(crate) async fn note_activity(
    conn: &mut PgConnection,
    project: Option<ProjectId>,
    workspace: Option<WorkspaceId>,
) -> Result<(), Fault> {
    sqlx::query!(
        "with project as (
             update project_activity set active_at = now()
             where project_id = (select project_id from project_activity where project_id = $1 for no key update skip locked)
         )
         update workspace_activity set active_at = now()
         where workspace_id = (select workspace_id from workspace_activity where workspace_id = $2 for no key update skip locked)",
        project.map(Uuid::from),
        workspace.map(Uuid::from)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the project and, by cascade, all that belongs to it. Returns the files that are to be removed from the store
/// after the commit.
pub(super) async fn delete(scope: &mut Scope, access: &ProjectAccess) -> Result<Vec<ObjectKey>, Fault> {
    let id = Uuid::from(access.id());
    // The lock makes an upload that ends meanwhile wait for this deletion and then fail, so no file is missed below.
    sqlx::query!("select id from projects where id = $1 for update", id)
        .fetch_optional(scope.conn())
        .await?
        .ok_or(Error::NotFound)?;
    let workspace = access.workspace().id();
    let files = sqlx::query!("select id, object_key from documents where project_id = $1", id)
        .fetch_all(scope.conn())
        .await?
        .into_iter()
        .map(|row| documents::repo::key_of(workspace, row.id.into(), &row.object_key))
        .collect();
    sqlx::query!("delete from projects where id = $1", id).execute(scope.conn()).await?;
    workspaces::repo::touch(scope.conn(), workspace).await?;
    Ok(files)
}
