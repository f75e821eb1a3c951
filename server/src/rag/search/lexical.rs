//! Search by words: BM25, with document frequencies and lengths of the project's own chunks. Postgres' `ts_rank` knows
//! no document frequencies, so by itself it takes a rare word for no more than a common one.

use super::place::Place;
use crate::fault::Fault;
use sqlx::{AssertSqlSafe, PgConnection};
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

/// How the chunks are found that are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All of the place's.
    Scanned,
    /// By the index of words.
    Indexed,
}

/// The statement over the chunks `c` of a place.
fn statement(place: &Place, way: Way) -> String {
    let place = place.condition("c", 7);
    let with_a_word = match way {
        Way::Scanned => "",
        Way::Indexed => {
            r"and c.tsv @@ (select string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
                            from unnest(to_tsvector('english', $1)))"
        }
    };
    format!(
        r"with word as materialized (
            select lexeme, ('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''')::tsquery as query
            from unnest(to_tsvector('english', $1))
          ),
          corpus as materialized (
            select count(*)::float8 as chunks, avg(lexeme_count)::float8 as length from chunks c where {place}
          ),
          hit as materialized (
            select c.id, c.lexeme_count, found.lexeme, width_bucket(found.rank::float8, $3::float8[])::float8 as frequency
            from (select c.id, c.lexeme_count, c.tsv from chunks c where {place} {with_a_word} offset 0) c
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
}

/// Chunk and BM25 score, the best first; only chunks with at least one of the query's words.
pub async fn bm25(conn: &mut PgConnection, place: &Place, query: &str, limit: u32) -> Result<Vec<(Uuid, f32)>, Fault> {
    let chunks = place.count(conn, "chunks", SCAN_LIMIT + 1).await?;
    let way = if chunks <= SCAN_LIMIT { Way::Scanned } else { Way::Indexed };
    run(conn, way, place, query, limit).await
}

async fn run(
    conn: &mut PgConnection,
    way: Way,
    place: &Place,
    query: &str,
    limit: u32,
) -> Result<Vec<(Uuid, f32)>, Fault> {
    let rows = sqlx::query_as(AssertSqlSafe(statement(place, way)))
        .bind(query)
        .bind(place.id())
        .bind(&*RANK_STEPS)
        .bind(K1)
        .bind(B)
        .bind(i64::from(limit));
    let rows = match place.documents.ids() {
        Some(documents) => rows.bind(documents),
        None => rows,
    };
    Ok(rows.fetch_all(conn).await?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    /// A project with a document whose chunks are these texts. Returns the project and the chunks' ids.
    async fn project(conn: &mut PgConnection, texts: &[&str]) -> (Uuid, Vec<Uuid>) {
        let [workspace, project, document] = [(); 3].map(|()| Uuid::now_v7());
        let run = async |conn: &mut PgConnection, statement: &'static str| {
            sqlx::query(statement).bind(workspace).bind(project).bind(document).execute(conn).await.unwrap()
        };
        run(conn, "insert into workspaces (id, name) select $1, 'w' where $2::uuid <> $3::uuid").await;
        run(conn, "insert into projects (id, workspace_id, name) select $2, $1, 'p' where $3::uuid is not null").await;
        run(
            conn,
            "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key)
             values ($3, $1, $2, 'd', 'text/plain', 1, '', $3::text)",
        )
        .await;
        let mut ids = Vec::new();
        for (ordinal, text) in (0..).zip(texts) {
            let id = Uuid::now_v7();
            sqlx::query(
                "insert into chunks (id, workspace_id, project_id, document_id, ordinal, page, start_char, end_char, text, tsv, lexeme_count)
                 select $1, $2, $3, $4, $5, 1, 0, 1, $6, to_tsvector('english', $6),
                     (select coalesce(sum(cardinality(positions)), 0) from unnest(to_tsvector('english', $6)))",
            )
            .bind(id)
            .bind(workspace)
            .bind(project)
            .bind(document)
            .bind(ordinal)
            .bind(text)
            .execute(&mut *conn)
            .await
            .unwrap();
            ids.push(id);
        }
        (project, ids)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_scores_are_those_of_the_formula() {
        let app = TestApp::start().await;
        let mut conn = app.sql().await;
        let brands = "brand ".repeat(40);
        let (project, ids) =
            project(&mut conn, &["Warm brands speak plainly", "cold facts, cold numbers, cold tea", &brands, "amber"])
                .await;
        // Another project's words change nothing.
        self::project(&mut conn, &["brand brand brand", "cold", "cold brand"]).await;

        let lengths = [4.0, 6.0, 40.0, 1.0];
        let mean = lengths.iter().sum::<f64>() / 4.0;
        let weight = |containing: f64| ((4.0 - containing + 0.5) / (containing + 0.5)).ln_1p();
        let part = |chunk: usize, frequency: f64| {
            frequency * (K1 + 1.0) / (frequency + K1 * (1.0 - B + B * lengths[chunk] / mean))
        };
        let expected = [
            (ids[1], weight(1.0) * part(1, 3.0)),
            (ids[2], weight(2.0) * part(2, 40.0)),
            (ids[0], weight(2.0) * part(0, 1.0)),
        ];
        for way in [Way::Scanned, Way::Indexed] {
            let found = run(&mut conn, way, &Place::project(project), "The branding is cold", 10).await.unwrap();
            assert_eq!(found.len(), expected.len());
            for ((id, score), (expected_id, expected_score)) in found.iter().zip(&expected) {
                assert_eq!(id, expected_id);
                assert!((f64::from(*score) - expected_score).abs() < 1e-5, "{score} {expected_score}");
            }
        }
        for nothing in ["", "the of and", "'", "\\", "unknown"] {
            for way in [Way::Scanned, Way::Indexed] {
                assert!(
                    run(&mut conn, way, &Place::project(project), nothing, 10).await.unwrap().is_empty(),
                    "{nothing:?}"
                );
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn frequencies_are_read_off_exactly_and_any_text_is_a_query() {
        let app = TestApp::start().await;
        let mut conn = app.sql().await;
        for frequency in [1, 2, 3, 50, 200, 255] {
            let read: i32 = sqlx::query_scalar(
                "select width_bucket(ts_rank(to_tsvector('english', $1), 'amber')::float8, $2::float8[])",
            )
            .bind("amber ".repeat(frequency))
            .bind(&*RANK_STEPS)
            .fetch_one(&mut conn)
            .await
            .unwrap();
            assert_eq!(usize::try_from(read).unwrap(), frequency);
        }
        let (project, _) = project(&mut conn, &["amber's C:\\fjord\\a'b http://example.com/a?b='c'&d|e <:*> !x"]).await;
        for query in [
            "amber's",
            "C:\\fjord\\a'b",
            "http://example.com/a?b='c'&d|e",
            "<:*> !x & | ( ) :* '' \\' \\\\",
            "\u{1F642} 東京",
        ] {
            for way in [Way::Scanned, Way::Indexed] {
                run(&mut conn, way, &Place::project(project), query, 10).await.expect(query);
            }
        }
    }
}
