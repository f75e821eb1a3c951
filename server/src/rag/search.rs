//! Hybrid search in the documents of one project: by meaning (vectors) and by words (BM25), fused.

mod fuse;
mod lexical;
mod vector;

pub(super) use fuse::{Fusion, Ranked};

use super::index::{self, EmbeddingIndex};
use crate::{fault::Fault, session::UserSession};
use domain::{
    ProjectId,
    documents::{Passage, Span},
    workspaces::Role,
};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Candidates from each leg. What is below is not in the first ten of any sensible fusion.
const CANDIDATES: u32 = 200;
/// More than any caller may ask for.
const MAX_LIMIT: u32 = 50;
/// Words of a query that are searched for: a question of 8,000 characters is not one of 1,000 words.
const MAX_QUERY_CHARS: usize = 2000;

/// The passages that match `query` best, the best first, at most `limit` (at most 50).
///
/// # Errors
/// `NotFound` without membership; [`Fault::Model`] when the query cannot be embedded.
pub async fn search_project(
    session: &UserSession,
    project: ProjectId,
    query: &str,
    limit: u32,
) -> Result<Vec<Passage>, Fault> {
    let mut scope = session.scope().await?;
    let access = scope.project(project, Role::Viewer).await?;
    let index = index::find_active(scope.conn()).await?;
    // No connection is held while the model works.
    drop(scope);
    let query: String = query.chars().filter(|c| *c != '\0').take(MAX_QUERY_CHARS).collect();
    if query.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vector = session.state.embedder.embed(vec![query.clone()]).await?.into_iter().next();

    let mut scope = session.scope().await?;
    let legs = Legs::run(scope.conn(), access.id(), index.zip(vector), &query).await?;
    let ranked = legs.fuse(Fusion::CHOSEN);
    let passages = passages(scope.conn(), access.id(), &ranked, limit.min(MAX_LIMIT) as usize).await?;
    scope.commit().await?;
    Ok(passages)
}

/// What each way of searching found, the best first.
#[derive(Clone, Debug, Default)]
pub(super) struct Legs {
    /// Cosine similarity.
    pub by_meaning: Vec<(Uuid, f32)>,
    /// BM25.
    pub by_words: Vec<(Uuid, f32)>,
}

impl Legs {
    /// In a project that the caller has authorised.
    pub(super) async fn run(
        conn: &mut PgConnection,
        project: ProjectId,
        vector: Option<(EmbeddingIndex, Vec<f32>)>,
        query: &str,
    ) -> Result<Self, Fault> {
        Ok(Self {
            by_meaning: match vector {
                Some((index, vector)) => vector::nearest(conn, project, index, vector.into(), CANDIDATES).await?,
                None => Vec::new(),
            },
            by_words: lexical::bm25(conn, project, query, CANDIDATES).await?,
        })
    }

    pub(super) fn fuse(&self, fusion: Fusion) -> Vec<Ranked> {
        fuse::fuse(&self.by_meaning, &self.by_words, fusion)
    }
}

/// The passages behind the ranking. Of passages with the same words only the best is kept: the same file may have been
/// uploaded twice.
async fn passages(
    conn: &mut PgConnection,
    project: ProjectId,
    ranked: &[Ranked],
    limit: usize,
) -> Result<Vec<Passage>, Fault> {
    // Some are dropped as duplicates.
    let wanted: Vec<Uuid> = ranked.iter().take(limit * 2 + 10).map(|ranked| ranked.chunk).collect();
    let rows = sqlx::query!(
        "select c.id, c.document_id, d.name, c.page, c.start_char, c.end_char, c.text
         from chunks c join documents d on d.id = c.document_id
         where c.id = any($1) and c.project_id = $2",
        &wanted,
        Uuid::from(project)
    )
    .fetch_all(conn)
    .await?;
    let mut rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut seen = HashSet::new();
    let found = ranked.iter().filter_map(|ranked| rows.remove(&ranked.chunk).map(|row| (ranked, row)));
    let passages = found.filter(|(_, row)| seen.insert(words(&row.text))).take(limit).map(|(ranked, row)| Passage {
        chunk_id: row.id.into(),
        document_id: row.document_id.into(),
        document_name: row.name,
        span: Span { page: position(row.page), start: position(row.start_char), end: position(row.end_char) },
        text: row.text,
        score: ranked.score,
        similarity: ranked.similarity,
        bm25: ranked.bm25,
    });
    Ok(passages.collect())
}

/// A passage's words, however they are written and spaced.
fn words(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}

fn position(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
