//! SQL of conversations. Each function that reads or writes a tenant's rows asks for a proof of access.

use crate::{
    access::{ConversationAccess, DocumentAccess, MessageAccess, ProjectAccess},
    fault::Fault,
    http::page::Recent,
    projects::repo::touch,
};
use domain::{
    ConversationId, MessageId,
    chat::{Activity, Conversation, MessageState},
    projects::{Brief, ProjectLink},
    text::{Name, Prose},
    tools::ToolsMode,
    workspaces::WorkspaceLink,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a conversation is called before its first question.
pub const UNTITLED: &str = "New conversation";

struct ConversationRow {
    id: Uuid,
    title: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    archived_at: Option<OffsetDateTime>,
    tools_mode: String,
    open_state: Option<String>,
    project_id: Uuid,
    project_name: String,
    workspace_id: Uuid,
    workspace_name: String,
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id.into(),
            project: ProjectLink { id: row.project_id.into(), name: row.project_name },
            workspace: WorkspaceLink { id: row.workspace_id.into(), name: row.workspace_name },
            title: row.title,
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
            tools_mode: ToolsMode::parse(&row.tools_mode),
            activity: row.open_state.as_deref().and_then(MessageState::parse).and_then(Activity::of),
        }
    }
}

pub async fn list(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    archived: bool,
    after: Option<Recent>,
    rows: i64,
) -> Result<Vec<Conversation>, Fault> {
    let found = sqlx::query_as!(
        ConversationRow,
        r#"select c.id, c.title, c.created_at as "created_at: OffsetDateTime",
                c.updated_at as "updated_at: OffsetDateTime",
                c.archived_at as "archived_at: OffsetDateTime", c.tools_mode, p.id as project_id, p.name as project_name,
                w.id as workspace_id, w.name as workspace_name,
                coalesce(
                    (select m.state from messages m where m.conversation_id = c.id and m.state = 'waiting' limit 1),
                    (select m.state from messages m where m.conversation_id = c.id and m.state = 'streaming')
                ) as open_state
         from conversations c
         join projects p on p.id = c.project_id
         join workspaces w on w.id = c.workspace_id
         where c.project_id = $1 and (c.archived_at is not null) = $5
             and (c.updated_at, c.id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         order by c.updated_at desc, c.id desc
         limit $4"#,
        Uuid::from(project.id()),
        after.map(|key| key.updated_at) as Option<OffsetDateTime>,
        after.map(|key| key.id),
        rows,
        archived
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(Into::into).collect())
}

pub async fn insert(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    user: domain::UserId,
) -> Result<ConversationId, Fault> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into conversations (id, workspace_id, project_id, title, created_by) values ($1, $2, $3, $4, $5)",
        id,
        Uuid::from(project.workspace().id()),
        Uuid::from(project.id()),
        UNTITLED,
        Uuid::from(user)
    )
    .execute(&mut *conn)
    .await?;
    touch(conn, project).await?;
    Ok(id.into())
}

