//! Embedding indexes: one for each model and its dimensions. Searches read the active one. A server that is configured
//! with another model has that model's index built beside it ([`build`]), and swaps the two when nothing is missing.

pub mod build;
#[cfg(test)]
mod tests;

use crate::{
    ai::embed::{Embedders, Source},
    db::{Db, System},
    fault::Fault,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;

/// A server says so often that it runs with its model; one that has not said so for this long is gone.
const WANTED_FOR: Duration = Duration::from_secs(120);

/// A version of the embedding index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingIndex {
    pub id: i32,
    pub model: String,
    pub dimensions: usize,
    /// None for an index that an older release has made.
    pub source: Option<Source>,
}

impl EmbeddingIndex {
    /// The type that pgvector's HNSW can index: it takes up to 2,000 dimensions of `vector`, and 4,000 of `halfvec`.
    pub(super) fn sql_type(&self) -> String {
        let name = if self.dimensions <= 2000 { "vector" } else { "halfvec" };
        format!("{name}({})", self.dimensions)
    }

    fn operators(&self) -> &'static str {
        if self.dimensions <= 2000 { "vector_cosine_ops" } else { "halfvec_cosine_ops" }
    }

    fn hnsw_name(&self) -> String {
        hnsw_name(self.id)
    }

    /// Names and types cannot be bound; all of them are numbers or ours.
    fn create_hnsw(&self, concurrently: &str) -> AssertSqlSafe<String> {
        let (id, name, vector, operators) = (self.id, self.hnsw_name(), self.sql_type(), self.operators());
        AssertSqlSafe(format!(
            "create index {concurrently} if not exists {name} on chunk_embeddings
             using hnsw ((embedding::{vector}) {operators}) where index_id = {id}"
        ))
    }
}

fn hnsw_name(id: i32) -> String {
    format!("chunk_embeddings_hnsw_{id}")
}

