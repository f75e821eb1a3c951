//! Ingestion with an embedder at the network's edge that is counted: what is embedded, how often, and what is kept.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Ended, ingest};
use crate::{
    jobs::lease,
    rag::extract::samples,
    storage::ObjectPrefix,
    testing::{Client, Form, TestApp},
};
use domain::documents::{Document, DocumentState, is_worth_retrying};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use uuid::Uuid;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::method};

/// What an embedder was asked, and what it does.
#[derive(Clone, Default)]
struct Asked {
    /// How often each text was answered.
    texts: Arc<Mutex<HashMap<String, usize>>>,
    /// Answers after which it falls silent (true) or refuses (false).
    until: Arc<Mutex<Option<(usize, bool)>>>,
}

impl Asked {
    fn stop_after(&self, answers: usize, silent: bool) {
        *self.until.lock().unwrap() = Some((answers, silent));
    }

    fn go_on(&self) {
        *self.until.lock().unwrap() = None;
    }

    fn texts(&self) -> HashMap<String, usize> {
        self.texts.lock().unwrap().clone()
    }
}

impl Respond for Asked {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match &mut *self.until.lock().unwrap() {
            Some((0, true)) => return ResponseTemplate::new(200).set_delay(Duration::from_secs(600)),
            Some((0, false)) => return ResponseTemplate::new(400),
            Some((answers, _)) => *answers -= 1,
            None => {}
        }
        let body: Value = request.body_json().unwrap();
        let texts = body["input"].as_array().unwrap();
        let mut asked = self.texts.lock().unwrap();
        for text in texts {
            *asked.entry(text.as_str().unwrap().to_owned()).or_default() += 1;
        }
        let data: Vec<Value> = (0..texts.len())
            .map(|index| json!({ "object": "embedding", "index": index, "embedding": [1.0, 0.5, 0.25, 0.125] }))
            .collect();
        ResponseTemplate::new(200).set_body_json(
            json!({ "object": "list", "model": "counted", "data": data, "usage": { "prompt_tokens": 1, "total_tokens": 1 } }),
        )
    }
}

struct Setting {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
    asked: Asked,
    _embedder: MockServer,
}

impl Setting {
    async fn new() -> Self {
        let (embedder, asked) = (MockServer::start().await, Asked::default());
        Mock::given(method("POST")).respond_with(asked.clone()).mount(&embedder).await;
        let app = TestApp::start_with(&[
            ("EMBEDDING_BASE_URL", &embedder.uri()),
            ("EMBEDDING_API_KEY", "key"),
            ("EMBEDDING_MODEL", "counted"),
            ("EMBEDDING_DIMENSIONS", "4"),
        ])
        .await;
        crate::rag::index::ensure_active(&app.state.db, &app.state.embedders).await.unwrap();
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Nordlys").await;
        Self { app, ada, workspace, project, asked, _embedder: embedder }
    }

    async fn claim(&self, id: Uuid) -> lease::ClaimedDocument {
        let mut system = self.app.state.db.system().await.unwrap();
        let claimed = lease::claim(&mut system, id.into()).await.unwrap();
        system.commit().await.unwrap();
        claimed.expect("it waits for a worker")
    }

    async fn ingest(&self, id: Uuid) {
        let claimed = self.claim(id).await;
        assert_eq!(ingest(&self.app.state, &claimed).await.unwrap(), Ended::Done);
    }

    async fn document(&self, id: Uuid) -> Document {
        self.ada.get(&format!("/api/v1/documents/{id}")).await.json(200)
    }

    async fn count(&self, query: &'static str, id: Uuid) -> i64 {
        sqlx::query_scalar(query).bind(id).fetch_one(&mut self.app.sql().await).await.unwrap()
    }

    async fn search(&self, query: &str) -> Vec<Value> {
        self.ada.get(&format!("/api/v1/projects/{}/search?q={query}", self.project)).await.json(200)
    }
}

const EMBEDDINGS: &str = "select count(*) from chunk_embeddings where document_id = $1";

