//! SQL of the calls of tools in an answer. The process that writes the answer names its lease with every write, as for
//! events; whoever decides about a call does it while no process holds the answer.

use super::{events::Lease, tools::Given};
use crate::{
    access::{ConversationAccess, ProjectAccess, ToolCallAccess},
    ai::answer::prompt::on_a_line,
    fault::Fault,
};
use domain::{
    DocumentId, MessageId, ToolCallId, UserId,
    tools::{MAX_ARGUMENT, ToolArgument, ToolCall, ToolCallState},
};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Characters of a result that later questions are told.
const TOLD: usize = 160;
/// Shown with a call that nobody decided about.
const UNDECIDED: &str = "The answer ended before anybody decided.";
/// Shown with a call whose answer ended while it ran.
const CUT: &str = "The answer ended meanwhile. Look whether it was done.";

/// A call to be stored.
pub struct NewCall {
    /// From 0.
    pub round: i32,
    pub model_call_id: String,
    pub name: String,
    pub label: String,
    pub arguments: Value,
    pub state: ToolCallState,
    pub result: Option<String>,
    /// The document that it names.
    pub document: Option<Uuid>,
}

/// What has become of a call.
pub struct Outcome<'a> {
    pub state: ToolCallState,
    /// For people.
    pub result: Option<&'a str>,
    pub given: Option<&'a Given>,
    /// The document that it has made.
    pub created: Option<DocumentId>,
}

/// A call as the answer goes on from it.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: ToolCallId,
    pub round: i32,
    pub model_call_id: String,
    pub name: String,
    pub arguments: Value,
    pub state: ToolCallState,
    pub result: Option<String>,
    pub given: Option<Given>,
}

/// Stores it as the answer's last call; `None` when the lease is lost.
pub async fn insert(conn: &mut PgConnection, lease: Lease, new: &NewCall) -> Result<Option<ToolCallId>, Fault> {
    let id = sqlx::query_scalar!(
        "with live as (
             select id, workspace_id from messages
             where id = $1 and lease_epoch = $2 and state = 'streaming'
             for share
         )
         insert into tool_calls (id, workspace_id, message_id, round, seq, model_call_id, name, label, arguments, state, result,
                document_id)
         select $3, live.workspace_id, live.id, $4, (select count(*) from tool_calls where message_id = $1), $5, $6, $7, $8, $9, $10,
                $11
         from live
         returning id",
        Uuid::from(lease.message),
        lease.epoch,
        Uuid::now_v7(),
        new.round,
        new.model_call_id,
        new.name,
        new.label,
        new.arguments,
        new.state.as_str(),
        new.result,
        new.document
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(Into::into))
}

/// Stores what came of a call; false when the lease is lost.
pub async fn set(
    conn: &mut PgConnection,
    lease: Lease,
    call: ToolCallId,
    outcome: &Outcome<'_>,
) -> Result<bool, Fault> {
    let given =
        outcome.given.map(serde_json::to_value).transpose().map_err(Fault::while_doing("write what a tool gave"))?;
    let stored = sqlx::query!(
        "with live as (
             select id from messages where id = $1 and lease_epoch = $2 and state = 'streaming' for share
         )
         update tool_calls t set state = $4, result = $5, given = $6, document_id = coalesce($7, t.document_id), changed_at = now()
         from live
         where t.message_id = live.id and t.id = $3",
        Uuid::from(lease.message),
        lease.epoch,
        Uuid::from(call),
        outcome.state.as_str(),
        outcome.result,
        given,
        outcome.created.map(Uuid::from)
    )
    .execute(conn)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// All calls of an answer, in order.
pub async fn of_answer(conn: &mut PgConnection, message: MessageId) -> Result<Vec<Call>, Fault> {
    let rows = sqlx::query!(
        "select id, round, model_call_id, name, arguments, state, result, given from tool_calls
         where message_id = $1 order by seq",
        Uuid::from(message)
    )
    .fetch_all(conn)
    .await?;
    let read = |given: Value| serde_json::from_value(given).map_err(Fault::while_doing("read what a tool gave"));
    rows.into_iter()
        .map(|row| {
            Ok(Call {
                id: row.id.into(),
                round: row.round,
                model_call_id: row.model_call_id,
                name: row.name,
                arguments: row.arguments,
                state: state(&row.state),
                result: row.result,
                given: row.given.map(read).transpose()?,
            })
        })
        .collect()
}