/// Forgets all versions with their vectors and graphs, for a restore that brings others.
pub(crate) async fn forget_all(conn: &mut PgConnection) -> Result<(), Fault> {
    lock(conn, Lock::Change).await?;
    let ids = sqlx::query_scalar!("delete from embedding_indexes returning id").fetch_all(&mut *conn).await?;
    for id in ids {
        let drop = AssertSqlSafe(format!("drop index if exists {}", hnsw_name(id)));
        sqlx::query(drop).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Makes the graph of the active version, which no backup has.
pub(crate) async fn restore_graph(db: &Db) -> Result<(), Fault> {
    let mut system = db.system().await?;
    let active = find_active(system.conn()).await?;
    drop(system);
    if let Some(index) = active {
        build::rebuild_graph(db, &index).await?;
    }
    Ok(())
}

/// Sees to it that the configured model's index is active or becomes so, and returns the active one. To be called at
/// start, after the migrations and [`jobs::migrate`](crate::jobs::migrate), and by each worker's sweep; safe when several
/// servers do so at once.
///
/// The first index of all is active at once. Later ones are built by [`build::work`]; the old one answers meanwhile. Of
/// two servers with different models the one that starts later has its way, but a server of an earlier deployment that
/// starts again does not take back what a running one has switched.
///
/// # Errors
/// [`Fault::Database`].
pub async fn ensure_active(db: &Db, embedders: &Embedders) -> Result<EmbeddingIndex, Fault> {
    let mut system = db.system().await?;
    lock(system.conn(), Lock::Change).await?;
    let configured = embedders.configured();
    let dimensions =
        i32::try_from(configured.dimensions()).map_err(Fault::while_doing("read the model's dimensions"))?;
    let source = serde_json::to_value(embedders.source()).map_err(Fault::while_doing("write the model's source"))?;
    let own = sqlx::query!(
        "insert into embedding_indexes (model, dimensions, state, source) values ($1, $2, 'building', $3)
         on conflict (model, dimensions) do update set source = excluded.source, wanted_at = now()
         returning id, state",
        configured.model(),
        dimensions,
        source
    )
    .fetch_one(system.conn())
    .await?;
    let active = match find_active(system.conn()).await? {
        None => activate_first(&mut system, own.id).await?,
        Some(active) => {
            if own.state == "retired" && !is_wanted(system.conn(), active.id).await? {
                set_building(system.conn(), own.id).await?;
            }
            active
        }
    };
    system.commit().await?;
    Ok(active)
}

/// There is nothing to embed again: what a database holds before its first index is embedded with it.
async fn activate_first(system: &mut System, id: i32) -> Result<EmbeddingIndex, Fault> {
    sqlx::query!("update embedding_indexes set state = 'active', changed_at = now() where id = $1", id)
        .execute(system.conn())
        .await?;
    let index = find_active(system.conn()).await?.ok_or_else(none_yet)?;
    sqlx::query(index.create_hnsw("")).execute(system.conn()).await?;
    tracing::info!(model = index.model, dimensions = index.dimensions, "the embedding index is active");
    Ok(index)
}

async fn set_building(conn: &mut PgConnection, id: i32) -> Result<(), Fault> {
    sqlx::query!(
        "update embedding_indexes
         set state = 'building', changed_at = now(), cursor = null, failure = null, leased_until = null,
             lease_epoch = lease_epoch + 1
         where id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn is_wanted(conn: &mut PgConnection, id: i32) -> Result<bool, Fault> {
    let wanted = sqlx::query_scalar!(
        r#"select wanted_at > now() - make_interval(secs => $2) as "wanted!" from embedding_indexes where id = $1"#,
        id,
        WANTED_FOR.as_secs_f64()
    )
    .fetch_one(conn)
    .await?;
    Ok(wanted)
}

/// Who holds the indexes' states still until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// Nobody else reads or changes them.
    Change,
    /// Nobody changes them.
    Read,
}

pub(crate) async fn lock(conn: &mut PgConnection, lock: Lock) -> Result<(), Fault> {
    match lock {
        Lock::Change => {
            sqlx::query!("select pg_advisory_xact_lock(hashtext('atelier:embedding_indexes'))").execute(conn).await?
        }
        Lock::Read => {
            sqlx::query!("select pg_advisory_xact_lock_shared(hashtext('atelier:embedding_indexes'))")
                .execute(conn)
                .await?
        }
    };
    Ok(())
}

/// The active index.
///
/// # Errors
/// When there is none: [`ensure_active`] was not called.
pub async fn active(db: &Db) -> Result<EmbeddingIndex, Fault> {
    let mut system = db.system().await?;
    find_active(system.conn()).await?.ok_or_else(none_yet)
}

fn none_yet() -> Fault {
    Fault::while_doing("find the active embedding index")("there is none yet")
}

/// The active index, if the server has made it yet.
pub(crate) async fn find_active(conn: &mut PgConnection) -> Result<Option<EmbeddingIndex>, Fault> {
    Ok(in_use(conn).await?.into_iter().find(|(_, state)| *state == State::Active).map(|(index, _)| index))
}

/// What an index that is not retired is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    Building,
}

/// The active index and those that are being built, in this order: ingestion writes to all of them.
pub async fn in_use(conn: &mut PgConnection) -> Result<Vec<(EmbeddingIndex, State)>, Fault> {
    let rows = sqlx::query!(
        r#"select id, model, dimensions, source, state = 'active' as "active!" from embedding_indexes
           where state <> 'retired' order by 5 desc, id desc"#
    )
    .fetch_all(conn)
    .await?;
    let of = |row_active: bool| if row_active { State::Active } else { State::Building };
    Ok(rows.into_iter().map(|row| (index(row.id, row.model, row.dimensions, row.source), of(row.active))).collect())
}

fn index(id: i32, model: String, dimensions: i32, source: Option<Value>) -> EmbeddingIndex {
    EmbeddingIndex {
        id,
        model,
        dimensions: usize::try_from(dimensions).unwrap_or_default(),
        // Another release may know sources that this one does not.
        source: source.and_then(|source| serde_json::from_value(source).ok()),
    }
}

/// What searches read, in a few words for `/readyz` and the log: the model, and the one that is being built with its
/// progress.
///
/// # Errors
/// [`Fault::Database`].
pub async fn describe(db: &Db) -> Result<Option<String>, Fault> {
    let mut system = db.system().await?;
    let rows = sqlx::query!(
        "select model, state, chunks_done, chunks_total, failure is not null as failed from embedding_indexes
         where state <> 'retired' order by state, id"
    )
    .fetch_all(system.conn())
    .await?;
    let words = rows.into_iter().map(|row| match row.state.as_str() {
        "active" => row.model,
        _ => {
            let percent = 100 * row.chunks_done.min(row.chunks_total) / row.chunks_total.max(1);
            let trouble = if row.failed == Some(true) { ", held up: see the log" } else { "" };
            format!("building {} ({percent} %{trouble})", row.model)
        }
    });
    let words = words.collect::<Vec<_>>().join(", ");
    Ok((!words.is_empty()).then_some(words))
}

/// How many of a project's chunks are in an index, and how many there are; for a project that the caller has authorised.
pub(crate) async fn progress_in(conn: &mut PgConnection, project: uuid::Uuid, index: i32) -> Result<(u32, u32), Fault> {
    let row = sqlx::query!(
        r#"select (select count(*) from chunk_embeddings where project_id = $1 and index_id = $2) as "done!",
                  (select count(*) from chunks where project_id = $1) as "total!""#,
        project,
        index
    )
    .fetch_one(conn)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok((count(row.done.min(row.total)), count(row.total)))
}
