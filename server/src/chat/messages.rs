//! SQL of messages as people read and write them. A conversation is a tree: a question follows an answer, an answer its
//! question, and what has the same parent are versions of each other. What is shown is one branch, from the first
//! question to a leaf. A running answer is written by [`super::events`].

use super::{attachments, calls, events, repo::UNTITLED};
use crate::{
    access::{ConversationAccess, MessageAccess},
    ai::answer::Turn,
    fault::Fault,
    projects::repo::touch,
    workspaces::repo::count,
};
use domain::{
    Error, MessageId, UserId,
    chat::{AskedScope, Author, Citation, Message, MessageState, ScopeKind, Siblings},
    documents::Span,
    models::MicroDollars,
};
use sqlx::PgConnection;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    conversation_id: Uuid,
    parent_id: Option<Uuid>,
    author: String,
    state: String,
    content: String,
    model: Option<String>,
    failure: Option<String>,
    prompt_tokens: Option<i32>,
    completion_tokens: Option<i32>,
    duration_ms: Option<i32>,
    cost_micros: Option<i64>,
    turns_left_out: Option<i32>,
    scope: Option<String>,
    scope_documents: Option<i32>,
    created_at: OffsetDateTime,
    position: i64,
    count: i64,
    previous: Option<Uuid>,
    next: Option<Uuid>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        Self {
            id: row.id.into(),
            conversation_id: row.conversation_id.into(),
            parent_id: row.parent_id.map(Into::into),
            siblings: Siblings {
                position: count(row.position),
                count: count(row.count),
                previous: row.previous.map(Into::into),
                next: row.next.map(Into::into),
            },
            author: if row.author == "user" { Author::User } else { Author::Assistant },
            // The column's check constraint admits no other word.
            state: MessageState::parse(&row.state).unwrap_or(MessageState::Failed),
            content: row.content,
            citations: Vec::new(),
            attachments: Vec::new(),
            tool_calls: Vec::new(),
            model: row.model,
            failure: row.failure,
            prompt_tokens: number(row.prompt_tokens),
            completion_tokens: number(row.completion_tokens),
            duration_ms: number(row.duration_ms),
            cost: row.cost_micros.and_then(|cost| u64::try_from(cost).ok()).map(MicroDollars),
            turns_left_out: number(row.turns_left_out),
            scope: row.scope.map(|kind| AskedScope {
                kind: ScopeKind::parse(&kind),
                documents: number(row.scope_documents).unwrap_or(0),
            }),
            created_at: row.created_at,
        }
    }
}

/// Reads the messages that a common table expression named `picked` names by `id`, in the order of its `place`.
macro_rules! select_messages {
    ($picked:tt, $($bind:expr),*) => {
        sqlx::query_as!(
            Row,
            $picked + r#"
            select m.id, m.conversation_id, m.parent_id, m.author, m.state, m.content, m.model, m.failure, m.prompt_tokens,
                m.completion_tokens, m.duration_ms, m.cost_micros, m.turns_left_out, m.scope, cardinality(m.scope_documents) as scope_documents,
                m.created_at as "created_at: OffsetDateTime", s.position as "position!", s.count as "count!", s.previous, s.next
            from picked p
            join messages m on m.id = p.id
            cross join lateral (
                select count(*) filter (where o.id <= m.id) as position, count(*) as count,
                    (array_agg(o.id order by o.id desc) filter (where o.id < m.id))[1] as previous,
                    (array_agg(o.id order by o.id) filter (where o.id > m.id))[1] as next
                from messages o
                where coalesce(o.parent_id, o.conversation_id) = coalesce(m.parent_id, m.conversation_id)
            ) s
            order by p.place"#,
            $($bind),*
        )
    };
}

/// The message as it is stored; while it is being written, with what its events hold so far.
pub async fn message(conn: &mut PgConnection, id: MessageId) -> Result<Message, Fault> {
    let row = select_messages!("with picked as (select $1::uuid as id, 1 as place)", Uuid::from(id))
        .fetch_one(&mut *conn)
        .await?;
    let mut found = complete(conn, vec![row.into()]).await?;
    found.pop().ok_or_else(|| Error::NotFound.into())
}

