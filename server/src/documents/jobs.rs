//! Ingestion: a stored file becomes pages, chunks and embeddings. Each step is stored before the next begins, so that a
//! run that breaks off is taken up where it was; every write holds the lease ([`Db::job`](crate::db::Db::job)).

use crate::{
    AppState,
    db::JobScope,
    events,
    fault::Fault,
    jobs::lease::ClaimedDocument,
    rag::{
        chunk::{self, Chunk},
        extract,
        index::{self, EmbeddingIndex},
    },
    storage::ObjectKey,
};
use futures::TryStreamExt;
use pgvector::Vector;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Chunks that are embedded between two writes of the progress: about a second on two cores.
const EMBED_BATCH: usize = 24;
/// Rows in one statement.
const INSERT_BATCH: usize = 500;
/// People who watch are told at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How an ingestion ended that did not fail for a reason that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Ready, or failed for a reason that is the file's own and is stored with it.
    Done,
    /// Somebody else has the document now; nothing more was written.
    LeaseLost,
    /// The worker stops; the document is to be given back.
    Stopped,
}

/// Why a step ends the ingestion early.
enum Interruption {
    LeaseLost,
    /// A sentence for the owner.
    Failed(String),
    /// May pass: try again later.
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Brings a claimed document as far as it goes.
///
/// # Errors
/// When something that it needs is away; what is stored by then is used by the next run.
pub async fn ingest(state: &AppState, claimed: &ClaimedDocument) -> Result<Ended, Fault> {
    let started = Instant::now();
    match read_and_embed(state, claimed).await {
        Ok(chunks) => {
            tracing::info!(document = %claimed.id(), chunks, milliseconds = started.elapsed().as_millis(), "document is ready");
            Ok(Ended::Done)
        }
        Err(Interruption::LeaseLost) => Ok(Ended::LeaseLost),
        Err(Interruption::Failed(reason)) => {
            tracing::info!(document = %claimed.id(), reason, "document cannot be read");
            fail(state, claimed, &reason).await
        }
        Err(Interruption::Fault(fault)) => Err(fault),
    }
}

/// Sets the document failed after the last try.
///
/// # Errors
/// [`Fault::Database`]; then the sweep finds the document again.
pub async fn give_up(state: &AppState, claimed: &ClaimedDocument, fault: Fault) -> Result<(), Fault> {
    tracing::error!(document = %claimed.id(), error = ?fault, "the last try to ingest a document failed");
    let told = domain::Error::from(fault);
    fail(state, claimed, &format!("{told} Reading this file was tried several times; use Retry when it works again."))
        .await?;
    Ok(())
}

async fn read_and_embed(state: &AppState, claimed: &ClaimedDocument) -> Result<usize, Interruption> {
    if !claimed.extracted {
        let folder = TemporaryFolder::make(claimed).await?;
        let file = folder.0.join("file");
        download(state, claimed, &file).await?;
        let pages = extract::extract(file, &claimed.media_type)
            .await
            .map_err(|error| Interruption::Failed(error.to_string()))?;
        let (pages, chunks) = tokio::task::spawn_blocking(move || {
            let chunks = chunk::chunks(&pages);
            (pages, chunks)
        })
        .await
        .map_err(Fault::while_doing("cut a document"))?;
        store_text(state, claimed, &pages, &chunks).await?;
    }
    let index = index::active(&state.db).await?;
    embed(state, claimed, index).await
}

/// Removed with what is in it when it is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    async fn make(claimed: &ClaimedDocument) -> Result<Self, Fault> {
        let path = std::env::temp_dir().join(format!("atelier-{}-{}", claimed.id(), Uuid::new_v4().simple()));
        let mut builder = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(&path).await?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a temporary folder could not be removed");
        }
    }
}

async fn download(state: &AppState, claimed: &ClaimedDocument, to: &Path) -> Result<(), Interruption> {
    let key = ObjectKey::Document { workspace: claimed.workspace(), document: claimed.id() };
    let object = match state.store.get(key, None).await {
        Ok(object) => object,
        Err(Fault::Refused(domain::Error::NotFound)) => {
            return Err(Interruption::Failed("The file is missing from the file store. Upload it again.".to_owned()));
        }
        Err(fault) => return Err(fault.into()),
    };
    let mut file = tokio::fs::File::create(to).await?;
    let mut stream = object.stream;
    while let Some(bytes) = stream.try_next().await.map_err(|error| Fault::Store(error.into()))? {
        file.write_all(&bytes).await?;
    }
    file.flush().await?;
    Ok(())
}

