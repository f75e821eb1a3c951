//! Search by words: BM25, with document frequencies and lengths of the project's own chunks. Postgres' `ts_rank` knows
//! no document frequencies, so by itself it takes a rare word for no more than a common one.

use crate::fault::Fault;
use domain::ProjectId;
use sqlx::PgConnection;
use std::sync::LazyLock;
use uuid::Uuid;

/// How fast the weight of a repeated word saturates, and how much a chunk's length counts: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// In larger projects the index of words decides which chunks are looked at; in smaller ones it costs more than it saves.
const SCAN_LIMIT: i64 = 20_000;

/// Where [`rank_of_frequency`] steps from one frequency to the next. A tsvector holds at most 255 positions of a word.
static RANK_STEPS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let steps = (0..255).map(|frequency| f64::midpoint(rank_of_frequency(frequency), rank_of_frequency(frequency + 1)));
    steps.collect()
});

/// What `ts_rank` gives for a query of one word that a document has `frequency` times: 0.1 times the sum of 1/i², over
/// π²/6 (`calc_rank_or` in Postgres' tsrank.c). It finds the word in the tsvector by binary search, ten times faster than
/// the tsvector is unnested, and is strictly increasing, so the frequency can be read off.
fn rank_of_frequency(frequency: u32) -> f64 {
    0.1 * (1..=frequency).map(|i| f64::from(i).powi(-2)).sum::<f64>() / 1.644_934_066_85
}

/// The statement with one condition more on the chunks `c`.
macro_rules! statement {
    ($condition:literal) => {
        concat!(
            "with word as materialized (
               select lexeme, ('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''')::tsquery as query
               from unnest(to_tsvector('english', $1))
             ),
             corpus as materialized (
               select count(*)::float8 as chunks, avg(lexeme_count)::float8 as length from chunks where project_id = $2
             ),
             hit as materialized (
               select c.id, c.lexeme_count, found.lexeme, width_bucket(found.rank::float8, $3::float8[])::float8 as frequency
               from (select c.id, c.lexeme_count, c.tsv from chunks c where c.project_id = $2 ",
            $condition,
            " offset 0) c
               cross join lateral (select lexeme, ts_rank(c.tsv, query) as rank from word offset 0) found
               where found.rank > 0
             ),
             weight as (
               select hit.lexeme, ln(1 + (corpus.chunks - count(*) + 0.5) / (count(*) + 0.5)) as weight
               from hit cross join corpus group by hit.lexeme, corpus.chunks
             )
             select hit.id,
               sum(weight.weight * hit.frequency * ($4::float8 + 1)
                   / (hit.frequency + $4::float8 * (1 - $5::float8 + $5::float8 * hit.lexeme_count / corpus.length)))::real as score
             from hit join weight using (lexeme) cross join corpus
             group by hit.id
             order by score desc, hit.id
             limit $6"
        )
    };
}

const SCANNED: &str = statement!("");
const INDEXED: &str = statement!(
    "and c.tsv @@ (select string_agg('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery
                   from unnest(to_tsvector('english', $1)))"
);

/// Chunk and BM25 score, the best first; only chunks with at least one of the query's words.
pub async fn bm25(
    conn: &mut PgConnection,
    project: ProjectId,
    query: &str,
    limit: u32,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let project = Uuid::from(project);
    let chunks = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (select from chunks where project_id = $1 limit $2) as some_chunks"#,
        project,
        SCAN_LIMIT + 1
    )
    .fetch_one(&mut *conn)
    .await?;
    let statement = if chunks <= SCAN_LIMIT { SCANNED } else { INDEXED };
    let rows = sqlx::query_as(statement)
        .bind(query)
        .bind(project)
        .bind(&*RANK_STEPS)
        .bind(K1)
        .bind(B)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    Ok(rows)
}