/// The calls of these answers as people see them, in order.
pub async fn shown(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<ToolCall>, Fault> {
    let rows = sqlx::query!(
        r#"select t.id, t.message_id, t.name, t.label, t.arguments, t.state, t.result, u.display_name as "decided_by?",
               t.created_at as "created_at: OffsetDateTime"
           from tool_calls t left join users u on u.id = t.decided_by
           where t.message_id = any($1)
           order by t.message_id, t.seq"#,
        messages
    )
    .fetch_all(conn)
    .await?;
    let calls = rows.into_iter().map(|row| ToolCall {
        id: row.id.into(),
        message_id: row.message_id.into(),
        name: row.name,
        label: row.label,
        arguments: arguments(row.arguments),
        state: state(&row.state),
        result: row.result,
        decided_by: row.decided_by,
        created_at: row.created_at,
    });
    Ok(calls.collect())
}

/// One call as people see it.
pub async fn find(conn: &mut PgConnection, message: MessageId, call: ToolCallId) -> Result<Option<ToolCall>, Fault> {
    let calls = shown(conn, &[message.into()]).await?;
    Ok(calls.into_iter().find(|known| known.id == call))
}

/// What was called for these answers, a line a call, in order: for models, which may go on with the documents.
pub async fn told_later(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    messages: &[Uuid],
) -> Result<Vec<(Uuid, String)>, Fault> {
    let rows = sqlx::query!(
        r#"select t.message_id, t.name, t.state, t.result, t.document_id, d.name as "title?", d.trashed_at is not null as "is_trashed!"
           from tool_calls t left join documents d on d.id = t.document_id and d.project_id = $1
           where t.message_id = any($2)
           order by t.message_id, t.seq"#,
        Uuid::from(project.id()),
        messages
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| {
        let name = row.name;
        let document = match (row.document_id, row.title) {
            (Some(id), Some(title)) if row.is_trashed => {
                format!(" “{}” (id {id}, in the trash now)", on_a_line(&title))
            }
            (Some(id), Some(title)) => format!(" “{}” (id {id})", on_a_line(&title)),
            (Some(_), None) => " of a document that is gone".to_owned(),
            (None, _) => String::new(),
        };
        let result: String = row.result.unwrap_or_default().chars().take(TOLD).collect();
        let line = match state(&row.state) {
            ToolCallState::Done if document.is_empty() => format!("{name}: {result}"),
            ToolCallState::Done => format!("{name}{document}: done"),
            ToolCallState::Failed => format!("{name}{document}: failed. {result}"),
            _ => format!("{name}{document}: refused by the person"),
        };
        (row.message_id, line)
    });
    Ok(told.collect())
}

/// Whether the document was made for an answer of this conversation.
pub async fn created(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    document: DocumentId,
) -> Result<bool, Fault> {
    let was_created = sqlx::query_scalar!(
        r#"select exists(
               select from messages m join tool_calls t on t.message_id = m.id
               where m.conversation_id = $1 and t.document_id = $2 and t.name = 'create_document' and t.state = 'done'
           ) as "was_created!""#,
        Uuid::from(conversation.id()),
        Uuid::from(document)
    )
    .fetch_one(conn)
    .await?;
    Ok(was_created)
}

/// What has become of a call.
pub async fn state_of(conn: &mut PgConnection, call: &ToolCallAccess) -> Result<ToolCallState, Fault> {
    let found = sqlx::query_scalar!("select state from tool_calls where id = $1", Uuid::from(call.id()))
        .fetch_one(conn)
        .await?;
    Ok(state(&found))
}

/// Stores what somebody decided; true when no other call of the answer waits any more.
pub async fn decide(
    conn: &mut PgConnection,
    call: &ToolCallAccess,
    approve: bool,
    user: UserId,
) -> Result<bool, Fault> {
    let state = if approve { ToolCallState::Approved } else { ToolCallState::Refused };
    sqlx::query!(
        "update tool_calls set state = $2, decided_by = $3, decided_at = now(), changed_at = now() where id = $1",
        Uuid::from(call.id()),
        state.as_str(),
        Uuid::from(user)
    )
    .execute(&mut *conn)
    .await?;
    let waits = sqlx::query_scalar!(
        r#"select exists(select from tool_calls where message_id = $1 and state = 'waiting') as "waits!""#,
        Uuid::from(call.message().id())
    )
    .fetch_one(conn)
    .await?;
    Ok(!waits)
}

/// Ends the calls of an answer that has ended, and forgets what the model was told.
pub async fn close(conn: &mut PgConnection, message: MessageId) -> Result<(), Fault> {
    sqlx::query!(
        "update tool_calls set given = null, changed_at = now(),
             result = case state when 'waiting' then $2 when 'approved' then $2 when 'running' then $3 else result end,
             state = case state when 'waiting' then 'refused' when 'approved' then 'failed' when 'running' then 'failed'
                 else state end
         where message_id = $1",
        Uuid::from(message),
        UNDECIDED,
        CUT
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn state(text: &str) -> ToolCallState {
    // The column's check constraint admits no other word.
    ToolCallState::parse(text).unwrap_or(ToolCallState::Failed)
}

/// Arguments for people: each by its name, cut where it is long.
fn arguments(stored: Value) -> Vec<ToolArgument> {
    let argument = |name: String, value: Value| {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let cut: String = value.chars().take(MAX_ARGUMENT).collect();
        ToolArgument { name, value: if cut.len() < value.len() { format!("{cut}…") } else { cut } }
    };
    match stored {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| argument(name.chars().take(64).collect(), value))
            .take(20)
            .collect(),
        other => vec![argument("arguments".to_owned(), other)],
    }
}
