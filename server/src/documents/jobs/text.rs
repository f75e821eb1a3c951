//! From the stored file to pages and chunks, in batches: neither the file nor its text is ever held whole. A run that
//! breaks off reads the file again, which is cheap; chunks that come out the same keep their ids and their embeddings.

use super::{Interruption, PROGRESS_INTERVAL, integer, scope};
use crate::{
    AppState,
    ai::vision,
    db::JobScope,
    events,
    fault::Fault,
    jobs::lease::ClaimedDocument,
    rag::{
        chunk::{self, Chunk},
        extract::{ExtractError, Reading},
    },
};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::{fs::File, io::Seek, time::Instant};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Text that is stored in one transaction.
const BATCH_BYTES: usize = 1024 * 1024;
const BATCH_PAGES: usize = 200;
/// Rows in one statement.
const INSERT_BATCH: usize = 500;

/// What is kept of a chunk's SHA-256: enough that two texts of a workspace never meet by chance.
const HASH_BYTES: usize = 16;

/// Reads a document's text and stores it.
pub(super) async fn read(state: &AppState, claimed: &ClaimedDocument) -> Result<(), Interruption> {
    let file = download(state, claimed).await?;
    let mut text = Text { state, claimed, title: None, pages: 0, chunks: 0, told: Instant::now() };
    if claimed.media_type.starts_with("image/") {
        // Without a model that sees, a picture is a document without text; it is stored and can be opened.
        let seen = vision::describe(state.config.vision.as_ref(), file, &claimed.media_type).await?;
        text.append(seen.into_iter().filter(|page| !page.trim().is_empty()).collect()).await?;
        return text.end().await;
    }
    let mut reading = Reading::start(file, &claimed.media_type).map_err(failed)?;
    let mut batch = Vec::new();
    let mut bytes = 0;
    loop {
        let page = match reading.next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            // Nothing is written in it yet, or nothing but marks.
            Err(ExtractError::NoText) if claimed.written => break,
            Err(error) => return Err(failed(error)),
        };
        bytes += page.len();
        batch.push(page);
        if bytes >= BATCH_BYTES || batch.len() >= BATCH_PAGES {
            bytes = 0;
            text.append(std::mem::take(&mut batch)).await?;
        }
    }
    text.append(batch).await?;
    text.end().await
}

fn failed(error: ExtractError) -> Interruption {
    match error {
        // Of the machine, not of the file: it may pass.
        ExtractError::Io(reason) => Interruption::Fault(Fault::while_doing("read a file")(reason)),
        error => Interruption::Failed(error.to_string()),
    }
}

/// The file as an open one without a name, so that nothing can be left of it.
async fn download(state: &AppState, claimed: &ClaimedDocument) -> Result<File, Interruption> {
    let object = match state.store.get(claimed.file(), None).await {
        Ok(object) => object,
        Err(Fault::Refused(domain::Error::NotFound)) => {
            return Err(Interruption::Failed("The file is missing from the file store. Upload it again.".to_owned()));
        }
        Err(fault) => return Err(fault.into()),
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile()?);
    let mut stream = object.stream;
    while let Some(bytes) = stream.try_next().await.map_err(|error| Fault::Store(error.into()))? {
        file.write_all(&bytes).await?;
    }
    file.flush().await?;
    let mut file = file.into_std().await;
    file.rewind()?;
    Ok(file)
}

/// A document's text as it is stored.
struct Text<'a> {
    state: &'a AppState,
    claimed: &'a ClaimedDocument,
    title: Option<String>,
    pages: usize,
    chunks: usize,
    told: Instant,
}

/// A chunk with what it is found by.
struct Prepared {
    chunk: Chunk,
    searchable: String,
    hash: Vec<u8>,
}

impl Text<'_> {
    /// Stores the next pages and their chunks in the place of those of an earlier run.
    async fn append(&mut self, pages: Vec<String>) -> Result<(), Interruption> {
        if pages.is_empty() {
            return Ok(());
        }
        let title = self.title.get_or_insert_with(|| chunk::title(&self.claimed.name, &pages[0])).clone();
        let first = self.pages + 1;
        let (pages, chunks) = tokio::task::spawn_blocking(move || {
            let chunks = prepare(&pages, first, &title);
            (pages, chunks)
        })
        .await
        .map_err(Fault::while_doing("cut a document"))?;

        let mut scope = scope(self.state, self.claimed).await?;
        store_pages(&mut scope, first, &pages).await?;
        replace_chunks(&mut scope, self.chunks, &chunks).await?;
        self.pages += pages.len();
        self.chunks += chunks.len();
        sqlx::query!(
            "update documents set page_count = $2, updated_at = now() where id = $1",
            Uuid::from(self.claimed.id()),
            integer(self.pages)
        )
        .execute(scope.conn())
        .await?;
        if self.told.elapsed() >= PROGRESS_INTERVAL {
            events::notify(scope.conn(), &self.claimed.notice()).await?;
            self.told = Instant::now();
        }
        scope.commit().await?;
        Ok(())
    }

    /// Removes what an earlier run had more, and goes on to the next step.
    async fn end(self) -> Result<(), Interruption> {
        let mut scope = scope(self.state, self.claimed).await?;
        let document = Uuid::from(self.claimed.id());
        let (pages, chunks) = (integer(self.pages), integer(self.chunks));
        sqlx::query!("delete from document_pages where document_id = $1 and number > $2", document, pages)
            .execute(scope.conn())
            .await?;
        sqlx::query!("delete from chunks where document_id = $1 and ordinal >= $2", document, chunks)
            .execute(scope.conn())
            .await?;
        sqlx::query!(
            "update documents set state = 'embedding', page_count = $2, chunks_done = 0, chunks_total = $3, updated_at = now() where id = $1",
            document,
            pages,
            chunks
        )
        .execute(scope.conn())
        .await?;
        events::notify(scope.conn(), &self.claimed.notice()).await?;
        scope.commit().await?;
        Ok(())
    }
}