pub async fn get(conn: &mut PgConnection, conversation: ConversationId) -> Result<Conversation, Fault> {
    let row = sqlx::query_as!(
        ConversationRow,
        r#"select c.id, c.title, c.created_at as "created_at: OffsetDateTime",
                c.updated_at as "updated_at: OffsetDateTime",
                c.archived_at as "archived_at: OffsetDateTime", c.tools_mode, p.id as project_id, p.name as project_name,
                w.id as workspace_id, w.name as workspace_name,
                coalesce(
                    (select m.state from messages m where m.conversation_id = c.id and m.state = 'waiting' limit 1),
                    (select m.state from messages m where m.conversation_id = c.id and m.state = 'streaming')
                ) as open_state
         from conversations c
         join projects p on p.id = c.project_id
         join workspaces w on w.id = c.workspace_id
         where c.id = $1"#,
        Uuid::from(conversation)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// Who began the conversation; nobody once that account is gone.
pub async fn creator(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<Option<Uuid>, Fault> {
    Ok(sqlx::query_scalar!("select created_by from conversations where id = $1", Uuid::from(conversation.id()))
        .fetch_one(conn)
        .await?)
}

pub async fn rename(conn: &mut PgConnection, conversation: &ConversationAccess, title: &Name) -> Result<(), Fault> {
    sqlx::query!(
        "update conversations set title = $2, updated_at = now() where id = $1",
        Uuid::from(conversation.id()),
        title.as_str()
    )
    .execute(&mut *conn)
    .await?;
    touch(conn, &conversation.project()).await
}

/// Whether the models of the conversation ask before they write.
pub async fn tools_mode(conn: &mut PgConnection, conversation: ConversationId) -> Result<ToolsMode, Fault> {
    let mode = sqlx::query_scalar!("select tools_mode from conversations where id = $1", Uuid::from(conversation))
        .fetch_one(conn)
        .await?;
    Ok(ToolsMode::parse(&mode))
}

pub async fn set_tools_mode(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    mode: ToolsMode,
) -> Result<(), Fault> {
    sqlx::query!(
        "update conversations set tools_mode = $2 where id = $1",
        Uuid::from(conversation.id()),
        mode.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the conversation out of the list, or back into it. It stays as recent as it is.
pub async fn archive(conn: &mut PgConnection, conversation: &ConversationAccess, archived: bool) -> Result<(), Fault> {
    sqlx::query!(
        "update conversations set archived_at = case when $2 then coalesce(archived_at, now()) end where id = $1",
        Uuid::from(conversation.id()),
        archived
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn is_archived(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<bool, Fault> {
    let is_archived = sqlx::query_scalar!(
        r#"select archived_at is not null as "is_archived!" from conversations where id = $1"#,
        Uuid::from(conversation.id())
    )
    .fetch_one(conn)
    .await?;
    Ok(is_archived)
}

pub async fn delete(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<(), Fault> {
    sqlx::query!("delete from conversations where id = $1", Uuid::from(conversation.id())).execute(&mut *conn).await?;
    touch(conn, &conversation.project()).await
}

/// The answers being written in a conversation: one, or none.
pub async fn streaming_in(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<Vec<MessageId>, Fault> {
    let ids = sqlx::query_scalar!(
        "select id from messages where conversation_id = $1 and state = 'streaming'",
        Uuid::from(conversation.id())
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Who asked for this answer; nobody once that account is gone.
pub async fn asked_by(conn: &mut PgConnection, message: &MessageAccess) -> Result<Option<Uuid>, Fault> {
    Ok(sqlx::query_scalar!("select created_by from messages where id = $1", Uuid::from(message.id()))
        .fetch_one(conn)
        .await?)
}

/// The project's brief.
pub async fn brief(conn: &mut PgConnection, project: &ProjectAccess) -> Result<Brief, Fault> {
    let row = sqlx::query!(
        "select client, audience, brand_voice, key_messages, competitors, notes from projects where id = $1",
        Uuid::from(project.id())
    )
    .fetch_one(conn)
    .await?;
    Ok(Brief {
        client: prose("client", &row.client)?,
        audience: prose("audience", &row.audience)?,
        brand_voice: prose("brand_voice", &row.brand_voice)?,
        key_messages: prose("key_messages", &row.key_messages)?,
        competitors: prose("competitors", &row.competitors)?,
        notes: prose("notes", &row.notes)?,
    })
}

fn prose<const MAX: usize>(field: &str, text: &str) -> Result<Prose<MAX>, Fault> {
    Ok(Prose::parse(field, text)?)
}

/// Where `quote` stands in a page, word for word: at `start` if it is there, else at its first place. `None` when it is
/// not on the page.
pub async fn locate_quote(
    conn: &mut PgConnection,
    document: &DocumentAccess,
    page: u32,
    start: u32,
    quote: &str,
) -> Result<Option<u32>, Fault> {
    let (Ok(page), Ok(start)) = (i32::try_from(page), i32::try_from(start)) else { return Ok(None) };
    let found = sqlx::query_scalar!(
        r#"select case when substr(text, $3 + 1, char_length($4)) = $4 then $3 else strpos(text, $4) - 1 end as "start!"
           from document_pages
           where document_id = $1 and number = $2 and char_length($4) > 0"#,
        Uuid::from(document.id()),
        page,
        start,
        quote
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.and_then(|start| u32::try_from(start).ok()))
}
