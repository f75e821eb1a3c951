//! `atelier eval retrieval`: how well search ranks, measured on a corpus with judgements in BEIR's files.

use super::{
    index::{self, EmbeddingIndex},
    search::{Fusion, Legs, Place},
};
use crate::{
    AppState,
    db::Db,
    fault::Fault,
    jobs,
    storage::{ObjectKey, ObjectPrefix},
};
use bytes::Bytes;
use domain::{DocumentId, ProjectId, WorkspaceId};
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// What was measured; its `Display` is the table to print.
#[derive(Clone, Debug)]
pub struct Report {
    pub documents: usize,
    pub chunks: i64,
    /// With at least one relevant document.
    pub queries: usize,
    pub queries_without_relevant: usize,
    pub ingestion: Duration,
    /// Mean over the queries, both legs and their fusion, without embedding the query.
    pub search: Duration,
    pub figures: Vec<Figures>,
}

/// The measures of one way to rank, means over the queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub ranking: String,
    /// The one that the product uses.
    pub chosen: bool,
    pub ndcg_at_10: f64,
    pub recall_at_100: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} documents in {} chunks, ingested in {:.1} s",
            self.documents,
            self.chunks,
            self.ingestion.as_secs_f64()
        )?;
        writeln!(
            f,
            "{} queries, {:.1} ms each; {} more have no relevant document and are skipped\n",
            self.queries,
            self.search.as_secs_f64() * 1e3,
            self.queries_without_relevant
        )?;
        writeln!(f, "| ranking | nDCG@10 | recall@100 |\n|---|---|---|")?;
        for figures in &self.figures {
            let mark = if figures.chosen { " (in use)" } else { "" };
            writeln!(f, "| {}{mark} | {:.4} | {:.4} |", figures.ranking, figures.ndcg_at_10, figures.recall_at_100)?;
        }
        Ok(())
    }
}

/// A line of `corpus.jsonl`.
#[derive(Deserialize)]
struct CorpusLine {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

impl CorpusLine {
    /// As somebody would write it down.
    fn text(&self) -> String {
        if self.title.is_empty() { self.text.clone() } else { format!("# {}\n\n{}", self.title, self.text) }
    }
}

/// A line of `queries.jsonl`.
#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

/// The folder's three files.
struct Collection {
    corpus: Vec<CorpusLine>,
    queries: Vec<QueryLine>,
    /// Query to its relevant documents: those judged with a score above 0.
    relevant: HashMap<String, HashSet<String>>,
}

/// Indexes `folder`'s `corpus.jsonl` through the product's own ingestion, in a workspace that nobody is a member of and
/// that is removed afterwards, and runs `queries.jsonl` against `qrels.tsv`. The state's migrations must have run; no
/// worker need run.
///
/// # Errors
/// When the files cannot be read, or the ingestion or the search fails.
pub async fn run(state: &AppState, folder: &Path) -> Result<Report, Fault> {
    let collection = Collection::read(folder)?;
    let scratch = Scratch::make(state).await?;
    let measured = measure(state, &scratch, &collection).await;
    let removed = scratch.remove(state).await;
    let report = measured?;
    removed?;
    Ok(report)
}

async fn measure(state: &AppState, scratch: &Scratch, collection: &Collection) -> Result<Report, Fault> {
    let started = Instant::now();
    let worker = jobs::start_worker(state.clone()).await?;
    let ingested = ingest(state, scratch, &collection.corpus).await;
    worker.stop().await;
    let ids = ingested?;
    let ingestion = started.elapsed();
    let index = index::active(&state.db).await?;
    let (owners, chunks) = scratch.chunk_owners(&state.db, &ids).await?;

    let (judged, others): (Vec<&QueryLine>, Vec<&QueryLine>) = collection
        .queries
        .iter()
        .partition(|query| collection.relevant.get(&query.id).is_some_and(|relevant| !relevant.is_empty()));
    let vectors = state.embedder.embed(judged.iter().map(|query| query.text.clone()).collect()).await?;
    let searching = Instant::now();
    let mut scores = [Score::default(); Ranking::ALL.len()];
    for (query, vector) in judged.iter().zip(vectors) {
        let legs = scratch.search(&state.db, &index, vector, &query.text).await?;
        for (ranking, score) in Ranking::ALL.iter().zip(&mut scores) {
            score.add(&documents(&ranking.chunks(&legs), &owners), &collection.relevant[&query.id]);
        }
    }
    let figures = Ranking::ALL.iter().zip(scores).map(|(ranking, score)| score.figures(ranking, judged.len()));
    Ok(Report {
        documents: ids.len(),
        chunks,
        queries: judged.len(),
        queries_without_relevant: others.len(),
        ingestion,
        search: searching.elapsed() / u32::try_from(judged.len().max(1)).unwrap_or(1),
        figures: figures.collect(),
    })
}

/// A way to rank.
enum Ranking {
    ByWords,
    ByMeaning,
    Fused(Fusion),
}

impl Ranking {
    const ALL: [Self; 9] = [
        Self::ByWords,
        Self::ByMeaning,
        Self::Fused(Fusion::ReciprocalRank),
        Self::Fused(Fusion::StandardScore),
        Self::Fused(Fusion::MinMax),
        Self::Fused(Fusion::Convex(0.3)),
        Self::Fused(Fusion::Convex(0.5)),
        Self::Fused(Fusion::Convex(0.7)),
        Self::Fused(Fusion::Best),
    ];

