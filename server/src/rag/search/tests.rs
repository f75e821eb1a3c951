//! How Postgres runs the queries of search: what a place is stands inside the scans of the indexes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Documents, Place, vector};
use crate::{rag::index, testing::TestApp};
use pgvector::Vector;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

async fn plan(conn: &mut PgConnection, place: &Place, index: &index::EmbeddingIndex, way: vector::Way) -> String {
    let statement = format!("explain {}", vector::statement(place, index, way));
    let query = Vector::from(vec![0.1; index.dimensions]);
    let rows = sqlx::query_scalar(AssertSqlSafe(statement)).bind(query).bind(place.id()).bind(10_i64);
    let rows = match place.documents.ids() {
        Some(documents) => rows.bind(documents),
        None => rows,
    };
    let lines: Vec<String> = rows.fetch_all(conn).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn the_graph_is_walked_with_the_filter_in_it_and_the_exact_scan_reads_the_place_alone() {
    let app = TestApp::start().await;
    let index = index::ensure_active(&app.state.db, &app.state.embedders).await.unwrap();
    let mut conn = app.sql().await;
    // A table that is empty is read whole, whatever its indexes.
    for setting in ["set enable_seqscan = off", "set enable_sort = off", "set enable_bitmapscan = off"] {
        sqlx::query(setting).execute(&mut conn).await.unwrap();
    }
    let id = Uuid::now_v7();
    let mut chosen = Place::project(id);
    chosen.documents = Documents::Only(vec![Uuid::now_v7(), Uuid::now_v7()]);
    let mut others = Place::project(id);
    others.documents = Documents::Except(vec![Uuid::now_v7()]);
    for (place, column) in [
        (Place::project(id), "project_id"),
        (Place::workspace(id), "workspace_id"),
        (chosen, "document_id"),
        (others, "document_id"),
    ] {
        let graph = plan(&mut conn, &place, &index, vector::Way::Graph).await;
        assert!(graph.contains(&format!("Index Scan using chunk_embeddings_hnsw_{}", index.id)), "{graph}");
        assert!(graph.contains("Order By:") && graph.contains("Filter:") && graph.contains(column), "{graph}");

        let exact = plan(&mut conn, &place, &index, vector::Way::Exact).await;
        assert!(!exact.contains("hnsw") && exact.contains("Index Cond:"), "{exact}");
    }
}
