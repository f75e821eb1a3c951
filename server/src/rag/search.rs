//! Hybrid search: by meaning (vectors) and by words (BM25), fused; then passages as people read them.

mod fuse;
mod lexical;
mod matches;
mod passages;
mod place;
#[cfg(test)]
mod tests;
pub(crate) mod vector;

pub(super) use fuse::{Fusion, Ranked};
pub(crate) use place::{Documents, Place};

use super::index::{self, EmbeddingIndex};
use crate::{db::Scope, fault::Fault, session::UserSession};
use domain::{
    FolderId,
    documents::Passage,
    search::{Search, Within},
    workspaces::Role,
};
use pgvector::Vector;
use sqlx::PgConnection;
use uuid::Uuid;

/// Candidates from each leg. What is below is not in the first ten of any sensible fusion.
const CANDIDATES: u32 = 200;
/// More than any caller may ask for.
const MAX_LIMIT: u32 = 50;
/// Words of a query that are searched for: a question of 8,000 characters is not one of 1,000 words.
const MAX_QUERY_CHARS: usize = 2000;
/// Passages that a reranker reads, at least: it cannot raise what it is not shown.
const RERANKED: usize = 30;

/// The passages that match best, the best first.
///
/// # Errors
/// `NotFound` without membership; [`Fault::Model`] when the query cannot be embedded.
pub async fn search(session: &UserSession, search: &Search) -> Result<Vec<Passage>, Fault> {
    let mut scope = session.scope().await?;
    let place = authorise(&mut scope, search).await?;
    let ready = prepare(scope.conn(), place).await?;
    // No connection is held while the model works.
    drop(scope);
    in_place(session, ready, &search.query, search.limit).await
}

/// A place that the caller has authorised, with the indexes that can answer.
pub(crate) struct Ready {
    place: Place,
    in_use: Vec<(EmbeddingIndex, index::State)>,
}

/// Makes an authorised place ready for [`in_place`].
pub(crate) async fn prepare(conn: &mut PgConnection, place: Place) -> Result<Ready, Fault> {
    Ok(Ready { place, in_use: index::in_use(conn).await? })
}

/// As [`search`], in a place that is authorised already.
///
/// # Errors
/// [`Fault::Model`] when the query cannot be embedded.
pub(crate) async fn in_place(
    session: &UserSession,
    Ready { place, in_use }: Ready,
    query: &str,
    limit: u32,
) -> Result<Vec<Passage>, Fault> {
    let query: String = query.chars().filter(|c| *c != '\0').take(MAX_QUERY_CHARS).collect();
    if query.trim().is_empty() {
        return Ok(Vec::new());
    }
    // The active index's model may be one that this server cannot have: then words, and what is built of its own index.
    let readable =
        in_use.into_iter().find_map(|(index, _)| session.state.embedders.of(&index).map(|model| (index, model)));
    let vector = match readable {
        Some((index, model)) => {
            model.embed(vec![query.clone()]).await?.into_iter().next().map(|vector| (index, vector))
        }
        None => None,
    };

    let limit = limit.clamp(1, MAX_LIMIT) as usize;
    let reranker = session.state.reranker.as_deref();
    let wanted = if reranker.is_some() { limit.max(RERANKED) } else { limit };
    let mut scope = session.scope().await?;
    let legs = Legs::run(scope.conn(), &place, vector, &query).await?;
    let ranked = legs.fuse(Fusion::CHOSEN);
    let mut passages = passages::read(scope.conn(), &place, &ranked, wanted).await?;
    matches::mark(scope.conn(), &query, &mut passages).await?;
    scope.commit().await?;
    if let Some(reranker) = reranker {
        rerank(reranker, &query, &mut passages).await;
        passages.truncate(limit);
    }
    Ok(passages)
}

/// The place of the search, if the user may see it. A folder becomes the documents in it and in those below it.
async fn authorise(scope: &mut Scope, search: &Search) -> Result<Place, Fault> {
    let mut place = match search.within {
        Within::Workspace(id) => Place::workspace(scope.workspace(id, Role::Viewer).await?.id().into()),
        Within::Project(id) => Place::project(scope.project(id, Role::Viewer).await?.id().into()),
    };
    if !search.documents.is_empty() {
        place.documents = Documents::Only(search.documents.iter().copied().map(Uuid::from).collect());
    }
    if let Some(folder) = search.folder {
        let mut inside = documents_in(scope.conn(), folder).await?;
        if let Documents::Only(chosen) = place.documents {
            inside.retain(|document| chosen.contains(document));
        }
        place.documents = Documents::Only(inside);
    }
    Ok(place)
}

/// The ids are compared with rows of the authorised place, so that a folder of another tenant finds nothing.
async fn documents_in(conn: &mut PgConnection, folder: FolderId) -> Result<Vec<Uuid>, Fault> {
    let documents = sqlx::query_scalar!(
        "with recursive inside as (
             select id from folders where id = $1
             union
             select f.id from folders f join inside on f.parent_id = inside.id
         )
         select d.id from documents d join inside on d.folder_id = inside.id",
        Uuid::from(folder)
    )
    .fetch_all(conn)
    .await?;
    Ok(documents)
}

/// Puts the passages in the reranker's order. Without its answer they stay as they are: search goes on.
async fn rerank(reranker: &dyn crate::ai::rerank::Reranker, query: &str, passages: &mut [Passage]) {
    let texts = passages.iter().map(|passage| passage.text.clone()).collect();
    match reranker.rerank(query, texts).await {
        Ok(scores) => {
            for (passage, score) in passages.iter_mut().zip(scores) {
                passage.relevance = Some(score);
            }
            passages.sort_by(|a, b| b.relevance.unwrap_or(f32::MIN).total_cmp(&a.relevance.unwrap_or(f32::MIN)));
        }
        Err(fault) => tracing::warn!(%fault, "the reranker did not answer; the passages keep their order"),
    }
}

/// Both legs and their fusion, for measurements.
pub(crate) async fn search_both(
    conn: &mut PgConnection,
    place: &Place,
    vector: (EmbeddingIndex, Vec<f32>),
    query: &str,
) -> Result<usize, Fault> {
    Ok(Legs::run(conn, place, Some(vector), query).await?.fuse(Fusion::CHOSEN).len())
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
    pub(super) async fn run(
        conn: &mut PgConnection,
        place: &Place,
        vector: Option<(EmbeddingIndex, Vec<f32>)>,
        query: &str,
    ) -> Result<Self, Fault> {
        Ok(Self {
            by_meaning: match vector {
                Some((index, vector)) => {
                    vector::nearest(conn, place, &index, &Vector::from(vector), CANDIDATES).await?
                }
                None => Vec::new(),
            },
            by_words: lexical::bm25(conn, place, query, CANDIDATES).await?,
        })
    }

    pub(super) fn fuse(&self, fusion: Fusion) -> Vec<Ranked> {
        fuse::fuse(&self.by_meaning, &self.by_words, fusion)
    }
}
