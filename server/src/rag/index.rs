//! Embedding indexes: one for each model and its dimensions, of which one is active.

use crate::{
    ai::embed::Embedder,
    db::{Db, System},
    fault::Fault,
    jobs,
};
use sqlx::AssertSqlSafe;

/// The index that searches read and ingestion writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingIndex {
    pub id: i32,
    pub dimensions: usize,
}

impl EmbeddingIndex {
    /// The type that pgvector's HNSW can index: it takes up to 2,000 dimensions of `vector`, and 4,000 of `halfvec`.
    pub(super) fn sql_type(self) -> String {
        let name = if self.dimensions <= 2000 { "vector" } else { "halfvec" };
        format!("{name}({})", self.dimensions)
    }

    fn operators(self) -> &'static str {
        if self.dimensions <= 2000 { "vector_cosine_ops" } else { "halfvec_cosine_ops" }
    }
}

/// Makes the embedder's index the active one, with its HNSW index, and returns it. To be called at start, after the
/// migrations and [`jobs::migrate`]; safe when several servers start at once. After a change of the model, documents are
/// queued to be embedded again; until then they are found by their words.
///
/// # Errors
/// [`Fault::Database`].
pub async fn ensure_active(db: &Db, embedder: &dyn Embedder) -> Result<EmbeddingIndex, Fault> {
    let mut system = db.system().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext('atelier:embedding_indexes'))").execute(system.conn()).await?;
    let dimensions = i32::try_from(embedder.dimensions()).map_err(Fault::while_doing("read the model's dimensions"))?;
    let row = sqlx::query!(
        "select id, state from embedding_indexes where model = $1 and dimensions = $2",
        embedder.model(),
        dimensions
    )
    .fetch_optional(system.conn())
    .await?;
    let index = match row {
        Some(row) if row.state == "active" => EmbeddingIndex { id: row.id, dimensions: embedder.dimensions() },
        _ => activate(&mut system, embedder.model(), dimensions).await?,
    };
    system.commit().await?;
    Ok(index)
}

async fn activate(system: &mut System, model: &str, dimensions: i32) -> Result<EmbeddingIndex, Fault> {
    sqlx::query!("update embedding_indexes set state = 'retired' where state = 'active'")
        .execute(system.conn())
        .await?;
    let id = sqlx::query_scalar!(
        "insert into embedding_indexes (model, dimensions, state) values ($1, $2, 'active')
         on conflict (model, dimensions) do update set state = 'active' returning id",
        model,
        dimensions
    )
    .fetch_one(system.conn())
    .await?;
    let index = EmbeddingIndex { id, dimensions: usize::try_from(dimensions).unwrap_or_default() };
    // Names and types cannot be bound; all three are numbers or ours.
    let (vector, operators) = (index.sql_type(), index.operators());
    let statement = format!(
        "create index if not exists chunk_embeddings_hnsw_{id} on chunk_embeddings
         using hnsw ((embedding::{vector}) {operators}) where index_id = {id}"
    );
    sqlx::query(AssertSqlSafe(statement)).execute(system.conn()).await?;

    let outdated = sqlx::query_scalar!(
        "update documents d set state = 'embedding', chunks_done = 0, updated_at = now()
         where d.state = 'ready' and exists (
             select from chunks c where c.document_id = d.id
             and not exists (select from chunk_embeddings e where e.index_id = $1 and e.chunk_id = c.id)
         )
         returning d.id",
        id
    )
    .fetch_all(system.conn())
    .await?;
    tracing::info!(model, dimensions, documents = outdated.len(), "a new embedding index is active");
    for document in outdated {
        jobs::enqueue_ingest(system.conn(), document.into()).await?;
    }
    Ok(index)
}

/// The active index.
///
/// # Errors
/// When there is none: [`ensure_active`] was not called.
pub async fn active(db: &Db) -> Result<EmbeddingIndex, Fault> {
    let mut system = db.system().await?;
    find_active(system.conn())
        .await?
        .ok_or_else(|| Fault::while_doing("find the active embedding index")("there is none yet"))
}

/// The active index, if the server has made it yet.
pub(super) async fn find_active(conn: &mut sqlx::PgConnection) -> Result<Option<EmbeddingIndex>, Fault> {
    let row = sqlx::query!("select id, dimensions from embedding_indexes where state = 'active'")
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| EmbeddingIndex { id: row.id, dimensions: usize::try_from(row.dimensions).unwrap_or_default() }))
}
