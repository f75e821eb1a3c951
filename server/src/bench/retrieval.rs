//! Vector search among 100,000 chunks in 50 workspaces, filtered to one of them: how many of the ten that an exact search
//! finds, and how long it takes; then both ways of searching at several sizes, by which `EXACT_LIMIT` was chosen.

use super::{Measure, measure_of, quantile};
use crate::{
    AppState,
    db::Db,
    fault::Fault,
    rag::{
        index::{self, EmbeddingIndex},
        search::{self, Place, vector::Way},
    },
};
use pgvector::Vector;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};
use uuid::Uuid;

const CHUNKS: usize = 100_000;
const WORKSPACES: usize = 50;
const QUERIES: usize = 200;
/// Vectors lie around so many points, as texts have topics.
const TOPICS: usize = 2_000;
/// How far from its topic a vector lies, in parts of its length.
const SPREAD: f32 = 0.6;
const BATCH: usize = 2_000;
const FOUND: usize = 10;
/// Embeddings of the first chunks are also those of groups of these sizes, for the comparison.
const SIZES: [usize; 4] = [5_000, 10_000, 20_000, 50_000];

pub(super) async fn measure(state: &AppState) -> Result<Vec<Measure>, Fault> {
    let index = index::active(&state.db).await?;
    let corpus = Corpus::fill(&state.db, &index).await?;
    let graph = index::build::rebuild_graph(&state.db, &index).await?;
    let mut measures = vec![measure_of("graph over 100,000 chunks", graph.as_secs_f64(), "s")];
    let own = corpus.ask(&state.db, &index, Asked::Workspaces).await?;
    measures.extend(own.measures("one of 50 workspaces (2,000 chunks)"));
    for (group, size) in SIZES.iter().enumerate() {
        for (way, name) in [(Way::Exact, "exact"), (Way::Graph, "graph")] {
            let asked = corpus.ask(&state.db, &index, Asked::Group(group, way)).await?;
            measures.extend(asked.measures(&format!("{size} chunks, {name}")));
        }
    }
    Ok(measures)
}

/// Which chunks are searched, and how.
#[derive(Clone, Copy)]
enum Asked {
    /// One workspace, as the product does: with the words too.
    Workspaces,
    /// A group of [`SIZES`], in one way.
    Group(usize, Way),
}

struct Asking {
    recall: f64,
    vectors: Vec<Duration>,
    both: Vec<Duration>,
}

impl Asking {
    fn measures(mut self, of: &str) -> Vec<Measure> {
        let mut measures = vec![
            measure_of(format!("{of}: recall@10"), self.recall, ""),
            measure_of(format!("{of}: p50"), quantile(&mut self.vectors, 0.5), "ms"),
            measure_of(format!("{of}: p95"), quantile(&mut self.vectors, 0.95), "ms"),
        ];
        if !self.both.is_empty() {
            measures.push(measure_of(format!("{of}: p95 with BM25 and fusion"), quantile(&mut self.both, 0.95), "ms"));
        }
        measures
    }
}

struct Corpus {
    workspaces: Vec<Uuid>,
    groups: Vec<Uuid>,
    topics: Vec<Vec<f32>>,
}

impl Corpus {
    async fn fill(db: &Db, index: &EmbeddingIndex) -> Result<Self, Fault> {
        let mut random = StdRng::seed_from_u64(11);
        let ids = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let corpus = Self {
            workspaces: ids(WORKSPACES),
            groups: ids(SIZES.len()),
            topics: (0..TOPICS).map(|_| direction(&mut random, index.dimensions)).collect(),
        };
        // Into an index of that size one by one takes far longer than at once.
        index::build::drop_graph(db, index).await?;
        for first in (0..CHUNKS).step_by(BATCH) {
            corpus.insert(db, index, first, &mut random).await?;
        }
        let mut conn = db.outside_transactions().await?;
        sqlx::query("vacuum analyze chunks, chunk_embeddings").execute(&mut *conn).await?;
        Ok(corpus)
    }