    fn name(&self) -> String {
        match self {
            Self::ByWords => "BM25 alone".to_owned(),
            Self::ByMeaning => "vectors alone".to_owned(),
            Self::Fused(Fusion::ReciprocalRank) => "reciprocal rank fusion".to_owned(),
            Self::Fused(Fusion::StandardScore) => "standard score fusion".to_owned(),
            Self::Fused(Fusion::MinMax) => "min-max score fusion".to_owned(),
            Self::Fused(Fusion::Convex(meaning)) => format!("convex, {meaning} on the vectors"),
            Self::Fused(Fusion::Best) => "the better of the scaled scores".to_owned(),
        }
    }

    fn chunks(&self, legs: &Legs) -> Vec<Uuid> {
        match self {
            Self::ByWords => legs.by_words.iter().map(|(chunk, _)| *chunk).collect(),
            Self::ByMeaning => legs.by_meaning.iter().map(|(chunk, _)| *chunk).collect(),
            Self::Fused(fusion) => legs.fuse(*fusion).iter().map(|ranked| ranked.chunk).collect(),
        }
    }
}

/// Each document at the place of its best chunk.
fn documents<'a>(chunks: &[Uuid], owners: &'a HashMap<Uuid, String>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    chunks
        .iter()
        .filter_map(|chunk| owners.get(chunk))
        .map(String::as_str)
        .filter(|document| seen.insert(*document))
        .collect()
}

/// Sums over the queries.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    ndcg: f64,
    recall: f64,
}

impl Score {
    /// Binary relevance, as in trec_eval: gain 1, discount log2(rank + 1).
    fn add(&mut self, ranking: &[&str], relevant: &HashSet<String>) {
        let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let gain: f64 = ranking
            .iter()
            .take(10)
            .enumerate()
            .filter(|(_, id)| relevant.contains(**id))
            .map(|(rank, _)| discount(rank))
            .sum();
        let ideal: f64 = (0..relevant.len().min(10)).map(discount).sum();
        self.ndcg += gain / ideal;
        self.recall +=
            ranking.iter().take(100).filter(|id| relevant.contains(**id)).count() as f64 / relevant.len() as f64;
    }