pub async fn state(conn: &mut PgConnection, id: MessageId) -> Result<MessageState, Fault> {
    let state = sqlx::query_scalar!("select state from messages where id = $1", Uuid::from(id)).fetch_one(conn).await?;
    Ok(MessageState::parse(&state).unwrap_or(MessageState::Failed))
}

/// From `from` up to the first question, the newest first, at most `rows`.
pub async fn upwards(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    from: Uuid,
    rows: i64,
) -> Result<Vec<Message>, Fault> {
    let found = select_messages!(
        "with recursive picked as (
             select id, parent_id, 1::bigint as place from messages where id = $1 and conversation_id = $2
             union all
             select m.id, m.parent_id, b.place + 1 from picked b join messages m on m.id = b.parent_id where b.place < $3
         )",
        from,
        Uuid::from(conversation.id()),
        rows
    )
    .fetch_all(&mut *conn)
    .await?;
    complete(conn, found.into_iter().map(Into::into).collect()).await
}

/// Every message of the conversation that is older than none of `after`, in the order in which they were made.
pub async fn all(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    after: Option<Uuid>,
    rows: i64,
) -> Result<Vec<Message>, Fault> {
    let found = select_messages!(
        "with picked as (
             select id, id as place from messages
             where conversation_id = $1 and id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             order by id limit $3
         )",
        Uuid::from(conversation.id()),
        after,
        rows
    )
    .fetch_all(&mut *conn)
    .await?;
    complete(conn, found.into_iter().map(Into::into).collect()).await
}

/// Adds citations, attachments and calls of tools, and the text of what is still being written.
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
    for (id, attachment) in attachments::shown(conn, &ids).await? {
        if let Some(message) = messages.iter_mut().find(|message| message.id == id) {
            message.attachments.push(attachment);
        }
    }
    for call in calls::shown(conn, &ids).await? {
        if let Some(message) = messages.iter_mut().find(|message| message.id == call.message_id) {
            message.tool_calls.push(call);
        }
    }
    for message in messages.iter_mut().filter(|message| message.state.is_open()) {
        let so_far = events::streamed(conn, message.id).await?;
        (message.content, message.citations) = (so_far.content, so_far.citations);
    }
    Ok(messages)
}

/// Where a branch ends that goes through `message`: the newest child each time, at most `steps` down.
pub async fn below(conn: &mut PgConnection, message: Uuid, steps: i64) -> Result<Uuid, Fault> {
    let end = sqlx::query_scalar!(
        r#"with recursive down as (
               select $1::uuid as id, 0::bigint as depth
               union all
               select child.id, d.depth + 1
               from down d
               cross join lateral (
                   select id from messages where coalesce(parent_id, conversation_id) = d.id order by id desc limit 1
               ) child
               where d.depth < $2
           )
           select id as "id!" from down order by depth desc limit 1"#,
        message,
        steps
    )
    .fetch_one(conn)
    .await?;
    Ok(end)
}

