//! An answer that waits for somebody's decision. Nothing of it is in memory: its events, its calls and what is here hold
//! all that any process needs to go on with it.

use super::{
    BUSY, answer, calls,
    events::{self, LEASE_SECONDS, Lease},
    messages, steers,
};
use crate::{
    access::{MessageAccess, ProjectAccess, ToolCallAccess},
    events::{Notice, notify},
    fault::Fault,
    session::UserSession,
};
use domain::{
    DocumentId, Error, MessageId, ToolCallId,
    chat::{AnswerEvent, Message},
    documents::{Passage, Span},
    models::ModelName,
    tools::ToolCallState,
    workspaces::Role,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// What a waiting answer goes on from, besides its events and calls. Passages by their places, so that nothing of a
/// document that is deleted lives on here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// All passages with a number, from 1.
    pub passages: Vec<(DocumentId, Span)>,
    /// How many of them the question was asked with; the others were found by tools.
    pub asked_with: usize,
    /// What the model said in each of its turns, before it called tools.
    pub said: Vec<String>,
}

/// What has been spent on an answer so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub prompt_tokens: Option<u32>,
    pub completion_tokens: Option<u32>,
    /// While it was being written, not while it waited.
    pub time: Duration,
}

/// Puts the answer down until somebody has decided; the number of the event that says so, or `None` when the lease is
/// lost.
pub async fn pause(
    conn: &mut PgConnection,
    lease: Lease,
    progress: &Progress,
    spent: Spent,
) -> Result<Option<i32>, Fault> {
    let progress = serde_json::to_value(progress).map_err(Fault::while_doing("write down a waiting answer"))?;
    let number = |value: Option<u32>| value.map(|value| i32::try_from(value).unwrap_or(i32::MAX));
    let paused = sqlx::query!(
        "update messages set state = 'waiting', progress = $3, prompt_tokens = $4, completion_tokens = $5, duration_ms = $6,
             lease_epoch = lease_epoch + 1, leased_until = null
         where id = $1 and lease_epoch = $2 and state = 'streaming'",
        Uuid::from(lease.message),
        lease.epoch,
        progress,
        number(spent.prompt_tokens),
        number(spent.completion_tokens),
        i32::try_from(spent.time.as_millis()).unwrap_or(i32::MAX)
    )
    .execute(&mut *conn)
    .await?;
    if paused.rows_affected() == 0 {
        return Ok(None);
    }
    let seq = events::append(conn, lease.message, &AnswerEvent::Waiting).await?;
    notify(conn, &Notice::Message { message: lease.message }).await?;
    Ok(Some(seq))
}

/// What an answer goes on from that was put down.
pub async fn progress(conn: &mut PgConnection, message: MessageId) -> Result<(Progress, Spent), Fault> {
    let row = sqlx::query!(
        "select progress, prompt_tokens, completion_tokens, duration_ms from messages where id = $1",
        Uuid::from(message)
    )
    .fetch_one(conn)
    .await?;
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
    let spent = Spent {
        prompt_tokens: number(row.prompt_tokens),
        completion_tokens: number(row.completion_tokens),
        time: Duration::from_millis(number(row.duration_ms).unwrap_or(0).into()),
    };
    let progress = row.progress.ok_or(Error::NotFound)?;
    Ok((serde_json::from_value(progress).map_err(Fault::while_doing("read a waiting answer"))?, spent))
}

/// The passages at these places, in their order; one that is not to be had any more has no text.
pub async fn passages(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    places: &[(DocumentId, Span)],
) -> Result<Vec<Passage>, Fault> {
    let integer = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", d.name as "name!",
               substr(p.text, wanted.start_char + 1, wanted.end_char - wanted.start_char) as "text!"
           from unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) with ordinality
               as wanted (document_id, page, start_char, end_char, place)
           join documents d on d.id = wanted.document_id and d.project_id = $5 and d.trashed_at is null
           join document_pages p on p.document_id = d.id and p.number = wanted.page"#,
        &places.iter().map(|(document, _)| Uuid::from(*document)).collect::<Vec<_>>(),
        &places.iter().map(|(_, span)| integer(span.page)).collect::<Vec<_>>(),
        &places.iter().map(|(_, span)| integer(span.start)).collect::<Vec<_>>(),
        &places.iter().map(|(_, span)| integer(span.end)).collect::<Vec<_>>(),
        Uuid::from(project.id())
    )
    .fetch_all(conn)
    .await?;
    let nameless =
        |(document, span): &(DocumentId, Span)| Passage::unranked(*document, String::new(), *span, String::new());
    let mut passages: Vec<Passage> = places.iter().map(nameless).collect();
    for row in rows {
        let place = usize::try_from(row.place).ok().and_then(|place| place.checked_sub(1));
        if let Some(passage) = place.and_then(|place| passages.get_mut(place)) {
            (passage.document_name, passage.text) = (row.name, row.text);
        }
    }
    Ok(passages)
}

