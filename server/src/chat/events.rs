//! SQL of a running answer: its numbered events, its lease, and its end. Every write names the lease's epoch, so that a
//! process that has lost an answer writes nothing more of it.

use super::{calls, cite, messages};
use crate::{
    events::{Notice, notify},
    fault::Fault,
};
use domain::{
    MessageId,
    chat::{AnswerEvent, Citation, Message, MessageState},
    models::MicroDollars,
};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

/// How long a process may be silent before its answers count as abandoned.
pub const LEASE_SECONDS: f64 = 10.0;

/// An answer that a process writes, and the epoch in which it does.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub message: MessageId,
    pub epoch: i64,
}

/// What the events of an answer hold so far.
#[derive(Debug, Default)]
pub struct Streamed {
    /// The last event's number; 0 without any.
    pub seq: i32,
    pub content: String,
    pub citations: Vec<Citation>,
}

pub async fn streamed(conn: &mut PgConnection, message: MessageId) -> Result<Streamed, Fault> {
    let mut so_far = Streamed::default();
    for (seq, event) in after(conn, message, 0).await? {
        so_far.seq = seq;
        let Replayed::Event(event) = event else { continue };
        match *event {
            AnswerEvent::Delta { text } => so_far.content.push_str(&text),
            AnswerEvent::Cited { citation } => so_far.citations.push(citation),
            _ => {}
        }
    }
    Ok(so_far)
}

/// A stored event.
#[derive(Clone, Debug)]
pub enum Replayed {
    Event(Box<AnswerEvent>),
    /// The end, which is stored without the message: what a reader gets is the message as it is then, so that nothing of
    /// a document that was deleted meanwhile lives on here.
    Finished,
}

/// The events with a higher number than `seq`, in order.
pub async fn after(conn: &mut PgConnection, message: MessageId, seq: i32) -> Result<Vec<(i32, Replayed)>, Fault> {
    let rows = sqlx::query!(
        "select seq, event from message_events where message_id = $1 and seq > $2 order by seq",
        Uuid::from(message),
        seq
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            if row.event.get("type").and_then(Value::as_str) == Some("finished") {
                return Ok((row.seq, Replayed::Finished));
            }
            let event = serde_json::from_value(row.event).map_err(Fault::while_doing("read a stored event"))?;
            Ok((row.seq, Replayed::Event(Box::new(event))))
        })
        .collect()
}

/// An event to be stored under a lease.
pub struct NewEvent {
    pub message: MessageId,
    pub epoch: i64,
    pub seq: i32,
    pub event: Value,
}

/// Stores events of any number of answers in one statement; returns those that were stored. The others have lost their
/// lease.
pub async fn insert(conn: &mut PgConnection, events: &[NewEvent]) -> Result<HashSet<(MessageId, i32)>, Fault> {
    let messages: Vec<Uuid> = events.iter().map(|event| event.message.into()).collect();
    let epochs: Vec<i64> = events.iter().map(|event| event.epoch).collect();
    let seqs: Vec<i32> = events.iter().map(|event| event.seq).collect();
    let values: Vec<Value> = events.iter().map(|event| event.event.clone()).collect();
    // The share lock orders this against the end of an answer (`for update`): an event is either stored before the end
    // reads them all, or not at all. Locked in the order of [`renew`]: in two orders they waited for each other, which
    // Postgres ends after a second, and all answers stood still for two.
    let stored = sqlx::query!(
        "with live as (
             select id, workspace_id, lease_epoch from messages
             where id = any($1) and state = 'streaming'
             order by id
             for share
         )
         insert into message_events (message_id, seq, workspace_id, event)
         select e.message_id, e.seq, live.workspace_id, e.event
         from unnest($1::uuid[], $2::bigint[], $3::int[], $4::jsonb[]) as e (message_id, epoch, seq, event)
         join live on live.id = e.message_id and live.lease_epoch = e.epoch
         on conflict do nothing
         returning message_id, seq",
        &messages,
        &epochs,
        &seqs,
        &values
    )
    .fetch_all(conn)
    .await?;
    Ok(stored.into_iter().map(|row| (row.message_id.into(), row.seq)).collect())
}