/// A text of many chunks, none like another.
fn long(word: &str) -> String {
    (0..3_000).map(|number| format!("Sentence {number} is about the {word} of brand {}. ", number * 7)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_mid_ingestion_goes_on_and_embeds_nothing_twice() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "long.md", &long("tone")).await;
    setting.asked.stop_after(2, true);
    let (state, claimed) = (setting.app.state.clone(), setting.claim(id).await);
    let worker = tokio::spawn(async move { ingest(&state, &claimed).await });
    let embedded = async {
        while setting.count(EMBEDDINGS, id).await < 48 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), embedded).await.expect("two batches are embedded");
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    setting.asked.go_on();

    sqlx::query("update documents set leased_until = now() - interval '1 second' where id = $1")
        .bind(id)
        .execute(&mut setting.app.sql().await)
        .await
        .unwrap();
    let mut system = setting.app.state.db.system().await.unwrap();
    assert_eq!(lease::sweep(&mut system).await.unwrap().crashed, 1);
    system.commit().await.unwrap();
    setting.ingest(id).await;

    let document = setting.document(id).await;
    assert_eq!((document.state, document.chunks_done), (DocumentState::Ready, document.chunks_total));
    assert_eq!(setting.count(EMBEDDINGS, id).await, i64::from(document.chunks_total));
    let texts = setting.asked.texts();
    assert_eq!(texts.len(), document.chunks_total as usize, "every chunk is embedded");
    assert!(texts.values().all(|times| *times == 1), "and none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_is_embedded_once_in_a_workspace_and_again_in_another() {
    let setting = Setting::new().await;
    let text = long("voice");
    let first = setting.ada.new_document(setting.project, "voice.md", &text).await;
    setting.ingest(first).await;
    let once = setting.asked.texts();
    let other_project = setting.ada.new_project(setting.workspace, "Other").await;
    let same = setting.ada.new_document(other_project, "voice.md", &text).await;
    setting.ingest(same).await;
    assert_eq!(setting.asked.texts(), once, "nothing more was asked");
    assert_eq!(setting.count(EMBEDDINGS, same).await, setting.count(EMBEDDINGS, first).await);

    let elsewhere = setting.ada.new_workspace("Elsewhere").await;
    let project = setting.ada.new_project(elsewhere, "Nordlys").await;
    let apart = setting.ada.new_document(project, "voice.md", &text).await;
    setting.ingest(apart).await;
    assert!(setting.asked.texts().values().all(|times| *times == 2), "a tenant's embeddings are its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_repeats_itself_is_embedded_once() {
    let setting = Setting::new().await;
    let page = "The same paragraph, over and over again, as a form has it. ".repeat(17);
    let text = format!("{}\n\n", page.trim_end()).repeat(60);
    let id = setting.ada.new_document(setting.project, "form.txt", &text).await;
    setting.ingest(id).await;
    let document = setting.document(id).await;
    assert!(document.chunks_total >= 60);
    assert_eq!(setting.count(EMBEDDINGS, id).await, i64::from(document.chunks_total));
    assert!(setting.asked.texts().len() < 10 && setting.asked.texts().values().all(|times| *times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_is_tried_again() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "long.md", &long("price")).await;
    setting.asked.stop_after(3, false);
    let claimed = setting.claim(id).await;
    let fault = ingest(&setting.app.state, &claimed).await.unwrap_err();
    super::give_up(&setting.app.state, &claimed, fault).await.unwrap();
    let failed = setting.document(id).await;
    assert_eq!((failed.state, failed.chunks_done), (DocumentState::Failed, 72));
    assert!(is_worth_retrying(&failed.failure.unwrap(), false));

    setting.asked.go_on();
    let again: Document = setting.ada.post(&format!("/api/v1/documents/{id}/retry"), &json!({})).await.json(202);
    assert_eq!(again.state, DocumentState::Embedding, "its text is there");
    setting.ingest(id).await;
    let document = setting.document(id).await;
    assert_eq!(document.state, DocumentState::Ready);
    let texts = setting.asked.texts();
    assert_eq!(texts.len(), document.chunks_total as usize);
    assert!(texts.values().all(|times| *times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_answers_until_the_new_one_is_ready() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "price.md", "# List\n\nThe price is forty kroner.").await;
    setting.ingest(id).await;
    let same = long("harbour");
    let form = Form::new().file("whatever.md", format!("# List\n\nThe price is fifty kroner.\n\n{same}").as_bytes());
    let put = async |path: &str, form: &Form| {
        let request = setting.ada.request(reqwest::Method::PUT, path).header("content-type", form.content_type());
        setting.ada.send(request.body(form.body())).await
    };
    let path = format!("/api/v1/documents/{id}/file");
    let first: Document = put(&path, &form).await.json(202);
    assert_eq!((first.replaces, first.name.as_str()), (Some(id.into()), "price.md"));
    // A second one takes the place of the first before it is ready.
    let version: Document = put(&path, &form).await.json(202);
    setting.ada.get(&format!("/api/v1/documents/{}", first.id)).await.problem(404);
    put(&format!("/api/v1/documents/{}/file", version.id), &form).await.problem(409);
    put(&path, &Form::new().file("a.md", b"a").file("b.md", b"b")).await.problem(422);

    // Read and embedded in part: nothing of it is found yet.
    setting.asked.stop_after(1, false);
    let claimed = setting.claim(version.id.into()).await;
    ingest(&setting.app.state, &claimed).await.unwrap_err();
    // A question is embedded too.
    setting.asked.go_on();
    let found = setting.search("kroner").await;
    assert!(found.iter().all(|passage| passage["document_id"] == json!(id)), "{found:?}");
    assert!(found[0]["text"].as_str().unwrap().contains("forty"), "{found:?}");
    assert!(setting.search("harbour").await.iter().all(|passage| passage["document_id"] == json!(id)));

    let mut system = setting.app.state.db.system().await.unwrap();
    claimed.release(system.conn()).await.unwrap();
    system.commit().await.unwrap();
    setting.ingest(version.id.into()).await;
    setting.ada.get(&format!("/api/v1/documents/{}", version.id)).await.problem(404);
    let document = setting.document(id).await;
    assert_eq!((document.state, document.replaces), (DocumentState::Ready, None));
    let found = setting.search("kroner").await;
    assert!(found[0]["text"].as_str().unwrap().contains("fifty") && found[0]["document_id"] == json!(id), "{found:?}");
    assert!(!found.iter().any(|passage| passage["text"].as_str().unwrap().contains("forty")));
    let file = setting.ada.get(&path).await;
    assert!(file.expect(200).text().contains("fifty"));
    assert_eq!(setting.count(EMBEDDINGS, id).await, i64::from(document.chunks_total));

    // The same name again is the next version of it, and what stayed the same is not embedded again.
    let texts = setting.asked.texts().len();
    let form =
        Form::new().file("price.md", format!("# List\n\nThe price is fifty kroner.\n\n{same} And more.").as_bytes());
    let made: Vec<Document> =
        setting.ada.post_form(&format!("/api/v1/projects/{}/documents", setting.project), &form).await.json(201);
    assert_eq!(made[0].replaces, Some(id.into()));
    setting.ingest(made[0].id.into()).await;
    assert!(setting.asked.texts().len() <= texts + 2, "only what follows the change is another");

    // Deleted with its file, wherever that lies by now; the one that was superseded is the sweep's.
    setting.ada.delete(&format!("/api/v1/documents/{id}?forever=true")).await.expect(204);
    let left = setting.app.state.store.delete_prefix(ObjectPrefix::Workspace(setting.workspace.into())).await.unwrap();
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_away_is_told_what_was_deleted() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "gone.md", "Not for long.").await;
    setting.ada.delete(&format!("/api/v1/documents/{id}")).await.expect(204);
    let path = format!("/api/v1/projects/{}/events", setting.project);
    let mut stream = setting.ada.request(reqwest::Method::GET, &path).send().await.unwrap();
    let mut told = String::new();
    let hearing = async {
        while !told.contains("event: deleted") || !told.contains(&id.to_string()) {
            told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), hearing).await.expect("nobody says that it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_nobody_reads_is_ready_without_text() {
    let setting = Setting::new().await;
    let form = Form::new().file("hands.png", b"\x89PNG\r\n\x1a\n and so on");
    let made: Vec<Document> =
        setting.ada.post_form(&format!("/api/v1/projects/{}/documents", setting.project), &form).await.json(201);
    setting.ingest(made[0].id.into()).await;
    let document = setting.document(made[0].id.into()).await;
    assert_eq!((document.state, document.page_count, document.chunks_total), (DocumentState::Ready, Some(0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_malformed_file_stops_anything_or_leaves_anything() {
    let setting = Setting::new().await;
    setting.app.start_worker().await;
    let files = samples::malformed();
    assert!(files.len() >= 200, "{}", files.len());
    let path = format!("/api/v1/projects/{}/documents", setting.project);
    let (mut taken, mut refused) = (0_i64, 0);
    for (name, bytes) in &files {
        let answer = setting.ada.post_form(&path, &Form::new().file(name, bytes)).await;
        match answer.status {
            201 => taken += 1,
            422 => refused += 1,
            status => panic!("{name}: {status} {}", answer.text()),
        }
    }
    assert!(taken >= 150, "{taken} taken, {refused} refused");

    let working = "select count(*) from documents where project_id = $1 and state not in ('ready', 'failed')";
    let ending = async {
        while setting.count(working, setting.project).await > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), ending).await.expect("a file hangs");
    let mut sql = setting.app.sql().await;
    let ends: Vec<(String, String, Option<String>)> =
        sqlx::query_as("select name, state, failure from documents").fetch_all(&mut sql).await.unwrap();
    for (name, state, failure) in &ends {
        assert_eq!(
            state == "failed",
            failure.as_deref().is_some_and(|reason| reason.ends_with('.')),
            "{name}: {failure:?}"
        );
        assert!(failure.as_deref().is_none_or(|reason| !is_worth_retrying(reason, false)), "{name}: {failure:?}");
    }
    let leftovers = "select count(*) from chunks c join documents d on d.id = c.document_id where d.project_id = $1 and d.state = 'failed'";
    assert_eq!(setting.count(leftovers, setting.project).await, 0);
    assert_eq!(setting.count("select count(*) from documents where project_id = $1", setting.project).await, taken);
    // The server works as before.
    let id = setting.ada.new_document(setting.project, "after.md", "After all of them.").await;
    let ready = async {
        while setting.document(id).await.state != DocumentState::Ready {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the worker works no more");
    let objects =
        setting.app.state.store.delete_prefix(ObjectPrefix::Workspace(setting.workspace.into())).await.unwrap();
    assert_eq!(i64::try_from(objects).unwrap(), taken + 1, "as many files as rows");
}
