//! SQL of conversations and messages. Each function that reads or writes a tenant's rows asks for a proof of access; the
//! ones for a running answer ask for its lease instead, which only a proof could begin.

use crate::{
    access::{ConversationAccess, DocumentAccess, MessageAccess, ProjectAccess},
    ai::answer::Turn,
    fault::Fault,
    http::page::Recent,
    projects::repo::touch,
};
use domain::{
    ConversationId, MessageId,
    chat::{Author, Citation, Conversation, Message, MessageState},
    documents::Span,
    projects::{Brief, ProjectLink},
    text::{Name, Prose},
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
        }
    }
}

pub async fn list(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    after: Option<Recent>,
    rows: i64,
) -> Result<Vec<Conversation>, Fault> {
    let found = sqlx::query_as!(
        ConversationRow,
        r#"select c.id, c.title, c.created_at as "created_at: OffsetDateTime",
                c.updated_at as "updated_at: OffsetDateTime", p.id as project_id, p.name as project_name,
                w.id as workspace_id, w.name as workspace_name
         from conversations c
         join projects p on p.id = c.project_id
         join workspaces w on w.id = c.workspace_id
         where c.project_id = $1
             and (c.updated_at, c.id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         order by c.updated_at desc, c.id desc
         limit $4"#,
        Uuid::from(project.id()),
        after.map(|key| key.updated_at) as Option<OffsetDateTime>,
        after.map(|key| key.id),
        rows
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
                c.updated_at as "updated_at: OffsetDateTime", p.id as project_id, p.name as project_name,
                w.id as workspace_id, w.name as workspace_name
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

/// What a question is stored with.
pub struct NewMessages<'a> {
    pub text: &'a str,
    pub idempotency_key: Option<&'a str>,
    pub user: domain::UserId,
    pub model: &'a str,
    /// What the conversation is called if this is its first question.
    pub title: &'a str,
    pub lease_seconds: f64,
}

/// What became of a question.
pub enum Stored {
    New {
        question: MessageId,
        answer: MessageId,
    },
    /// The same idempotency key came before.
    Repeated {
        question: MessageId,
        answer: MessageId,
    },
    /// Another answer is being written.
    Busy,
}

/// The epoch of an answer's first lease; whoever takes an answer over counts on from it.
pub const FIRST_EPOCH: i64 = 1;

pub async fn insert_question(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    new: &NewMessages<'_>,
) -> Result<Stored, Fault> {
    let id = Uuid::from(conversation.id());
    let workspace = Uuid::from(conversation.project().workspace().id());
    let (question, answer) = (Uuid::now_v7(), Uuid::now_v7());
    let inserted = sqlx::query_scalar!(
        "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, content, idempotency_key, created_by)
         values ($1, $2, $3, (select id from messages where conversation_id = $3 order by id desc limit 1), 'user', 'complete', $4, $5, $6)
         on conflict (conversation_id, idempotency_key) do nothing
         returning id",
        question,
        workspace,
        id,
        new.text,
        new.idempotency_key,
        Uuid::from(new.user)
    )
    .fetch_optional(&mut *conn)
    .await?;
    if inserted.is_none() {
        return repeated(conn, id, new.idempotency_key).await;
    }
    let streaming = sqlx::query_scalar!(
        "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, model, lease_epoch, leased_until, created_by)
         values ($1, $2, $3, $4, 'assistant', 'streaming', $5, $6, now() + make_interval(secs => $7), $8)
         on conflict (conversation_id) where state = 'streaming' do nothing
         returning id",
        answer,
        workspace,
        id,
        question,
        new.model,
        FIRST_EPOCH,
        new.lease_seconds,
        Uuid::from(new.user)
    )
    .fetch_optional(&mut *conn)
    .await?;
    if streaming.is_none() {
        return Ok(Stored::Busy);
    }
    sqlx::query!(
        "update conversations c set updated_at = now(),
                title = case when c.title = $3 and not exists (
                    select from messages m where m.conversation_id = c.id and m.id <> all($4)
                ) then $2 else c.title end
         where c.id = $1",
        id,
        new.title,
        UNTITLED,
        &[question, answer]
    )
    .execute(&mut *conn)
    .await?;
    touch(conn, &conversation.project()).await?;
    Ok(Stored::New { question: question.into(), answer: answer.into() })
}

async fn repeated(conn: &mut PgConnection, conversation: Uuid, key: Option<&str>) -> Result<Stored, Fault> {
    let row = sqlx::query!(
        "select q.id as question, a.id as answer
         from messages q join messages a on a.parent_id = q.id and a.author = 'assistant'
         where q.conversation_id = $1 and q.idempotency_key = $2
         order by a.id limit 1",
        conversation,
        key
    )
    .fetch_one(conn)
    .await?;
    Ok(Stored::Repeated { question: row.question.into(), answer: row.answer.into() })
}

struct MessageRow {
    id: Uuid,
    conversation_id: Uuid,
    author: String,
    state: String,
    content: String,
    model: Option<String>,
    failure: Option<String>,
    prompt_tokens: Option<i32>,
    completion_tokens: Option<i32>,
    duration_ms: Option<i32>,
    created_at: OffsetDateTime,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        let count = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        Self {
            id: row.id.into(),
            conversation_id: row.conversation_id.into(),
            author: if row.author == "user" { Author::User } else { Author::Assistant },
            // The column's check constraint admits no other word.
            state: MessageState::parse(&row.state).unwrap_or(MessageState::Failed),
            content: row.content,
            citations: Vec::new(),
            model: row.model,
            failure: row.failure,
            prompt_tokens: count(row.prompt_tokens),
            completion_tokens: count(row.completion_tokens),
            duration_ms: count(row.duration_ms),
            created_at: row.created_at,
        }
    }
}

/// A page of messages, the newest first.
pub async fn messages(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    before: Option<Uuid>,
    rows: i64,
) -> Result<Vec<Message>, Fault> {
    let found = sqlx::query_as!(
        MessageRow,
        r#"select id, conversation_id, author, state, content, model, failure, prompt_tokens, completion_tokens,
                duration_ms, created_at as "created_at: OffsetDateTime"
         from messages
         where conversation_id = $1 and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         order by id desc
         limit $3"#,
        Uuid::from(conversation.id()),
        before,
        rows
    )
    .fetch_all(&mut *conn)
    .await?;
    complete(conn, found.into_iter().map(Into::into).collect()).await
}

/// The message as it is stored; while it is being written, with what its events hold so far.
pub async fn message(conn: &mut PgConnection, id: MessageId) -> Result<Message, Fault> {
    let row = sqlx::query_as!(
        MessageRow,
        r#"select id, conversation_id, author, state, content, model, failure, prompt_tokens, completion_tokens,
                duration_ms, created_at as "created_at: OffsetDateTime"
         from messages where id = $1"#,
        Uuid::from(id)
    )
    .fetch_one(&mut *conn)
    .await?;
    let mut found = complete(conn, vec![row.into()]).await?;
    found.pop().ok_or_else(|| domain::Error::NotFound.into())
}

/// Adds citations, and the text of what is still being written.
async fn complete(conn: &mut PgConnection, mut messages: Vec<Message>) -> Result<Vec<Message>, Fault> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id.into()).collect();
    let rows = sqlx::query!(
        "select c.message_id, c.number, c.document_id, d.name, c.page, c.start_char, c.end_char, c.quote
         from citations c join documents d on d.id = c.document_id
         where c.message_id = any($1)
         order by c.number",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let number = |value: i32| u32::try_from(value).unwrap_or_default();
    for row in rows {
        if let Some(message) = messages.iter_mut().find(|message| Uuid::from(message.id) == row.message_id) {
            message.citations.push(Citation {
                number: number(row.number),
                document_id: row.document_id.into(),
                document_name: row.name,
                span: Span { page: number(row.page), start: number(row.start_char), end: number(row.end_char) },
                quote: row.quote,
            });
        }
    }
    for message in messages.iter_mut().filter(|message| message.state == MessageState::Streaming) {
        let so_far = super::events::streamed(conn, message.id).await?;
        (message.content, message.citations) = (so_far.content, so_far.citations);
    }
    Ok(messages)
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

/// Earlier questions with their answers, the oldest first, at most `turns`; what has no text is left out.
pub async fn history(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    before: MessageId,
    turns: i64,
) -> Result<Vec<Turn>, Fault> {
    let mut rows = sqlx::query!(
        "select q.content as question, a.content as answer
         from messages a join messages q on q.id = a.parent_id
         where a.conversation_id = $1 and a.author = 'assistant' and a.id < $2 and a.content <> ''
         order by a.id desc
         limit $3",
        Uuid::from(conversation.id()),
        Uuid::from(before),
        turns
    )
    .fetch_all(conn)
    .await?;
    rows.reverse();
    Ok(rows.into_iter().map(|row| Turn { question: row.question, answer: row.answer }).collect())
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