/// Renews the leases of the answers that are still this process's, and returns those.
pub async fn renew(conn: &mut PgConnection, leases: &[(MessageId, i64)]) -> Result<HashSet<MessageId>, Fault> {
    let messages: Vec<Uuid> = leases.iter().map(|(message, _)| (*message).into()).collect();
    let epochs: Vec<i64> = leases.iter().map(|(_, epoch)| *epoch).collect();
    let held = sqlx::query_scalar!(
        "with held as (
             select m.id from messages m
             join unnest($1::uuid[], $2::bigint[]) as l (id, epoch) on m.id = l.id and m.lease_epoch = l.epoch
             where m.state = 'streaming'
             order by m.id
             for no key update of m
         )
         update messages m set leased_until = now() + make_interval(secs => $3)
         from held
         where m.id = held.id
         returning m.id",
        &messages,
        &epochs,
        LEASE_SECONDS
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().map(Into::into).collect())
}

/// Which of these answers are still this process's.
pub async fn held(conn: &mut PgConnection, leases: &[(MessageId, i64)]) -> Result<HashSet<MessageId>, Fault> {
    let messages: Vec<Uuid> = leases.iter().map(|(message, _)| (*message).into()).collect();
    let epochs: Vec<i64> = leases.iter().map(|(_, epoch)| *epoch).collect();
    let held = sqlx::query_scalar!(
        "select m.id from messages m join unnest($1::uuid[], $2::bigint[]) as l (id, epoch)
             on m.id = l.id and m.lease_epoch = l.epoch
         where m.state = 'streaming'",
        &messages,
        &epochs
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().map(Into::into).collect())
}

