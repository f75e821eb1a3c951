//! Search by words: BM25, with document frequencies and lengths of the project's own chunks. Postgres' `ts_rank` knows
//! no document frequencies, so a rare word counts no more than a common one.

use crate::fault::Fault;
use domain::ProjectId;
use sqlx::PgConnection;
use uuid::Uuid;

/// How fast the weight of a repeated word saturates, and how much a chunk's length counts: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// Chunk and BM25 score, the best first; only chunks with at least one of the query's words.
pub async fn bm25(
    conn: &mut PgConnection,
    project: ProjectId,
    query: &str,
    limit: u32,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let rows = sqlx::query!(
        r#"with query as (
             select array_agg(lexeme) as lexemes,
               -- Quoted for tsquery, which wants backslashes and quotes doubled.
               string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery as any_of
             from unnest(to_tsvector('english', $1))
           ),
           corpus as (
             select count(*)::float8 as chunks, avg(lexeme_count)::float8 as length from chunks where project_id = $2
           ),
           hit as materialized (
             select c.id, c.lexeme_count, l.lexeme, cardinality(l.positions)::float8 as frequency
             from query
             join chunks c on c.project_id = $2 and c.tsv @@ query.any_of
             cross join lateral unnest(c.tsv) l
             where l.lexeme = any(query.lexemes)
           ),
           word as (
             select hit.lexeme, ln(1 + (corpus.chunks - count(*) + 0.5) / (count(*) + 0.5)) as weight
             from hit cross join corpus group by hit.lexeme, corpus.chunks
           )
           select hit.id,
             sum(word.weight * hit.frequency * ($3::float8 + 1)
                 / (hit.frequency + $3::float8 * (1 - $4::float8 + $4::float8 * hit.lexeme_count / corpus.length)))::real as "score!"
           from hit join word using (lexeme) cross join corpus
           group by hit.id
           order by 2 desc, hit.id
           limit $5"#,
        query,
        Uuid::from(project),
        K1,
        B,
        i64::from(limit)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.score)).collect())
}
