//! One model follows another while people ask.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{build, ensure_active};
use crate::{
    AppState,
    testing::{Client, TestApp},
};
use domain::{
    documents::{Document, Passage},
    search::SearchIndex,
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use url::Url;
use uuid::Uuid;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

/// A provider of two models, `old` and `new`, that notes what it embeds for each.
struct Provider {
    server: MockServer,
    embedded: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

impl Provider {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let embedded: Arc<Mutex<HashMap<String, Vec<String>>>> = Arc::default();
        let noted = embedded.clone();
        let answer = move |request: &Request| {
            let body: Value = request.body_json().unwrap();
            let model = body["model"].as_str().unwrap().to_owned();
            let dimensions = if model == "old" { 16 } else { 24 };
            let texts: Vec<String> =
                body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
            let data: Vec<Value> = texts
                .iter()
                .enumerate()
                .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text, dimensions)}))
                .collect();
            noted.lock().unwrap().entry(model).or_default().extend(texts);
            let usage = json!({"prompt_tokens": 1, "total_tokens": 1});
            // A batch takes long enough for a test to come between two.
            ResponseTemplate::new(200)
                .set_body_json(json!({"object": "list", "model": "m", "usage": usage, "data": data}))
                .set_delay(Duration::from_millis(60))
        };
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        Self { server, embedded }
    }

    fn variables(&self, model: &'static str) -> Vec<(&'static str, String)> {
        let dimensions = if model == "old" { "16" } else { "24" };
        vec![
            ("EMBEDDING_BASE_URL", format!("{}/v1", self.server.uri())),
            ("EMBEDDING_MODEL", model.to_owned()),
            ("EMBEDDING_DIMENSIONS", dimensions.to_owned()),
        ]
    }

    /// Passages that the model was asked for; queries are shorter.
    fn passages(&self, model: &str) -> usize {
        let embedded = self.embedded.lock().unwrap();
        embedded.get(model).map_or(0, |texts| texts.iter().filter(|text| text.len() > 200).count())
    }
}

/// Texts with the same words are near each other.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.01; dimensions];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3) {
        let hash = word.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        vector[hash % dimensions] += 1.0;
    }
    vector
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn long_text(about: &str, sentences: usize) -> String {
    (0..sentences).map(|number| format!("Sentence {number} tells of {about} and of harbour {}. ", number * 7)).collect()
}

struct Setting {
    provider: Provider,
    app: TestApp,
    ada: Client,
    project: Uuid,
}

impl Setting {
    /// A server with the model `old`, and a document of more chunks than two batches.
    async fn new() -> Self {
        let provider = Provider::start().await;
        let app = TestApp::start_with(&borrowed(&provider.variables("old"))).await;
        app.start_worker().await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Nordlys").await;
        let setting = Self { provider, app, ada, project };
        setting.ready_document("long.md", &long_text("amber", 2_700)).await;
        setting
    }

    async fn ready_document(&self, name: &str, text: &str) -> Uuid {
        let id = self.ada.new_document(self.project, name, text).await;
        for _ in 0..600 {
            let document: Document = self.ada.get(&format!("/api/v1/documents/{id}")).await.json(200);
            if !document.state.is_working() {
                assert_eq!(document.failure, None);
                return id;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} is not ready");
    }

    async fn beside(&self, model: &'static str) -> (AppState, Url) {
        self.app.beside(&borrowed(&self.provider.variables(model))).await
    }

    fn search_path(&self) -> String {
        format!("/api/v1/projects/{}/search?q=what%20about%20amber", self.project)
    }
}

async fn models(sql: &mut PgConnection) -> Vec<(String, String)> {
    sqlx::query_as("select model, state from embedding_indexes order by id").fetch_all(sql).await.unwrap()
}

fn pairs(models: &[(&str, &str)]) -> Vec<(String, String)> {
    models.iter().map(|(model, state)| ((*model).to_owned(), (*state).to_owned())).collect()
}

/// Passages that the index lacks.
async fn missing(sql: &mut PgConnection, model: &str) -> i64 {
    sqlx::query_scalar(
        "select count(*) from chunks c where not exists (
             select from chunk_embeddings e join embedding_indexes i on i.id = e.index_id
             where i.model = $1 and e.chunk_id = c.id)",
    )
    .bind(model)
    .fetch_one(sql)
    .await
    .unwrap()
}