    fn figures(self, ranking: &Ranking, queries: usize) -> Figures {
        let queries = queries.max(1) as f64;
        let chosen = matches!(ranking, Ranking::Fused(fusion) if *fusion == Fusion::CHOSEN);
        Figures {
            ranking: ranking.name(),
            chosen,
            ndcg_at_10: self.ndcg / queries,
            recall_at_100: self.recall / queries,
        }
    }
}

/// Stores each line as a Markdown document and waits until all are ready. Returns the corpus id of each document.
async fn ingest(
    state: &AppState,
    scratch: &Scratch,
    corpus: &[CorpusLine],
) -> Result<HashMap<DocumentId, String>, Fault> {
    let mut ids = HashMap::with_capacity(corpus.len());
    for line in corpus {
        let document = DocumentId::from(Uuid::now_v7());
        scratch.upload(state, document, line).await?;
        ids.insert(document, line.id.clone());
    }
    let mut told = Instant::now();
    loop {
        let (working, failure) = scratch.progress(&state.db).await?;
        if let Some(failure) = failure {
            return Err(Fault::while_doing("ingest the corpus")(failure));
        }
        if working == 0 {
            return Ok(ids);
        }
        if told.elapsed() > Duration::from_secs(10) {
            tracing::info!(done = corpus.len() as i64 - working, of = corpus.len(), "documents ingested");
            told = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

const SCRATCH_NAME: &str = "Retrieval evaluation";

/// A workspace without members: nobody can see it.
struct Scratch {
    workspace: WorkspaceId,
    project: ProjectId,
}

impl Scratch {
    /// Removes what an evaluation that was interrupted has left.
    async fn make(state: &AppState) -> Result<Self, Fault> {
        let mut system = state.db.system().await?;
        let left = sqlx::query_scalar!(
            "select w.id from workspaces w where w.name = $1 and not exists (select from members m where m.workspace_id = w.id)",
            SCRATCH_NAME
        )
        .fetch_all(system.conn())
        .await?;
        drop(system);
        for workspace in left {
            Self { workspace: workspace.into(), project: Uuid::nil().into() }.remove(state).await?;
        }
        let (workspace, project) = (Uuid::now_v7(), Uuid::now_v7());
        let mut system = state.db.system().await?;
        sqlx::query!("insert into workspaces (id, name) values ($1, $2)", workspace, SCRATCH_NAME)
            .execute(system.conn())
            .await?;
        sqlx::query!("insert into projects (id, workspace_id, name) values ($1, $2, 'Corpus')", project, workspace)
            .execute(system.conn())
            .await?;
        system.commit().await?;
        Ok(Self { workspace: workspace.into(), project: project.into() })
    }

    async fn remove(&self, state: &AppState) -> Result<(), Fault> {
        let mut system = state.db.system().await?;
        sqlx::query!("delete from workspaces where id = $1", Uuid::from(self.workspace)).execute(system.conn()).await?;
        system.commit().await?;
        state.store.delete_prefix(ObjectPrefix::Workspace(self.workspace)).await?;
        Ok(())
    }

    async fn upload(&self, state: &AppState, document: DocumentId, line: &CorpusLine) -> Result<(), Fault> {
        let key = ObjectKey::Document { workspace: self.workspace, document };
        let stream = futures::stream::iter([Ok(Bytes::from(line.text()))]);
        let stored = state.store.put_stream(key, "text/markdown", stream, u64::MAX).await?;
        let mut system = state.db.system().await?;
        sqlx::query!(
            "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key)
             values ($1, $2, $3, $4, 'text/markdown', $5, $6, $7)",
            Uuid::from(document),
            Uuid::from(self.workspace),
            Uuid::from(self.project),
            format!("{}.md", line.id),
            i64::try_from(stored.size).unwrap_or(i64::MAX),
            stored.sha256.as_slice(),
            key.to_string()
        )
        .execute(system.conn())
        .await?;
        jobs::enqueue_ingest(system.conn(), document).await?;
        system.commit().await
    }

    /// Documents that are not ready yet, and the reason of one that failed.
    async fn progress(&self, db: &Db) -> Result<(i64, Option<String>), Fault> {
        let mut system = db.system().await?;
        let row = sqlx::query!(
            r#"select count(*) filter (where state <> 'ready') as "working!", min(failure) as failure from documents where project_id = $1"#,
            Uuid::from(self.project)
        )
        .fetch_one(system.conn())
        .await?;
        Ok((row.working, row.failure))
    }

    /// The corpus id of each chunk's document, and the number of chunks.
    async fn chunk_owners(
        &self,
        db: &Db,
        ids: &HashMap<DocumentId, String>,
    ) -> Result<(HashMap<Uuid, String>, i64), Fault> {
        let mut system = db.system().await?;
        let rows = sqlx::query!("select id, document_id from chunks where project_id = $1", Uuid::from(self.project))
            .fetch_all(system.conn())
            .await?;
        let chunks = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let owner = |document: Uuid| ids.get(&DocumentId::from(document)).cloned();
        Ok((rows.into_iter().filter_map(|row| Some((row.id, owner(row.document_id)?))).collect(), chunks))
    }

    async fn search(&self, db: &Db, index: &EmbeddingIndex, vector: Vec<f32>, query: &str) -> Result<Legs, Fault> {
        let mut system = db.system().await?;
        let place = Place::project(self.project.into());
        let legs = Legs::run(system.conn(), &place, Some((index.clone(), vector)), query).await?;
        system.commit().await?;
        Ok(legs)
    }
}

impl Collection {
    fn read(folder: &Path) -> Result<Self, Fault> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path)
                .map_err(|error| Fault::while_doing("read the collection")(format!("{}: {error}", path.display())))
        };
        let mut relevant: HashMap<String, HashSet<String>> = HashMap::new();
        for line in read("qrels.tsv")?.lines().skip(1) {
            let mut columns = line.split('\t').map(str::trim);
            if let (Some(query), Some(document), Some(score)) = (columns.next(), columns.next(), columns.next())
                && score.parse::<f64>().is_ok_and(|score| score > 0.0)
            {
                relevant.entry(query.to_owned()).or_default().insert(document.to_owned());
            }
        }
        let mut corpus: Vec<CorpusLine> = lines(&read("corpus.jsonl")?)?;
        // cranfield has two without a word, which nobody could upload.
        corpus.retain(|line| !line.text().trim().is_empty());
        Ok(Self { corpus, queries: lines(&read("queries.jsonl")?)?, relevant })
    }
}

fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<T>, Fault> {
    let parsed = text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().map_err(Fault::while_doing("read the collection"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn relevant(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn ndcg_and_recall_are_those_of_the_textbook() {
        let mut perfect = Score::default();
        perfect.add(&["a", "b", "c"], &relevant(&["a", "b"]));
        assert!((perfect.ndcg - 1.0).abs() < 1e-12 && (perfect.recall - 1.0).abs() < 1e-12);

        // The second of two relevant documents at place 3: (1/log2(2) + 1/log2(4)) / (1/log2(2) + 1/log2(3)).
        let mut middling = Score::default();
        middling.add(&["a", "x", "b"], &relevant(&["a", "b"]));
        assert!((middling.ndcg - 1.5 / (1.0 + 1.0 / 3.0_f64.log2())).abs() < 1e-12);

        let mut none = Score::default();
        none.add(&["x", "y"], &relevant(&["a"]));
        assert_eq!((none.ndcg, none.recall), (0.0, 0.0));
    }

    #[test]
    fn a_document_stands_at_its_best_chunk() {
        let chunk = Uuid::from_u128;
        let owners = [(1, "a"), (2, "b"), (3, "a")].map(|(id, owner)| (chunk(id), owner.to_owned())).into();
        assert_eq!(documents(&[chunk(3), chunk(2), chunk(1), chunk(9)], &owners), ["a", "b"]);
    }
}
