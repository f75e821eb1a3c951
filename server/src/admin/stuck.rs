//! What does not go on by itself. A running worker finds leases that ran out and jobs that were lost, so that what is old here
//! says that none runs, or that it cannot.

use super::{Done, minute, refuse};
use crate::{
    db::{Db, System},
    documents::repo,
    events::{self, Notice},
    fault::Fault,
    jobs,
};
use domain::DocumentId;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// Of each kind, the newest.
const MOST: i64 = 200;

struct Stuck {
    kind: &'static str,
    id: String,
    since: OffsetDateTime,
    why: String,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, id, since, why } = self;
        // One line each, whatever an error looks like.
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{kind:<12} {id:<36}  since {}  {why}", minute(*since))
    }
}

pub(super) async fn list(db: &Db) -> Result<Done, Fault> {
    let mut system = db.system().await?;
    let mut stuck = documents(&mut system).await?;
    stuck.extend(answers(&mut system).await?);
    stuck.extend(others(&mut system).await?);
    stuck.extend(exhausted(&mut system).await?);
    if stuck.is_empty() {
        return Ok(Done::well("Nothing is stuck."));
    }
    let mut lines: Vec<String> = stuck.iter().map(ToString::to_string).collect();
    lines.push(
        "`atelier admin requeue ID` tries a document or a job again, `atelier admin requeue --all` all that failed."
            .into(),
    );
    Ok(Done { lines, well: false })
}

async fn documents(system: &mut System) -> Result<Vec<Stuck>, Fault> {
    let rows = sqlx::query!(
        r#"select id, name, state, failure, updated_at as "updated_at: OffsetDateTime",
               leased_until as "leased_until: OffsetDateTime"
           from documents
           where trashed_at is null and (
               state = 'failed'
               or state in ('queued', 'extracting', 'embedding') and (
                   leased_until < now() - interval '1 minute'
                   or leased_until is null and updated_at < now() - interval '10 minutes'))
           order by updated_at desc limit $1"#,
        MOST
    )
    .fetch_all(system.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let why = match (row.state.as_str(), row.leased_until) {
                ("failed", _) => row.failure.unwrap_or_else(|| "failed".to_owned()),
                (state, Some(_)) => format!("{state}: its worker has gone, and no other takes it up"),
                (state, None) => format!("{state}: no worker takes it up"),
            };
            let since = row.leased_until.unwrap_or(row.updated_at);
            Stuck { kind: "document", id: row.id.to_string(), since, why: format!("{}: {why}", row.name) }
        })
        .collect())
}

/// Any running server ends an answer whose process is gone.
async fn answers(system: &mut System) -> Result<Vec<Stuck>, Fault> {
    let rows = sqlx::query!(
        r#"select id, leased_until as "since!: OffsetDateTime" from messages
           where state = 'streaming' and leased_until < now() - interval '1 minute'
           order by leased_until desc limit $1"#,
        MOST
    )
    .fetch_all(system.conn())
    .await?;
    let why = "its process has gone, and no server ends it";
    Ok(rows
        .into_iter()
        .map(|row| Stuck { kind: "answer", id: row.id.to_string(), since: row.since, why: why.to_owned() })
        .collect())
}

/// What workers try again for as long as it takes.
async fn others(system: &mut System) -> Result<Vec<Stuck>, Fault> {
    let rows = sqlx::query!(
        r#"select 'search index' as "kind!", id::text as "id!", changed_at as "since!: OffsetDateTime", failure as "why!"
           from embedding_indexes where state = 'building' and failure is not null
           union all
           select 'written text', document_id::text, changed_at, 'its last change is not found by searches yet'
           from written_documents where read_revision < revision and changed_at < now() - interval '10 minutes'
           union all
           select 'publication', document_id::text, withdrawn_at, 'it was withdrawn, and its copy is still in the bucket'
           from publications where withdrawn_at < now() - interval '30 minutes'
           order by 3 desc limit $1"#,
        MOST
    )
    .fetch_all(system.conn())
    .await?;
    let kind = |kind: &str| match kind {
        "search index" => "search index",
        "written text" => "written text",
        _ => "publication",
    };
    Ok(rows
        .into_iter()
        .map(|row| Stuck { kind: kind(&row.kind), id: row.id, since: row.since, why: row.why })
        .collect())
}

/// Jobs that the queue delivers no more. Not checked at compile time, like all of the queue's.
async fn exhausted(system: &mut System) -> Result<Vec<Stuck>, Fault> {
    let rows: Vec<(i64, String, Option<String>, OffsetDateTime)> = sqlx::query_as(
        "select id, task_identifier, last_error, updated_at from graphile_worker.jobs
         where attempts >= max_attempts order by updated_at desc limit $1",
    )
    .bind(MOST)
    .fetch_all(system.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, task, error, since)| {
            let why = format!("{task}: {}", error.as_deref().unwrap_or("no attempts left"));
            Stuck { kind: "job", id: id.to_string(), since, why }
        })
        .collect())
}

pub(super) async fn requeue(db: &Db, id: &str) -> Result<Done, Fault> {
    let mut system = db.system().await?;
    let requeued = if let Ok(document) = id.parse::<Uuid>() {
        requeue_documents(&mut system, Some(document.into())).await?
    } else if let Ok(job) = id.parse::<i64>() {
        requeue_jobs(&mut system, Some(job)).await?
    } else {
        return refuse(format!("{id} is neither a document's id nor a job's. `atelier admin stuck` lists both."));
    };
    if requeued == 0 {
        return refuse(format!("There is no failed document or job {id}. `atelier admin stuck` lists what there is."));
    }
    system.commit().await?;
    tracing::info!(target: "audit", task = "requeue", id, "something that was stuck was queued again");
    Ok(Done::well(format!("{id} is queued, and a worker takes it up.")))
}

pub(super) async fn requeue_all(db: &Db) -> Result<Done, Fault> {
    let mut system = db.system().await?;
    let jobs = requeue_jobs(&mut system, None).await?;
    let documents = requeue_documents(&mut system, None).await?;
    system.commit().await?;
    tracing::info!(target: "audit", task = "requeue", documents, jobs, "all that was stuck was queued again");
    Ok(Done::well(format!("{documents} documents and {jobs} jobs are queued, and workers take them up.")))
}

async fn requeue_documents(system: &mut System, only: Option<DocumentId>) -> Result<usize, Fault> {
    let requeued = repo::requeue_failed(system.conn(), only).await?;
    for &(document, project) in &requeued {
        jobs::enqueue_ingest(system.conn(), document).await?;
        events::notify(system.conn(), &Notice::Document { project, document }).await?;
    }
    Ok(requeued.len())
}

async fn requeue_jobs(system: &mut System, only: Option<i64>) -> Result<usize, Fault> {
    let requeued = sqlx::query_scalar::<_, i64>(
        "select count(*) from graphile_worker.reschedule_jobs(
             (select coalesce(array_agg(id), '{}') from graphile_worker.jobs
              where attempts >= max_attempts and ($1::bigint is null or id = $1)),
             run_at => now(), attempts => 0)",
    )
    .bind(only)
    .fetch_one(system.conn())
    .await?;
    Ok(usize::try_from(requeued).unwrap_or_default())
}
