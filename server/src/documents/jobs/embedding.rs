//! From chunks to embeddings: what the indexes lack, batch by batch, each stored with the progress before the next begins.

use super::{Interruption, PROGRESS_INTERVAL, integer, scope};
use crate::{
    AppState,
    ai::embed::Embedder,
    db::JobScope,
    events,
    fault::Fault,
    jobs::lease::ClaimedDocument,
    metrics::recorded::{self, ChunkSource},
    rag::{
        chunk,
        index::{self, EmbeddingIndex},
    },
};
use pgvector::Vector;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};
use uuid::Uuid;

/// Chunks that are embedded between two writes of the progress: about a second on two cores.
const BATCH: usize = 24;
/// Chunks that are compared with what is embedded already at once.
const WINDOW: usize = 480;

/// Embeds what the indexes lack. Returns them and the number of chunks.
pub(super) async fn embed(state: &AppState, claimed: &ClaimedDocument) -> Result<(Indexes, usize), Interruption> {
    let mut indexes = Indexes::find(state).await?;
    let Work { title, missing, total } = Work::find(state, claimed, &indexes.ids()).await?;
    let mut progress = Progress { total, left: missing.len(), told: Instant::now() };
    for window in missing.chunks(WINDOW) {
        let mut rest = reuse(state, claimed, &indexes, window, &mut progress).await?;
        while !rest.is_empty() {
            let (first, same) = first_of_each(state, &rest).await?;
            for batch in first.chunks(BATCH) {
                let texts =
                    chunk_texts(state, batch).await?.iter().map(|text| chunk::searchable(&title, text)).collect();
                let embedded = indexes.embed(texts).await?;
                let mut scope = scope(state, claimed).await?;
                for (index, vectors) in embedded {
                    store(&mut scope, index, batch, vectors).await?;
                }
                progress.advance(&mut scope, batch.len()).await?;
                scope.commit().await?;
                recorded::chunks(ChunkSource::Model, batch.len());
            }
            rest = if same.is_empty() { same } else { reuse(state, claimed, &indexes, &same, &mut progress).await? };
        }
    }
    Ok((indexes, total))
}

/// The indexes that this ingestion writes: the active one and one that is being built. An index whose model cannot be had
/// on this server is left to the servers that can: what it lacks is found before it becomes active.
pub(super) struct Indexes(Vec<(EmbeddingIndex, index::State, Arc<dyn Embedder>)>);

impl Indexes {
    async fn find(state: &AppState) -> Result<Self, Interruption> {
        let mut system = state.db.system().await?;
        let in_use = index::in_use(system.conn()).await?;
        let with_model = in_use.into_iter().filter_map(|(index, its_state)| {
            let embedder = state.embedders.of(&index)?;
            Some((index, its_state, embedder))
        });
        Ok(Self(with_model.collect()))
    }

    fn ids(&self) -> Vec<i32> {
        self.0.iter().map(|(index, ..)| index.id).collect()
    }