fn prepare(pages: &[String], first: usize, title: &str) -> Vec<Prepared> {
    // A document has 5,000 pages at most.
    let numbers = u32::try_from(first).unwrap_or(u32::MAX)..;
    let prepared = |chunk: Chunk| {
        let searchable = chunk::searchable(title, &chunk.text);
        let hash = Sha256::digest(searchable.as_bytes())[..HASH_BYTES].to_vec();
        Prepared { chunk, searchable, hash }
    };
    numbers.zip(pages).flat_map(|(number, text)| chunk::of_page(number, text)).map(prepared).collect()
}

async fn store_pages(scope: &mut JobScope<'_>, first: usize, pages: &[String]) -> Result<(), Fault> {
    let document = Uuid::from(scope.claimed().id());
    let workspace = Uuid::from(scope.claimed().workspace());
    let numbers: Vec<i32> = (first..).take(pages.len()).map(integer).collect();
    sqlx::query!(
        "insert into document_pages (document_id, workspace_id, number, text)
         select $1, $2, * from unnest($3::int[], $4::text[])
         on conflict (document_id, number) do update set text = excluded.text",
        document,
        workspace,
        &numbers,
        pages
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// Puts the chunks in their places from `first` on. A chunk that is the same as before keeps its id and its embeddings.
async fn replace_chunks(scope: &mut JobScope<'_>, first: usize, chunks: &[Prepared]) -> Result<(), Fault> {
    let document = Uuid::from(scope.claimed().id());
    let known = sqlx::query!(
        "select id, ordinal, page, start_char, end_char, text_hash from chunks
         where document_id = $1 and ordinal >= $2 and ordinal < $3",
        document,
        integer(first),
        integer(first + chunks.len())
    )
    .fetch_all(scope.conn())
    .await?;
    let mut kept = vec![false; chunks.len()];
    let mut outdated = Vec::new();
    for row in known {
        let place = usize::try_from(row.ordinal).ok().and_then(|ordinal| ordinal.checked_sub(first));
        let same = place.and_then(|place| chunks.get(place)).is_some_and(|Prepared { chunk, hash, .. }| {
            (integer(chunk.page), integer(chunk.start), integer(chunk.end)) == (row.page, row.start_char, row.end_char)
                && row.text_hash.as_ref() == Some(hash)
        });
        match place.and_then(|place| kept.get_mut(place)) {
            Some(kept) if same => *kept = true,
            _ => outdated.push(row.id),
        }
    }
    sqlx::query!("delete from chunks where id = any($1)", &outdated).execute(scope.conn()).await?;
    let new: Vec<(usize, &Prepared)> = (first..).zip(chunks).filter(|(ordinal, _)| !kept[*ordinal - first]).collect();
    for batch in new.chunks(INSERT_BATCH) {
        insert_chunks(scope, batch).await?;
    }
    Ok(())
}

async fn insert_chunks(scope: &mut JobScope<'_>, batch: &[(usize, &Prepared)]) -> Result<(), Fault> {
    let claimed = scope.claimed();
    let document = Uuid::from(claimed.id());
    let workspace = Uuid::from(claimed.workspace());
    // What is to replace another document belongs to no project until it does: no search must find both.
    let project = claimed.replaces().is_none().then(|| Uuid::from(claimed.project()));
    let ids: Vec<Uuid> = batch.iter().map(|_| Uuid::now_v7()).collect();
    let ordinals: Vec<i32> = batch.iter().map(|(ordinal, _)| integer(*ordinal)).collect();
    let pages: Vec<i32> = batch.iter().map(|(_, new)| integer(new.chunk.page)).collect();
    let starts: Vec<i32> = batch.iter().map(|(_, new)| integer(new.chunk.start)).collect();
    let ends: Vec<i32> = batch.iter().map(|(_, new)| integer(new.chunk.end)).collect();
    let texts: Vec<String> = batch.iter().map(|(_, new)| new.chunk.text.clone()).collect();
    let searchable: Vec<String> = batch.iter().map(|(_, new)| new.searchable.clone()).collect();
    let hashes: Vec<Vec<u8>> = batch.iter().map(|(_, new)| new.hash.clone()).collect();
    sqlx::query!(
        "insert into chunks (id, workspace_id, project_id, document_id, ordinal, page, start_char, end_char, text, tsv, lexeme_count, text_hash)
         select new.id, $1, $2, $3, new.ordinal, new.page, new.start_char, new.end_char, new.text, v.tsv,
             (select coalesce(sum(cardinality(l.positions)), 0) from unnest(v.tsv) l), new.text_hash
         from unnest($4::uuid[], $5::int[], $6::int[], $7::int[], $8::int[], $9::text[], $10::text[], $11::bytea[])
             as new (id, ordinal, page, start_char, end_char, text, searchable, text_hash),
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
        &searchable,
        &hashes
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}
