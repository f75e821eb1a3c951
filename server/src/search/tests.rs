#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::{Client, TestApp};
use domain::documents::{Document, DocumentPage, Passage};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

const PRICES: &str =
    "# Prices\n\nPrices are stated, not sold. A fair price needs no excuse, so the word bargain is banned.";
const COLOURS: &str = "# Colours\n\nThe primary colour is harbour blue. It covers at most a third of any surface.";

/// Adds a document and waits until it is found.
pub(crate) async fn ready(ada: &Client, project: Uuid, name: &str, text: &str) -> Uuid {
    let id = ada.new_document(project, name, text).await;
    for _ in 0..600 {
        let document: Document = ada.get(&format!("/api/v1/documents/{id}")).await.json(200);
        if !document.state.is_working() {
            assert_eq!(document.failure, None);
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} is not ready");
}

pub(crate) async fn found(ada: &Client, path: &str) -> Vec<Passage> {
    ada.get(&format!("/api/v1/{path}")).await.json(200)
}

fn documents(passages: &[Passage]) -> Vec<Uuid> {
    passages.iter().map(|passage| passage.document_id.into()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_looks_where_it_is_told_and_nowhere_else() {
    let app = TestApp::start().await;
    app.start_worker().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let (one, two) = (ada.new_project(workspace, "One").await, ada.new_project(workspace, "Two").await);
    let prices = ready(&ada, one, "prices.md", PRICES).await;
    let colours = ready(&ada, one, "colours.md", COLOURS).await;
    let elsewhere = ready(&ada, two, "other.md", "# Other\n\nThe harbour opens at nine.").await;

    let all = documents(&found(&ada, &format!("projects/{one}/search?q=harbour")).await);
    assert_eq!(all.len(), 2, "words or meaning: all of a small project");
    assert_eq!(all[0], colours);
    let of_workspace = documents(&found(&ada, &format!("workspaces/{workspace}/search?q=harbour")).await);
    assert!(of_workspace.contains(&elsewhere) && of_workspace.len() == 3);

    let only = documents(&found(&ada, &format!("projects/{one}/search?q=harbour&documents={prices}")).await);
    assert_eq!(only, [prices]);
    let both = documents(&found(&ada, &format!("projects/{one}/search?q=harbour&documents={prices},{colours}")).await);
    assert_eq!(both.len(), 2);
    // Another project's document is not in this one.
    assert!(found(&ada, &format!("projects/{one}/search?q=harbour&documents={elsewhere}")).await.is_empty());

    let mut sql = app.sql().await;
    let (outer, inner) = (Uuid::now_v7(), Uuid::now_v7());
    for (id, parent) in [(outer, None), (inner, Some(outer))] {
        sqlx::query("insert into folders (id, workspace_id, project_id, parent_id, name) values ($1, $2, $3, $4, 'f')")
            .bind(id)
            .bind(workspace)
            .bind(one)
            .bind(parent)
            .execute(&mut sql)
            .await
            .unwrap();
    }
    sqlx::query("update documents set folder_id = $1 where id = $2")
        .bind(inner)
        .bind(prices)
        .execute(&mut sql)
        .await
        .unwrap();
    for folder in [outer, inner] {
        let inside = documents(&found(&ada, &format!("projects/{one}/search?q=harbour&folder={folder}")).await);
        assert_eq!(inside, [prices]);
        let both = format!("projects/{one}/search?q=harbour&folder={folder}&documents={colours}");
        assert!(found(&ada, &both).await.is_empty());
    }

    // Of another tenant neither the folder nor the document is found, whatever the search names.
    let eve = app.user("eve").await;
    let own = eve.new_project(eve.new_workspace("Elsewhere").await, "Own").await;
    ready(&eve, own, "own.md", "# Own\n\nA harbour of her own.").await;
    for filter in [format!("documents={prices}"), format!("folder={outer}")] {
        assert!(found(&eve, &format!("projects/{own}/search?q=harbour&{filter}")).await.is_empty(), "{filter}");
    }
    eve.get(&format!("/api/v1/workspaces/{workspace}/search?q=harbour")).await.expect(404);

    ada.get(&format!("/api/v1/projects/{one}/search?q=harbour&documents=x")).await.problem(422);
    ada.get(&format!("/api/v1/projects/{one}/search?q=%20")).await.problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_says_why_it_is_there_and_stands_where_it_says() {
    let app = TestApp::start().await;
    app.start_worker().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "One").await;
    // Three chunks and more, each about its own harbour, so that neighbours are found together.
    let long: String = (0..40)
        .map(|n| {
            format!("The harbour of town {n} has {} berths, and its master is called number {}.\n\n", n * 3, n * 7)
        })
        .collect();
    let id = ready(&ada, project, "harbours.md", &long).await;
    let copy = ready(&ada, project, "copy.md", &format!("{PRICES}\n")).await;
    ready(&ada, project, "prices.md", PRICES).await;

    let pages: Vec<DocumentPage> = ada.get(&format!("/api/v1/documents/{id}/pages")).await.json(200);
    let passages = found(&ada, &format!("projects/{project}/search?q=Which%20harbours%20have%20berths")).await;
    let of_long: Vec<_> = passages.iter().filter(|passage| Uuid::from(passage.document_id) == id).collect();
    assert!(of_long[0].text.chars().count() > 1100, "neighbours are one passage");
    for passage in &of_long {
        let span = passage.span;
        let page = &pages[span.page as usize - 1].text;
        let at_span: String = page.chars().skip(span.start as usize).take((span.end - span.start) as usize).collect();
        assert_eq!(at_span, passage.text);
    }
    let first = of_long[0];
    let words: Vec<String> = first
        .matches
        .iter()
        .map(|mark| first.text.chars().skip(mark.start as usize).take((mark.end - mark.start) as usize).collect())
        .collect();
    assert!(words.iter().all(|word| ["harbour", "berths"].contains(&word.as_str())), "{words:?}");
    assert!(words.len() > 10 && first.by_words > 0.0 && (first.score - first.by_words - first.by_meaning).abs() < 1e-5);

    // The same text under another name comes once.
    let prices = found(&ada, &format!("projects/{project}/search?q=bargain")).await;
    let same = prices.iter().filter(|passage| passage.text.contains("bargain")).count();
    assert_eq!(same, 1, "{copy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reranker_has_the_last_word_and_its_absence_none() {
    let reranker = MockServer::start().await;
    let variables = [("RERANK_BASE_URL", reranker.uri()), ("RERANK_MODEL", "tiny".to_owned())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::start_with(&variables).await;
    app.start_worker().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "One").await;
    let prices = ready(&ada, project, "prices.md", PRICES).await;
    let colours = ready(&ada, project, "colours.md", COLOURS).await;
    let path = format!("projects/{project}/search?q=harbour&limit=1");
    // It answers 404: the order stays as it was.
    let without = found(&ada, &path).await;
    assert_eq!((documents(&without), without[0].relevance), (vec![colours], None));

    let results = json!([{"index": 0, "relevance_score": 0.2}, {"index": 1, "relevance_score": 0.7}]);
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "results": results })))
        .mount(&reranker)
        .await;
    let with = found(&ada, &path).await;
    assert_eq!((documents(&with), with[0].relevance), (vec![prices], Some(0.7)));
}