async fn scope<'a>(state: &AppState, claimed: &'a ClaimedDocument) -> Result<JobScope<'a>, Interruption> {
    state.db.job(claimed).await?.ok_or(Interruption::LeaseLost)
}

/// Replaces the document's text. A chunk that is the same as before keeps its id and its embeddings.
async fn store_text(
    state: &AppState,
    claimed: &ClaimedDocument,
    pages: &[String],
    chunks: &[Chunk],
) -> Result<(), Interruption> {
    let mut scope = scope(state, claimed).await?;
    let document = Uuid::from(claimed.id());
    let workspace = Uuid::from(claimed.workspace());
    sqlx::query!("delete from document_pages where document_id = $1", document).execute(scope.conn()).await?;
    let numbers: Vec<i32> = (1..).take(pages.len()).collect();
    for (numbers, pages) in numbers.chunks(INSERT_BATCH).zip(pages.chunks(INSERT_BATCH)) {
        sqlx::query!(
            "insert into document_pages (document_id, workspace_id, number, text) select $1, $2, * from unnest($3::int[], $4::text[])",
            document,
            workspace,
            numbers,
            pages
        )
        .execute(scope.conn())
        .await?;
    }
    let title = chunk::title(&claimed.name, pages.first().map_or("", String::as_str));
    replace_chunks(&mut scope, &title, chunks).await?;
    sqlx::query!(
        "update documents set state = 'embedding', page_count = $2, chunks_done = 0, chunks_total = $3, updated_at = now() where id = $1",
        document,
        integer(pages.len()),
        integer(chunks.len())
    )
    .execute(scope.conn())
    .await?;
    events::notify(scope.conn(), &claimed.notice()).await?;
    scope.commit().await?;
    Ok(())
}

async fn replace_chunks(scope: &mut JobScope<'_>, title: &str, chunks: &[Chunk]) -> Result<(), Fault> {
    let document = Uuid::from(scope.claimed().id());
    let workspace = Uuid::from(scope.claimed().workspace());
    let project = Uuid::from(scope.claimed().project());
    let known = sqlx::query!(
        "select id, ordinal, page, start_char, end_char, text from chunks where document_id = $1",
        document
    )
    .fetch_all(scope.conn())
    .await?;
    let mut kept = vec![false; chunks.len()];
    let mut outdated = Vec::new();
    for row in known {
        let ordinal = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        let same = chunks.get(ordinal).is_some_and(|chunk| {
            (integer(chunk.page), integer(chunk.start), integer(chunk.end)) == (row.page, row.start_char, row.end_char)
                && chunk.text == row.text
        });
        match kept.get_mut(ordinal) {
            Some(kept) if same => *kept = true,
            _ => outdated.push(row.id),
        }
    }
    sqlx::query!("delete from chunks where id = any($1)", &outdated).execute(scope.conn()).await?;

    let new: Vec<(usize, &Chunk)> = chunks.iter().enumerate().filter(|(ordinal, _)| !kept[*ordinal]).collect();
    for batch in new.chunks(INSERT_BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|_| Uuid::now_v7()).collect();
        let ordinals: Vec<i32> = batch.iter().map(|(ordinal, _)| integer(*ordinal)).collect();
        let pages: Vec<i32> = batch.iter().map(|(_, chunk)| integer(chunk.page)).collect();
        let starts: Vec<i32> = batch.iter().map(|(_, chunk)| integer(chunk.start)).collect();
        let ends: Vec<i32> = batch.iter().map(|(_, chunk)| integer(chunk.end)).collect();
        let texts: Vec<String> = batch.iter().map(|(_, chunk)| chunk.text.clone()).collect();
        let searchable: Vec<String> = batch.iter().map(|(_, chunk)| chunk::searchable(title, &chunk.text)).collect();
        sqlx::query!(
            "insert into chunks (id, workspace_id, project_id, document_id, ordinal, page, start_char, end_char, text, tsv, lexeme_count)
             select new.id, $1, $2, $3, new.ordinal, new.page, new.start_char, new.end_char, new.text, v.tsv,
                 (select coalesce(sum(cardinality(l.positions)), 0) from unnest(v.tsv) l)
             from unnest($4::uuid[], $5::int[], $6::int[], $7::int[], $8::int[], $9::text[], $10::text[])
                 as new (id, ordinal, page, start_char, end_char, text, searchable),
                 -- `offset 0` keeps the planner from computing it once for each use.
                 lateral (select to_tsvector('english', new.searchable) as tsv offset 0) v",
            workspace,
            project,
            document,
            &ids,
            &ordinals,
            &pages,
            &starts,
            &ends,
            &texts,
            &searchable
        )
        .execute(scope.conn())
        .await?;
    }
    Ok(())
}

