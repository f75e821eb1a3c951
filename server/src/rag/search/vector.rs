//! Search by meaning: the chunks whose vectors are nearest to the query's.

use crate::{fault::Fault, rag::index::EmbeddingIndex};
use domain::ProjectId;
use pgvector::Vector;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// Up to so many chunks a project is scanned whole, which is exact and takes 3 µs a chunk. HNSW takes 10 ms in 100,000
/// chunks that are all the project's, but more the smaller the project's part of the index is, because it walks over
/// what is filtered away: 2,000 of 100,000 took 600 ms where the scan took 7 ms.
const EXACT_LIMIT: i64 = 20_000;

/// Chunk and cosine similarity, the nearest first.
pub async fn nearest(
    conn: &mut PgConnection,
    project: ProjectId,
    index: EmbeddingIndex,
    query: Vector,
    limit: u32,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let embedded = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from chunk_embeddings where project_id = $1 and index_id = $2 limit $3
           ) as some_embeddings"#,
        Uuid::from(project),
        index.id,
        EXACT_LIMIT + 1
    )
    .fetch_one(&mut *conn)
    .await?;
    if embedded > EXACT_LIMIT {
        // Goes on in the index until enough rows of this project are found, or 100,000 were looked at.
        sqlx::query(
            "select set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '400', true),
                    set_config('hnsw.max_scan_tuples', '100000', true)",
        )
        .execute(&mut *conn)
        .await?;
        let found = search(conn, project, index, &query, limit, false).await?;
        if found.len() == limit as usize {
            return Ok(found);
        }
    }
    search(conn, project, index, &query, limit, true).await
}

async fn search(
    conn: &mut PgConnection,
    project: ProjectId,
    index: EmbeddingIndex,
    query: &Vector,
    limit: u32,
    exact: bool,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let rows: Vec<(Uuid, f64)> = sqlx::query_as(AssertSqlSafe(statement(index, exact)))
        .bind(query)
        .bind(Uuid::from(project))
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(chunk, distance)| (chunk, 1.0 - distance as f32)).collect())
}

/// The type and the index's number must be literals for the planner to find the partial index. `+ 0` keeps it from using
/// that index's order where the scan is to be exact.
fn statement(index: EmbeddingIndex, exact: bool) -> String {
    let (id, vector) = (index.id, index.sql_type());
    let order = if exact { " + 0" } else { "" };
    format!(
        "select chunk_id, embedding::{vector} <=> $1::{vector} as distance
         from chunk_embeddings
         where index_id = {id} and project_id = $2
         order by (embedding::{vector} <=> $1::{vector}){order}
         limit $3"
    )
}