async fn count(sql: &mut PgConnection, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(sql).await.unwrap()
}

/// Asks both servers again and again; each answer must have found by meaning. The receiver counts the rounds.
fn ask_until(
    stop: Arc<AtomicBool>,
    askers: Vec<Client>,
    path: String,
) -> (tokio::task::JoinHandle<()>, watch::Receiver<usize>) {
    let (told, rounds) = watch::channel(0);
    let asking = tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            for asker in &askers {
                let passages: Vec<Passage> = asker.get(&path).await.json(200);
                let first = passages.first().expect("something is found at any time");
                assert!(first.similarity.is_some() && first.text.contains("amber"), "{first:?}");
            }
            told.send_modify(|rounds| *rounds += 1);
        }
    });
    (asking, rounds)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_follows_while_people_ask_and_a_killed_worker_is_followed() {
    let setting = Setting::new().await;
    let mut sql = setting.app.sql().await;
    let chunks = count(&mut sql, "select count(*) from chunks").await;
    assert!(chunks > 120, "{chunks}");

    let (state, url) = setting.beside("new").await;
    assert_eq!(ensure_active(&state.db, &state.embedders).await.unwrap().model, "old");
    assert_eq!(models(&mut sql).await, pairs(&[("old", "active"), ("new", "building")]));
    let stop = Arc::new(AtomicBool::new(false));
    let askers = vec![setting.ada.clone(), setting.ada.at(&url)];
    let (asking, mut rounds) = ask_until(stop.clone(), askers, setting.search_path());

    // Killed in the middle: nothing is given back.
    let worker = tokio::spawn({
        let state = state.clone();
        async move { build::look(&state).await }
    });
    while count(&mut sql, "select max(chunks_done) from embedding_indexes").await < 48 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    let index: SearchIndex =
        setting.ada.get(&format!("/api/v1/projects/{}/search-index", setting.project)).await.json(200);
    let building = index.building.expect("it goes on");
    assert_eq!((index.model.as_str(), building.model.as_str(), i64::from(building.total)), ("old", "new", chunks));
    assert!((48..chunks).contains(&i64::from(building.done)), "{building:?}");
    let health: Value = setting.app.anonymous().get("/readyz").await.json(200);
    let told = health["parts"]["search_index"]["version"].as_str().unwrap();
    assert!(told.starts_with("old, building new ("), "{told}");

    // What comes meanwhile goes into both.
    setting.ready_document("meanwhile.md", &long_text("copper", 60)).await;
    let document = "select count(*) from chunk_embeddings e join documents d on d.id = e.document_id
                    where d.name = 'meanwhile.md' group by e.index_id";
    let in_each: Vec<i64> = sqlx::query_scalar(document).fetch_all(&mut sql).await.unwrap();
    assert!(in_each.len() == 2 && in_each[0] == in_each[1], "{in_each:?}");

    // The dead worker's lease stands in the way until it runs out.
    build::look(&state).await.unwrap();
    assert_eq!(models(&mut sql).await[1].1, "building");
    sqlx::query("update embedding_indexes set leased_until = now() - interval '1 second'")
        .execute(&mut sql)
        .await
        .unwrap();
    build::look(&state).await.unwrap();
    assert_eq!(models(&mut sql).await, pairs(&[("old", "retired"), ("new", "active")]));
    assert_eq!(missing(&mut sql, "new").await, 0);
    let all = count(&mut sql, "select count(*) from chunks").await;
    let asked = i64::try_from(setting.provider.passages("new")).unwrap();
    // Only the batch that was under way at the kill may have been embedded for nothing.
    assert!((all..=all + 48).contains(&asked), "{asked} passages were embedded for {all}");
    let valid = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid
                 where c.relname like 'chunk\\_embeddings\\_hnsw\\_%' and i.indisvalid";
    assert_eq!(count(&mut sql, valid).await, 2);

    // Both servers answer from the new one now.
    let before = *rounds.borrow();
    assert!(before > 0, "nobody asked while it was built");
    rounds.wait_for(|rounds| *rounds >= before + 2).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    asking.await.unwrap();
    let index: SearchIndex =
        setting.ada.get(&format!("/api/v1/projects/{}/search-index", setting.project)).await.json(200);
    assert_eq!(index, SearchIndex { model: "new".to_owned(), building: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_deployment_before_takes_nothing_back_until_it_is_alone() {
    let setting = Setting::new().await;
    let mut sql = setting.app.sql().await;
    let (new, _) = setting.beside("new").await;
    build::look(&new).await.unwrap();
    let old = &setting.app.state;
    assert_eq!(ensure_active(&old.db, &old.embedders).await.unwrap().model, "new");
    assert_eq!(models(&mut sql).await, pairs(&[("old", "retired"), ("new", "active")]));

    // The deployment is taken back: no server with the new model has spoken for a while. Nothing is embedded again.
    sqlx::query("update embedding_indexes set wanted_at = now() - interval '5 minutes' where model = 'new'")
        .execute(&mut sql)
        .await
        .unwrap();
    let before = setting.provider.passages("old");
    build::look(old).await.unwrap();
    assert_eq!(models(&mut sql).await, pairs(&[("old", "active"), ("new", "retired")]));
    assert_eq!(setting.provider.passages("old"), before);

    // A day later the other one is gone, with its vectors and its graph.
    sqlx::query(
        "update embedding_indexes set changed_at = now() - interval '2 days', wanted_at = now() - interval '2 days'",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    build::look(old).await.unwrap();
    assert_eq!(models(&mut sql).await, pairs(&[("old", "active")]));
    let left = "select count(*) from chunk_embeddings where index_id <> (select id from embedding_indexes)";
    assert_eq!(count(&mut sql, left).await, 0);
    let graphs = "select count(*) from pg_class where relname like 'chunk\\_embeddings\\_hnsw\\_%'";
    assert_eq!(count(&mut sql, graphs).await, 1);
    assert_eq!(missing(&mut sql, "old").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_old_model_words_find_until_the_new_index_is_there() {
    let setting = Setting::new().await;
    let mut sql = setting.app.sql().await;
    let (new, url) = setting.beside("new").await;
    sqlx::query("update embedding_indexes set source = '{\"kind\": \"folder\", \"path\": \"/nowhere\"}'")
        .execute(&mut sql)
        .await
        .unwrap();
    let ada = setting.ada.at(&url);
    let passages: Vec<Passage> = ada.get(&setting.search_path()).await.json(200);
    assert!(passages[0].bm25.is_some() && passages[0].similarity.is_none());
    build::look(&new).await.unwrap();
    let passages: Vec<Passage> = ada.get(&setting.search_path()).await.json(200);
    assert!(passages[0].bm25.is_some() && passages[0].similarity.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_away_is_told_and_tried_again() {
    let setting = Setting::new().await;
    let mut sql = setting.app.sql().await;
    let variables =
        [("EMBEDDING_BASE_URL", "http://127.0.0.1:9/v1"), ("EMBEDDING_MODEL", "new"), ("EMBEDDING_DIMENSIONS", "24")];
    let (away, url) = setting.app.beside(&variables).await;
    build::look(&away).await.unwrap_err();
    let (failure, free): (Option<String>, bool) =
        sqlx::query_as("select failure, leased_until is null from embedding_indexes where model = 'new'")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert!(failure.is_some() && free);
    // The old index answers, also on that server, and documents become ready.
    let passages: Vec<Passage> = setting.ada.at(&url).get(&setting.search_path()).await.json(200);
    assert!(passages[0].similarity.is_some());
    setting.ready_document("meanwhile.md", &long_text("copper", 20)).await;

    let (back, _) = setting.beside("new").await;
    build::look(&back).await.unwrap();
    assert_eq!(models(&mut sql).await, pairs(&[("old", "retired"), ("new", "active")]));
    assert_eq!(missing(&mut sql, "new").await, 0);
}