    /// The vectors of the texts for each index. One that is being built and whose model is away is left out from here on:
    /// its building fetches what is missing, when the model is back.
    async fn embed(&mut self, texts: Vec<String>) -> Result<Vec<(i32, Vec<Vector>)>, Interruption> {
        let mut embedded = Vec::with_capacity(self.0.len());
        let mut away = Vec::new();
        for (index, its_state, embedder) in &self.0 {
            match embedder.embed(texts.clone()).await {
                Ok(vectors) => embedded.push((index.id, vectors.into_iter().map(Vector::from).collect())),
                Err(fault) if *its_state == index::State::Building => {
                    tracing::warn!(%fault, model = index.model, "an index that is being built misses some passages");
                    away.push(index.id);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        self.0.retain(|(index, ..)| !away.contains(&index.id));
        Ok(embedded)
    }

    /// Whether no other index has become active since. One that is only being built looks for what is ready by itself.
    pub(super) async fn are_still_in_use(&self, state: &AppState, scope: &mut JobScope<'_>) -> Result<bool, Fault> {
        let active = index::find_active(scope.conn()).await?;
        Ok(active.is_none_or(|active| self.ids().contains(&active.id) || state.embedders.of(&active).is_none()))
    }
}

/// How many chunks are embedded, for whoever watches.
struct Progress {
    total: usize,
    left: usize,
    told: Instant,
}

impl Progress {
    async fn advance(&mut self, scope: &mut JobScope<'_>, embedded: usize) -> Result<(), Fault> {
        self.left = self.left.saturating_sub(embedded);
        let claimed = scope.claimed().clone();
        // What a crash of the database takes back is embedded again.
        sqlx::query!("set local synchronous_commit = off").execute(scope.conn()).await?;
        sqlx::query!(
            "update documents set chunks_done = $2, updated_at = now() where id = $1",
            Uuid::from(claimed.id()),
            integer(self.total - self.left)
        )
        .execute(scope.conn())
        .await?;
        if self.told.elapsed() >= PROGRESS_INTERVAL {
            events::notify(scope.conn(), &claimed.notice()).await?;
            self.told = Instant::now();
        }
        Ok(())
    }
}

/// What is left to embed.
struct Work {
    /// As the chunks were stored with it.
    title: String,
    /// Chunks that one of the indexes lacks, in their order.
    missing: Vec<Uuid>,
    /// All chunks of the document.
    total: usize,
}

impl Work {
    async fn find(state: &AppState, claimed: &ClaimedDocument, indexes: &[i32]) -> Result<Self, Interruption> {
        let document = Uuid::from(claimed.id());
        // Only reads, so it need not hold the lease.
        let mut system = state.db.system().await?;
        let beginning = sqlx::query_scalar!(
            r#"select left(text, 2000) as "text!" from document_pages where document_id = $1 and number = 1"#,
            document
        )
        .fetch_optional(system.conn())
        .await?;
        let missing = sqlx::query_scalar!(
            "select c.id from chunks c
             where c.document_id = $1
               and exists (
                   select from unnest($2::int[]) as wanted (index_id)
                   where not exists (
                       select from chunk_embeddings e where e.index_id = wanted.index_id and e.chunk_id = c.id
                   )
               )
             order by c.ordinal",
            document,
            indexes
        )
        .fetch_all(system.conn())
        .await?;
        let total = sqlx::query_scalar!(r#"select count(*) as "count!" from chunks where document_id = $1"#, document)
            .fetch_one(system.conn())
            .await?;
        let title = chunk::title(&claimed.name, &beginning.unwrap_or_default());
        Ok(Self { title, missing, total: usize::try_from(total).unwrap_or_default() })
    }
}

/// Gives chunks the embeddings that the same text already has in an index, and returns those that still lack one.
///
/// Only of the same workspace. Whoever could see that a text costs no time would learn that somebody else has it; and
/// what one tenant's rows hold must not outlive them in another's.
async fn reuse(
    state: &AppState,
    claimed: &ClaimedDocument,
    indexes: &Indexes,
    ids: &[Uuid],
    progress: &mut Progress,
) -> Result<Vec<Uuid>, Interruption> {
    let indexes = indexes.ids();
    let mut scope = scope(state, claimed).await?;
    let reused = sqlx::query!(
        "insert into chunk_embeddings (index_id, chunk_id, workspace_id, project_id, document_id, embedding)
         select wanted.index_id, c.id, c.workspace_id, c.project_id, c.document_id, known.embedding
         from unnest($1::int[]) as wanted (index_id)
         cross join chunks c
         cross join lateral (
             select e.embedding
             from chunks o join chunk_embeddings e on e.index_id = wanted.index_id and e.chunk_id = o.id
             where o.workspace_id = c.workspace_id and o.text_hash = c.text_hash and o.id <> c.id
             limit 1
         ) known
         where c.id = any($2) and c.document_id = $3 and c.workspace_id = $4
         on conflict do nothing",
        &indexes,
        ids,
        Uuid::from(claimed.id()),
        Uuid::from(claimed.workspace())
    )
    .execute(scope.conn())
    .await?;
    if reused.rows_affected() == 0 {
        return Ok(ids.to_vec());
    }
    let lacking: HashSet<Uuid> = sqlx::query_scalar!(
        r#"select c.id as "id!" from unnest($2::uuid[]) as c (id)
           where exists (
               select from unnest($1::int[]) as wanted (index_id)
               where not exists (
                   select from chunk_embeddings e where e.index_id = wanted.index_id and e.chunk_id = c.id
               )
           )"#,
        &indexes,
        ids
    )
    .fetch_all(scope.conn())
    .await?
    .into_iter()
    .collect();
    progress.advance(&mut scope, ids.len() - lacking.len()).await?;
    scope.commit().await?;
    recorded::chunks(ChunkSource::Reused, ids.len() - lacking.len());
    Ok(ids.iter().copied().filter(|id| lacking.contains(id)).collect())
}

/// Of chunks with the same text the first, and the others apart.
async fn first_of_each(state: &AppState, ids: &[Uuid]) -> Result<(Vec<Uuid>, Vec<Uuid>), Interruption> {
    let mut system = state.db.system().await?;
    let hashes: HashMap<Uuid, Option<Vec<u8>>> =
        sqlx::query!("select id, text_hash from chunks where id = any($1)", ids)
            .fetch_all(system.conn())
            .await?
            .into_iter()
            .map(|row| (row.id, row.text_hash))
            .collect();
    let mut seen = HashSet::new();
    Ok(ids.iter().copied().partition(|id| match hashes.get(id) {
        Some(Some(hash)) => seen.insert(hash),
        _ => true,
    }))
}

/// The texts of chunks, in the order of their ids' list.
async fn chunk_texts(state: &AppState, ids: &[Uuid]) -> Result<Vec<String>, Interruption> {
    let mut system = state.db.system().await?;
    let texts = sqlx::query_scalar!(
        "select c.text from unnest($1::uuid[]) with ordinality as wanted (id, place) join chunks c on c.id = wanted.id order by place",
        ids
    )
    .fetch_all(system.conn())
    .await?;
    // Fewer when the document is deleted or replaced meanwhile.
    if texts.len() == ids.len() { Ok(texts) } else { Err(Interruption::LeaseLost) }
}

async fn store(scope: &mut JobScope<'_>, index: i32, ids: &[Uuid], vectors: Vec<Vector>) -> Result<(), Fault> {
    let document = Uuid::from(scope.claimed().id());
    // Not checked at compile time: the macros do not know pgvector's type.
    sqlx::query(
        "insert into chunk_embeddings (index_id, chunk_id, workspace_id, project_id, document_id, embedding)
         select $1, c.id, c.workspace_id, c.project_id, c.document_id, new.embedding
         from unnest($2::uuid[], $3::vector[]) as new (id, embedding)
         join chunks c on c.id = new.id
         where c.document_id = $4
         on conflict do nothing",
    )
    .bind(index)
    .bind(ids)
    .bind(vectors)
    .bind(document)
    .execute(scope.conn())
    .await?;
    Ok(())
}