/// Answers whose process is gone. They stay locked until the transaction ends; another process skips them.
pub async fn abandoned(conn: &mut PgConnection) -> Result<Vec<MessageId>, Fault> {
    let ids = sqlx::query_scalar!(
        "select id from messages where state = 'streaming' and leased_until < now()
         order by id limit 100 for update skip locked"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Stores an event of an answer that no process writes now, or whose row the caller has locked; its number.
pub async fn append(conn: &mut PgConnection, message: MessageId, event: &AnswerEvent) -> Result<i32, Fault> {
    let event = serde_json::to_value(event).map_err(Fault::while_doing("write an event"))?;
    let seq = sqlx::query_scalar!(
        "insert into message_events (message_id, seq, workspace_id, event)
         select id, (select coalesce(max(seq), 0) + 1 from message_events where message_id = $1), workspace_id, $2
         from messages where id = $1
         returning seq",
        Uuid::from(message),
        event
    )
    .fetch_one(conn)
    .await?;
    Ok(seq)
}

/// How an answer ends.
#[derive(Clone, Debug)]
pub struct End {
    pub state: MessageState,
    /// A sentence for the reader, with [`MessageState::Failed`].
    pub failure: Option<String>,
    pub content: String,
    pub citations: Vec<Citation>,
    pub prompt_tokens: Option<u32>,
    pub completion_tokens: Option<u32>,
    pub cost: Option<MicroDollars>,
    pub turns_left_out: Option<u32>,
    pub duration_ms: Option<u32>,
}

/// Stores an answer's end and replaces its events by one that says so. `None` when it has ended already, or belongs to
/// another epoch than `epoch`.
///
/// A citation is inserted only where its quote stands word for word at its span, so that what was re-ingested or deleted
/// while the answer was written drops out, together with its numeral.
pub async fn finish(
    conn: &mut PgConnection,
    message: MessageId,
    epoch: Option<i64>,
    end: End,
) -> Result<Option<(i32, Message)>, Fault> {
    let id = Uuid::from(message);
    let Some(workspace) = sqlx::query_scalar!(
        "select workspace_id from messages where id = $1 and state in ('streaming', 'waiting') and ($2::bigint is null or lease_epoch = $2)
         for update",
        id,
        epoch
    )
    .fetch_optional(&mut *conn)
    .await?
    else {
        return Ok(None);
    };
    let content = insert_citations(conn, id, workspace, end.content, end.citations).await?;
    let number = |value: Option<u32>| value.map(|value| i32::try_from(value).unwrap_or(i32::MAX));
    sqlx::query!(
        "update messages set state = $2, content = $3, failure = $4, prompt_tokens = coalesce($5, prompt_tokens),
                completion_tokens = coalesce($6, completion_tokens), duration_ms = coalesce($7, duration_ms),
                cost_micros = coalesce($8, cost_micros), turns_left_out = $9,
                progress = null, lease_epoch = lease_epoch + 1, leased_until = null
         where id = $1",
        id,
        end.state.as_str(),
        content,
        end.failure,
        number(end.prompt_tokens),
        number(end.completion_tokens),
        number(end.duration_ms),
        end.cost.map(|cost| i64::try_from(cost.0).unwrap_or(i64::MAX)),
        number(end.turns_left_out)
    )
    .execute(&mut *conn)
    .await?;
    calls::close(conn, message).await?;
    let last = sqlx::query_scalar!("select max(seq) from message_events where message_id = $1", id)
        .fetch_one(&mut *conn)
        .await?;
    let seq = last.unwrap_or(0) + 1;
    sqlx::query!("delete from message_events where message_id = $1", id).execute(&mut *conn).await?;
    sqlx::query!(
        r#"insert into message_events (message_id, seq, workspace_id, event) values ($1, $2, $3, '{"type": "finished"}')"#,
        id,
        seq,
        workspace
    )
    .execute(&mut *conn)
    .await?;
    notify(conn, &Notice::Message { message }).await?;
    Ok(Some((seq, messages::message(conn, message).await?)))
}

/// Ends an answer that this process does not write, with what its events hold.
pub async fn finish_from_events(
    conn: &mut PgConnection,
    message: MessageId,
    state: MessageState,
    failure: Option<&str>,
) -> Result<Option<(i32, Message)>, Fault> {
    // Before the events are read: none is added after this.
    sqlx::query!("select id from messages where id = $1 for update", Uuid::from(message))
        .fetch_optional(&mut *conn)
        .await?;
    let so_far = streamed(conn, message).await?;
    let end = End {
        state,
        failure: failure.map(str::to_owned),
        content: so_far.content,
        citations: so_far.citations,
        prompt_tokens: None,
        completion_tokens: None,
        cost: None,
        turns_left_out: None,
        duration_ms: None,
    };
    finish(conn, message, None, end).await
}

/// Inserts what is verified, and returns the content that goes with it.
async fn insert_citations(
    conn: &mut PgConnection,
    message: Uuid,
    workspace: Uuid,
    content: String,
    citations: Vec<Citation>,
) -> Result<String, Fault> {
    let kept = insert_verified(conn, message, workspace, &citations).await?;
    if kept.len() == citations.len() {
        return Ok(content);
    }
    sqlx::query!("delete from citations where message_id = $1", message).execute(&mut *conn).await?;
    let (content, citations) = cite::keep(&content, citations, &kept);
    insert_verified(conn, message, workspace, &citations).await?;
    Ok(content)
}

async fn insert_verified(
    conn: &mut PgConnection,
    message: Uuid,
    workspace: Uuid,
    citations: &[Citation],
) -> Result<HashSet<u32>, Fault> {
    if citations.is_empty() {
        return Ok(HashSet::new());
    }
    let int = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let numbers: Vec<i32> = citations.iter().map(|citation| int(citation.number)).collect();
    let documents: Vec<Uuid> = citations.iter().map(|citation| citation.document_id.into()).collect();
    let pages: Vec<i32> = citations.iter().map(|citation| int(citation.span.page)).collect();
    let starts: Vec<i32> = citations.iter().map(|citation| int(citation.span.start)).collect();
    let ends: Vec<i32> = citations.iter().map(|citation| int(citation.span.end)).collect();
    let quotes: Vec<String> = citations.iter().map(|citation| citation.quote.clone()).collect();
    let kept = sqlx::query_scalar!(
        "insert into citations (message_id, number, workspace_id, document_id, page, start_char, end_char, quote)
         select $1, c.number, $2, c.document_id, c.page, c.start_char, c.end_char, c.quote
         from unnest($3::int[], $4::uuid[], $5::int[], $6::int[], $7::int[], $8::text[])
             as c (number, document_id, page, start_char, end_char, quote)
         join document_pages p on p.document_id = c.document_id and p.number = c.page and p.workspace_id = $2
         where c.end_char > c.start_char and substr(p.text, c.start_char + 1, c.end_char - c.start_char) = c.quote
         returning number",
        message,
        workspace,
        &numbers,
        &documents,
        &pages,
        &starts,
        &ends,
        &quotes
    )
    .fetch_all(conn)
    .await?;
    Ok(kept.into_iter().filter_map(|number| u32::try_from(number).ok()).collect())
}