/// Embeds what the index lacks, batch by batch, each stored with the progress before the next begins; the last one with
/// the end. Returns the number of chunks.
async fn embed(state: &AppState, claimed: &ClaimedDocument, index: EmbeddingIndex) -> Result<usize, Interruption> {
    let mut told = Instant::now();
    let Work { title, mut missing, total } = Work::find(state, claimed, index).await?;
    while !missing.is_empty() {
        let rest = missing.split_off(missing.len().min(EMBED_BATCH));
        let batch = std::mem::replace(&mut missing, rest);
        let texts = chunk_texts(state, &batch).await?.iter().map(|text| chunk::searchable(&title, text)).collect();
        let vectors: Vec<Vector> = state.embedder.embed(texts).await?.into_iter().map(Vector::from).collect();

        let mut scope = scope(state, claimed).await?;
        store_embeddings(&mut scope, index, &batch, vectors).await?;
        if missing.is_empty() {
            finish(&mut scope).await?;
        } else {
            // What a crash of the database takes back is embedded again.
            sqlx::query("set local synchronous_commit = off").execute(scope.conn()).await?;
            let done = integer(total - missing.len());
            sqlx::query!(
                "update documents set chunks_done = $2, updated_at = now() where id = $1",
                Uuid::from(claimed.id()),
                done
            )
            .execute(scope.conn())
            .await?;
            if told.elapsed() >= PROGRESS_INTERVAL {
                events::notify(scope.conn(), &claimed.notice()).await?;
                told = Instant::now();
            }
        }
        scope.commit().await?;
        if missing.is_empty() {
            return Ok(total);
        }
    }
    let mut scope = scope(state, claimed).await?;
    finish(&mut scope).await?;
    scope.commit().await?;
    Ok(total)
}

/// What is left to embed.
struct Work {
    /// As [`store_text`] has it.
    title: String,
    /// Chunks that the index lacks, in their order.
    missing: Vec<Uuid>,
    /// All chunks of the document.
    total: usize,
}

impl Work {
    async fn find(state: &AppState, claimed: &ClaimedDocument, index: EmbeddingIndex) -> Result<Self, Interruption> {
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
               and not exists (select from chunk_embeddings e where e.index_id = $2 and e.chunk_id = c.id)
             order by c.ordinal",
            document,
            index.id
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

async fn store_embeddings(
    scope: &mut JobScope<'_>,
    index: EmbeddingIndex,
    ids: &[Uuid],
    vectors: Vec<Vector>,
) -> Result<(), Fault> {
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
    .bind(index.id)
    .bind(ids)
    .bind(vectors)
    .bind(document)
    .execute(scope.conn())
    .await?;
    Ok(())
}

async fn finish(scope: &mut JobScope<'_>) -> Result<(), Fault> {
    let claimed = scope.claimed().clone();
    sqlx::query!(
        "update documents
         set state = 'ready', chunks_done = chunks_total, failure = null, crashes = 0, leased_until = null, updated_at = now()
         where id = $1",
        Uuid::from(claimed.id())
    )
    .execute(scope.conn())
    .await?;
    touch_project(scope).await?;
    events::notify(scope.conn(), &claimed.notice()).await
}

/// Stores the reason and keeps nothing of the text.
async fn fail(state: &AppState, claimed: &ClaimedDocument, reason: &str) -> Result<Ended, Fault> {
    let Some(mut scope) = state.db.job(claimed).await? else { return Ok(Ended::LeaseLost) };
    let document = Uuid::from(claimed.id());
    sqlx::query!("delete from document_pages where document_id = $1", document).execute(scope.conn()).await?;
    sqlx::query!("delete from chunks where document_id = $1", document).execute(scope.conn()).await?;
    sqlx::query!(
        "update documents
         set state = 'failed', failure = $2, page_count = null, chunks_done = 0, chunks_total = 0, leased_until = null, updated_at = now()
         where id = $1",
        document,
        reason
    )
    .execute(scope.conn())
    .await?;
    touch_project(&mut scope).await?;
    events::notify(scope.conn(), &claimed.notice()).await?;
    scope.commit().await?;
    Ok(Ended::Done)
}

async fn touch_project(scope: &mut JobScope<'_>) -> Result<(), Fault> {
    let project = Uuid::from(scope.claimed().project());
    sqlx::query!("update projects set updated_at = now() where id = $1", project).execute(scope.conn()).await?;
    Ok(())
}

/// For counts that the limits of [`extract::Limits`] keep far below the type's.
fn integer(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