/// The end of the branch in view. What the previous release has added below it, knowing no branches, counts too.
pub async fn end_in_view(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<Option<Uuid>, Fault> {
    let current = sqlx::query_scalar!(
        r#"select coalesce(c.current_id, (select id from messages where conversation_id = c.id order by id desc limit 1))
           from conversations c where c.id = $1"#,
        Uuid::from(conversation.id())
    )
    .fetch_one(&mut *conn)
    .await?;
    match current {
        Some(current) => Ok(Some(below(conn, current, i64::MAX).await?)),
        None => Ok(None),
    }
}

/// What the message follows; `None` too when it is not of this conversation.
pub async fn parent(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    message: Uuid,
) -> Result<Option<Uuid>, Fault> {
    let parent = sqlx::query_scalar!(
        "select parent_id from messages where id = $1 and conversation_id = $2",
        message,
        Uuid::from(conversation.id())
    )
    .fetch_optional(conn)
    .await?;
    Ok(parent.flatten())
}

pub async fn select(conn: &mut PgConnection, message: &MessageAccess) -> Result<(), Fault> {
    sqlx::query!(
        "update conversations set current_id = $2 where id = $1",
        Uuid::from(message.conversation().id()),
        Uuid::from(message.id())
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a question goes in the tree.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// After the branch in view.
    End,
    After(MessageId),
    InsteadOf(MessageId),
}

/// What a question or an answer is stored with.
pub struct New<'a> {
    pub idempotency_key: Option<&'a str>,
    pub user: UserId,
    pub model: &'a str,
    pub lease_seconds: f64,
}

/// What became of it.
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

/// Stores a question with the scope that its conversation has now, and an answer to be written. `title` is what the
/// conversation is called if this is its first question.
pub async fn insert_question(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    place: Place,
    text: &str,
    title: &str,
    new: &New<'_>,
) -> Result<Stored, Fault> {
    let id = Uuid::from(conversation.id());
    let parent = resolve(conn, conversation, place).await?;
    let inserted = sqlx::query_scalar!(
        "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, content, idempotency_key,
                created_by, scope, scope_documents)
         select $1, c.workspace_id, c.id, $3, 'user', 'complete', $4, $5, $6, c.scope,
             case c.scope
                 when 'chosen' then (select coalesce(array_agg(document_id), '{}') from conversation_documents where conversation_id = c.id)
                 else (select coalesce(array_agg(d.id), '{}') from documents d where d.project_id = c.project_id and not d.in_chat)
             end
         from conversations c where c.id = $2
         on conflict (conversation_id, idempotency_key) do nothing
         returning id",
        Uuid::now_v7(),
        id,
        parent,
        text,
        new.idempotency_key,
        Uuid::from(new.user)
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(question) = inserted else { return repeated(conn, id, new.idempotency_key).await };
    let keyless = New { idempotency_key: None, ..*new };
    let Some(answer) = insert_streaming(conn, conversation, question, &keyless).await? else {
        return Ok(Stored::Busy);
    };
    sqlx::query!(
        "update conversations c set updated_at = now(), current_id = $4,
                title = case when c.title = $3 and not exists (
                    select from messages m where m.conversation_id = c.id and m.id <> all($5)
                ) then $2 else c.title end
         where c.id = $1",
        id,
        title,
        UNTITLED,
        answer,
        &[question, answer]
    )
    .execute(&mut *conn)
    .await?;
    touch(conn, &conversation.project()).await?;
    Ok(Stored::New { question: question.into(), answer: answer.into() })
}

/// Stores another answer to be written to the question of `message`, or to `message` if it is one.
pub async fn insert_answer(conn: &mut PgConnection, message: &MessageAccess, new: &New<'_>) -> Result<Stored, Fault> {
    let conversation = message.conversation();
    let id = Uuid::from(conversation.id());
    let question = sqlx::query_scalar!(
        "select case author when 'user' then id else parent_id end from messages where id = $1",
        Uuid::from(message.id())
    )
    .fetch_one(&mut *conn)
    .await?
    .ok_or_else(|| Error::conflict("This answer has no question that could be asked again."))?;
    let Some(answer) = insert_streaming(conn, &conversation, question, new).await? else {
        return if new.idempotency_key.is_some() {
            repeated(conn, id, new.idempotency_key).await
        } else {
            Ok(Stored::Busy)
        };
    };
    sqlx::query!("update conversations set updated_at = now(), current_id = $2 where id = $1", id, answer)
        .execute(&mut *conn)
        .await?;
    touch(conn, &conversation.project()).await?;
    Ok(Stored::New { question: question.into(), answer: answer.into() })
}

/// Locks the conversation against new answers, and against answers that go on, until the transaction ends.
pub async fn lock(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<(), Fault> {
    sqlx::query!("select id from conversations where id = $1 for no key update", Uuid::from(conversation.id()))
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Stops the answer of the conversation that waits for somebody's decision, if one does.
async fn stop_waiting(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<(), Fault> {
    let waiting = sqlx::query_scalar!(
        "select id from messages where conversation_id = $1 and state = 'waiting'",
        Uuid::from(conversation.id())
    )
    .fetch_all(&mut *conn)
    .await?;
    for message in waiting {
        events::finish_from_events(conn, message.into(), MessageState::Stopped, None).await?;
    }
    Ok(())
}

/// `None` when another answer is being written, or the key came before. What waited for a decision is stopped: whoever
/// goes on talking has not taken it.
async fn insert_streaming(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    question: Uuid,
    new: &New<'_>,
) -> Result<Option<Uuid>, Fault> {
    lock(conn, conversation).await?;
    let answer = sqlx::query_scalar!(
        "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, model, lease_epoch, leased_until,
                created_by, idempotency_key)
         values ($1, $2, $3, $4, 'assistant', 'streaming', $5, $6, now() + make_interval(secs => $7), $8, $9)
         on conflict do nothing
         returning id",
        Uuid::now_v7(),
        Uuid::from(conversation.project().workspace().id()),
        Uuid::from(conversation.id()),
        question,
        new.model,
        FIRST_EPOCH,
        new.lease_seconds,
        Uuid::from(new.user),
        new.idempotency_key
    )
    .fetch_optional(&mut *conn)
    .await?;
    if answer.is_some() {
        stop_waiting(conn, conversation).await?;
    }
    Ok(answer)
}

/// What a question follows.
async fn resolve(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    place: Place,
) -> Result<Option<Uuid>, Fault> {
    let (id, author) = match place {
        Place::End => return end_in_view(conn, conversation).await,
        Place::After(answer) => (answer, "assistant"),
        Place::InsteadOf(question) => (question, "user"),
    };
    let row = sqlx::query!(
        "select author, parent_id from messages where id = $1 and conversation_id = $2",
        Uuid::from(id),
        Uuid::from(conversation.id())
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound)?;
    match place {
        _ if row.author != author => Err(wrong_place(place).into()),
        Place::After(answer) => Ok(Some(answer.into())),
        _ => Ok(row.parent_id),
    }
}

fn wrong_place(place: Place) -> Error {
    match place {
        Place::InsteadOf(_) => Error::invalid("instead_of", "Name the question that this is another version of."),
        _ => Error::invalid("after", "Name the answer that the question follows."),
    }
}

/// What was made for the key the first time; busy when nothing was.
async fn repeated(conn: &mut PgConnection, conversation: Uuid, key: Option<&str>) -> Result<Stored, Fault> {
    let row = sqlx::query!(
        "select q.id as question, a.id as answer
         from messages known
         join messages a on a.id = case known.author
             when 'assistant' then known.id
             else (select id from messages where parent_id = known.id and author = 'assistant' order by id limit 1)
         end
         join messages q on q.id = a.parent_id
         where known.conversation_id = $1 and known.idempotency_key = $2",
        conversation,
        key
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(Stored::Busy, |row| Stored::Repeated { question: row.question.into(), answer: row.answer.into() }))
}

/// Earlier turns that are read; what of them is told, [`crate::ai::answer::context`] decides.
pub const TURNS: i64 = 40;

/// Calls of one earlier answer that a question is told of, the newest.
const CALLS: usize = 16;

/// The questions before this one in its branch with the beginnings of their answers and what tools did for those, the
/// oldest first, at most `turns`; an answer of which there is neither is left out. After an answer, that one is the last.
pub async fn history(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    question: MessageId,
    turns: i64,
) -> Result<Vec<Turn>, Fault> {
    let mut rows = sqlx::query!(
        r#"with recursive branch as (
               select id, parent_id, 0::bigint as place from messages where id = $1 and conversation_id = $2
               union all
               select m.id, m.parent_id, b.place + 1 from branch b join messages m on m.id = b.parent_id
               where b.place < 2 * $3::bigint
           )
           select a.id as "id!", q.content as "question!", left(a.content, 4000) as "answer!"
           from branch b
           join messages a on a.id = b.id and a.author = 'assistant'
               and (a.content <> '' or exists (select from tool_calls t where t.message_id = a.id))
           join messages q on q.id = a.parent_id
           order by b.place"#,
        Uuid::from(question),
        Uuid::from(conversation.id()),
        turns
    )
    .fetch_all(&mut *conn)
    .await?;
    rows.reverse();
    let answers: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut told: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (answer, line) in calls::told_later(conn, &conversation.project(), &answers).await? {
        told.entry(answer).or_default().push(line);
    }
    let turn = |(id, question, answer): (Uuid, String, String)| {
        let mut done = told.remove(&id).unwrap_or_default();
        drop(done.drain(..done.len().saturating_sub(CALLS)));
        Turn { question, answer, done }
    };
    Ok(rows.into_iter().map(|row| (row.id, row.question, row.answer)).map(turn).collect())
}