    /// A document of `BATCH` chunks in the workspace whose turn it is.
    async fn insert(&self, db: &Db, index: &EmbeddingIndex, first: usize, random: &mut StdRng) -> Result<(), Fault> {
        let workspace = self.workspaces[first / BATCH % WORKSPACES];
        let (project, document) = (Uuid::now_v7(), Uuid::now_v7());
        let ids: Vec<Uuid> = (0..BATCH).map(|_| Uuid::now_v7()).collect();
        let texts: Vec<String> = (0..BATCH).map(|_| text(random)).collect();
        let vectors: Vec<Vector> = (0..BATCH).map(|_| self.vector(random)).map(Vector::from).collect();
        // The smallest group that these chunks are in; the sizes are cumulated below.
        let group = SIZES
            .iter()
            .scan(0, |before, size| {
                *before += size;
                Some(*before)
            })
            .position(|end| first < end);
        let group = group.map_or(project, |group| self.groups[group]);
        let mut system = db.system().await?;
        for statement in [
            "insert into workspaces (id, name) select $1, 'Bench' where $2::uuid <> $3::uuid on conflict do nothing",
            "insert into projects (id, workspace_id, name) select $2, $1, 'Bench' where $3::uuid is not null",
            "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, state)
             values ($3, $1, $2, 'Bench', 'text/plain', 1, '', $3::text, 'ready')",
        ] {
            sqlx::query(statement).bind(workspace).bind(project).bind(document).execute(system.conn()).await?;
        }
        sqlx::query(
            "insert into chunks (id, workspace_id, project_id, document_id, ordinal, page, start_char, end_char, text, tsv, lexeme_count)
             select new.id, $1, $2, $3, new.ordinal, 1, 0, 1, new.text, v.tsv,
                 (select coalesce(sum(cardinality(l.positions)), 0) from unnest(v.tsv) l)
             from unnest($4::uuid[], $5::text[]) with ordinality as new (id, text, ordinal),
                 lateral (select to_tsvector('english', new.text) as tsv offset 0) v",
        )
        .bind(workspace)
        .bind(project)
        .bind(document)
        .bind(&ids)
        .bind(&texts)
        .execute(system.conn())
        .await?;
        // The group stands where the project does: nothing else tells a group of another size from a workspace.
        sqlx::query(
            "insert into chunk_embeddings (index_id, chunk_id, workspace_id, project_id, document_id, embedding)
             select $1, new.id, $2, $3, $4, new.embedding from unnest($5::uuid[], $6::vector[]) as new (id, embedding)",
        )
        .bind(index.id)
        .bind(workspace)
        .bind(group)
        .bind(document)
        .bind(&ids)
        .bind(vectors)
        .execute(system.conn())
        .await?;
        system.commit().await
    }

    fn vector(&self, random: &mut StdRng) -> Vec<f32> {
        let topic = &self.topics[random.random_range(0..TOPICS)];
        let noise = direction(random, topic.len());
        topic.iter().zip(noise).map(|(t, n)| t + SPREAD * n).collect()
    }

    async fn ask(&self, db: &Db, index: &EmbeddingIndex, asked: Asked) -> Result<Asking, Fault> {
        let mut random = StdRng::seed_from_u64(13);
        let mut asking = Asking { recall: 0.0, vectors: Vec::new(), both: Vec::new() };
        for number in 0..QUERIES {
            let place = match asked {
                Asked::Workspaces => Place::workspace(self.workspaces[number % WORKSPACES]),
                Asked::Group(group, _) => Place::project(self.groups[group]),
            };
            let (vector, words) = (self.vector(&mut random), text(&mut random));
            let query = Vector::from(vector.clone());
            let mut system = db.system().await?;
            let exact = search::vector::search(system.conn(), &place, index, &query, FOUND as u32, Way::Exact).await?;
            drop(system);

            let mut system = db.system().await?;
            let started = Instant::now();
            let found = match asked {
                Asked::Workspaces => search::vector::nearest(system.conn(), &place, index, &query, 200).await?,
                Asked::Group(_, way) => search::vector::search(system.conn(), &place, index, &query, 200, way).await?,
            };
            asking.vectors.push(started.elapsed());
            let first: Vec<Uuid> = found.iter().take(FOUND).map(|(chunk, _)| *chunk).collect();
            let kept = exact.iter().filter(|(chunk, _)| first.contains(chunk)).count();
            asking.recall += kept as f64 / exact.len().max(1) as f64 / QUERIES as f64;
            if matches!(asked, Asked::Workspaces) {
                let words = words.split(' ').take(8).collect::<Vec<_>>().join(" ");
                let started = Instant::now();
                search::search_both(system.conn(), &place, (index.clone(), vector), &words).await?;
                asking.both.push(started.elapsed());
            }
        }
        Ok(asking)
    }
}

/// A point on the unit sphere.
fn direction(random: &mut StdRng, dimensions: usize) -> Vec<f32> {
    // The sum of uniform numbers is near enough to normal.
    let mut normal = || (0..6).map(|_| random.random_range(-1.0..1.0_f32)).sum::<f32>();
    let mut vector: Vec<f32> = (0..dimensions).map(|_| normal()).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

/// About 110 words, of which a few are common and most rare, as in any language.
fn text(random: &mut StdRng) -> String {
    let mut word = || {
        let rank = (20_000_f64.powf(random.random::<f64>())) as u32;
        let letter = |number: u32| char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
        format!("{}{}{}{}x", letter(rank), letter(rank / 26), letter(rank / 676), letter(rank / 7))
    };
    (0..110).map(|_| word()).collect::<Vec<_>>().join(" ")
}