/// Stores a decision, and goes on with the answer when it was the last that was wanted.
pub async fn decide(session: &UserSession, id: ToolCallId, approve: bool) -> Result<Message, Fault> {
    let mut scope = session.scope().await?;
    let call = scope.tool_call(id, Role::Viewer).await?;
    let message = call.message();
    steers(&mut scope, &message).await?;
    messages::lock(scope.conn(), &message.conversation()).await?;
    if is_known(scope.conn(), &call, approve).await? {
        return messages::message(scope.conn(), message.id()).await;
    }
    let user = scope.user_id();
    let is_last = calls::decide(scope.conn(), &call, approve, user).await?;
    if let Some(call) = calls::find(scope.conn(), message.id(), id).await? {
        events::append(scope.conn(), message.id(), &AnswerEvent::Tool { call }).await?;
    }
    let resumed = if is_last { Some(resume(scope.conn(), &message).await?) } else { None };
    notify(scope.conn(), &Notice::Message { message: message.id() }).await?;
    let shown = messages::message(scope.conn(), message.id()).await?;
    scope.commit().await?;
    if let Some(Resumed { epoch, question, text, model }) = resumed {
        let conversation = message.conversation().id();
        let asked = Instant::now();
        let assignment =
            answer::Assignment { message: message.id(), conversation, question, text, model, asked, is_resumed: true };
        answer::start(session, assignment, epoch);
    }
    Ok(shown)
}

/// Whether the same was decided before.
///
/// # Errors
/// `Conflict` when the opposite was, or the answer does not wait.
async fn is_known(conn: &mut PgConnection, call: &ToolCallAccess, approve: bool) -> Result<bool, Fault> {
    // Locked, so that it does not end meanwhile.
    let state =
        sqlx::query_scalar!("select state from messages where id = $1 for update", Uuid::from(call.message().id()))
            .fetch_one(&mut *conn)
            .await?;
    let was_approved = match calls::state_of(conn, call).await? {
        ToolCallState::Waiting if state == "waiting" => return Ok(false),
        ToolCallState::Waiting => {
            return Err(Error::conflict("The answer is still being written. Try again in a moment.").into());
        }
        ToolCallState::Refused => false,
        ToolCallState::Approved | ToolCallState::Running | ToolCallState::Done | ToolCallState::Failed => true,
    };
    if was_approved == approve {
        return Ok(true);
    }
    let decided = if was_approved { "approved" } else { "refused" };
    Err(Error::conflict(format!("This has been {decided} already.")).into())
}

/// The answer that goes on, and its question.
struct Resumed {
    epoch: i64,
    question: MessageId,
    text: String,
    /// Who began it.
    model: Option<ModelName>,
}

/// Makes the answer one that is being written, by whoever holds the epoch that is returned.
async fn resume(conn: &mut PgConnection, message: &MessageAccess) -> Result<Resumed, Fault> {
    let row = sqlx::query!(
        "update messages m set state = 'streaming', lease_epoch = m.lease_epoch + 1,
             leased_until = now() + make_interval(secs => $2)
         from messages q
         where m.id = $1 and m.state = 'waiting' and q.id = m.parent_id
             -- The previous release knows nothing of answers that wait, and may have begun another.
             and not exists (select from messages o where o.conversation_id = m.conversation_id and o.state = 'streaming')
         returning m.lease_epoch, m.model, q.id, q.content",
        Uuid::from(message.id()),
        LEASE_SECONDS
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(|| Error::conflict(BUSY))?;
    events::append(conn, message.id(), &AnswerEvent::Resumed).await?;
    let model = row.model.and_then(|model| ModelName::parse("model", &model).ok());
    Ok(Resumed { epoch: row.lease_epoch, question: row.id.into(), text: row.content, model })
}
