//! Search by meaning: the chunks whose vectors are nearest to the query's.

use super::place::Place;
use crate::{fault::Fault, rag::index::EmbeddingIndex};
use pgvector::Vector;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// Up to so many chunks a project is scanned whole, which is exact and takes 3 µs a chunk. HNSW takes 10 ms in 100,000
/// chunks that are all the project's, but more the smaller the project's part of the index is, because it walks over
/// what is filtered away: 2,000 of 100,000 took 600 ms where the scan took 7 ms.
const EXACT_LIMIT: i64 = 20_000;

/// How the nearest are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Every chunk of the place is compared.
    Exact,
    /// By the index's graph, in which the search goes on until enough chunks of the place are found.
    Graph,
}

/// Chunk and cosine similarity, the nearest first.
pub async fn nearest(
    conn: &mut PgConnection,
    place: &Place,
    index: &EmbeddingIndex,
    query: &Vector,
    limit: u32,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let table = format!("(select * from chunk_embeddings where index_id = {})", index.id);
    if place.count(conn, &table, EXACT_LIMIT + 1).await? > EXACT_LIMIT {
        let found = search(conn, place, index, query, limit, Way::Graph).await?;
        if found.len() == limit as usize {
            return Ok(found);
        }
    }
    search(conn, place, index, query, limit, Way::Exact).await
}

/// [`nearest`] in one of its ways.
pub async fn search(
    conn: &mut PgConnection,
    place: &Place,
    index: &EmbeddingIndex,
    query: &Vector,
    limit: u32,
    way: Way,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    if way == Way::Graph {
        // Goes on in the graph until enough rows of this place are found, or 100,000 were looked at. In relaxed order,
        // which finds more for the same work; the statement puts it right.
        sqlx::query(
            "select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '400', true),
                    set_config('hnsw.max_scan_tuples', '100000', true)",
        )
        .execute(&mut *conn)
        .await?;
    }
    let rows =
        sqlx::query_as(AssertSqlSafe(statement(place, index, way))).bind(query).bind(place.id()).bind(i64::from(limit));
    let rows = match place.documents.ids() {
        Some(documents) => rows.bind(documents),
        None => rows,
    };
    let rows: Vec<(Uuid, f64)> = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(chunk, distance)| (chunk, 1.0 - distance as f32)).collect())
}

/// The type and the index's number must be literals for the planner to find the partial index. `+ 0` keeps it from using
/// that index's order where the scan is to be exact, and makes it sort what a relaxed scan has found.
pub fn statement(place: &Place, index: &EmbeddingIndex, way: Way) -> String {
    let (id, vector) = (index.id, index.sql_type());
    let place = place.condition("e", 4);
    let order = if way == Way::Exact { " + 0" } else { "" };
    format!(
        "with near as materialized (
             select chunk_id, embedding::{vector} <=> $1::{vector} as distance
             from chunk_embeddings e
             where index_id = {id} and {place}
             order by (embedding::{vector} <=> $1::{vector}){order}
             limit $3
         )
         select chunk_id, distance from near order by distance + 0, chunk_id"
    )
}
