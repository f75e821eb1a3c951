//! Ingestion through the real queue, store, model and database.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{lease, *};
use crate::{
    documents::jobs::{self as documents, Ended},
    storage::faulty::{FaultyStore, Misdeed},
    testing::{Client, TestApp},
};
use domain::documents::{Document, DocumentPage, DocumentState, Passage};
use reqwest::Method;
use sqlx::PgConnection;
use std::time::Duration;

const GUIDE: &str = "# Nordlys brand guide\n\nNordlys speaks like a good neighbour: warm, plain and never breathless.\n\n\
    ## Colours\n\nAmber is used for calls to action only, never for body text.\n";

struct Setting {
    app: TestApp,
    ada: Client,
    project: Uuid,
}

impl Setting {
    async fn new() -> Self {
        Self::of(TestApp::start().await).await
    }

    async fn of(app: TestApp) -> Self {
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Nordlys").await;
        Self { app, ada, project }
    }

    async fn document(&self, id: Uuid) -> Document {
        self.ada.get(&format!("/api/v1/documents/{id}")).await.json(200)
    }

    /// The document when no worker has it any more.
    async fn ended(&self, id: Uuid) -> Document {
        for _ in 0..600 {
            let document = self.document(id).await;
            if !document.state.is_working() {
                return document;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the document is still being worked on: {:?}", self.document(id).await);
    }

    async fn claim(&self, id: Uuid) -> Option<lease::ClaimedDocument> {
        let mut system = self.app.state.db.system().await.unwrap();
        let claimed = lease::claim(&mut system, id.into()).await.unwrap();
        system.commit().await.unwrap();
        claimed
    }

    async fn sweep(&self) -> lease::Swept {
        let mut system = self.app.state.db.system().await.unwrap();
        let swept = lease::sweep(&mut system).await.unwrap();
        system.commit().await.unwrap();
        swept
    }

    async fn index(&self) -> crate::rag::index::EmbeddingIndex {
        crate::rag::index::ensure_active(&self.app.state.db, &self.app.state.embedders).await.unwrap()
    }
}

async fn count(sql: &mut PgConnection, query: &'static str, id: Uuid) -> i64 {
    sqlx::query_scalar(query).bind(id).fetch_one(sql).await.unwrap()
}

const CHUNKS: &str = "select count(*) from chunks where document_id = $1";
const EMBEDDINGS: &str = "select count(*) from chunk_embeddings where document_id = $1";
const WAITING_JOBS: &str = "select count(*) from graphile_worker.jobs where key = $1::text and attempts < max_attempts";

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_document_becomes_ready_and_is_found() {
    let setting = Setting::new().await;
    setting.app.start_worker().await;
    let id = setting.ada.new_document(setting.project, "guide.md", GUIDE).await;
    let document = setting.ended(id).await;
    assert_eq!((document.state, document.failure, document.page_count), (DocumentState::Ready, None, Some(1)));
    assert!(document.chunks_total > 0 && document.chunks_done == document.chunks_total);

    let pages: Vec<DocumentPage> = setting.ada.get(&format!("/api/v1/documents/{id}/pages")).await.json(200);
    for query in ["What is amber for?", "how does the brand talk to people", "AMBER"] {
        let path = format!("/api/v1/projects/{}/search?q={}", setting.project, query.replace(' ', "%20"));
        let passages: Vec<Passage> = setting.ada.get(&path).await.json(200);
        let first = passages.first().expect(query);
        let page = &pages[first.span.page as usize - 1].text;
        let at_span: String =
            page.chars().skip(first.span.start as usize).take((first.span.end - first.span.start) as usize).collect();
        assert_eq!((first.document_id, &at_span), (id.into(), &first.text));
        assert!(first.similarity.is_some());
    }

    let eve = setting.app.user("eve").await;
    eve.get(&format!("/api/v1/projects/{}/search?q=amber", setting.project)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_fails_with_its_reason_and_leaves_no_text() {
    let setting = Setting::new().await;
    setting.app.start_worker().await;
    let id = setting.ada.new_document(setting.project, "empty.md", "<!-- -->\n\n---\n").await;
    let document = setting.ended(id).await;
    assert_eq!(document.state, DocumentState::Failed);
    assert!(document.failure.unwrap().starts_with("The file has no text in it. "));
    assert_eq!(count(&mut setting.app.sql().await, CHUNKS, id).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_at_a_time_and_the_late_one_writes_nothing() {
    let setting = Setting::new().await;
    setting.index().await;
    let id = setting.ada.new_document(setting.project, "guide.md", GUIDE).await;
    let mut sql = setting.app.sql().await;

    let slow = setting.claim(id).await.unwrap();
    assert_eq!(setting.claim(id).await, None, "it is taken");
    sqlx::query("update documents set leased_until = now() - interval '1 second' where id = $1")
        .bind(id)
        .execute(&mut sql)
        .await
        .unwrap();
    assert_eq!(setting.sweep().await, lease::Swept { crashed: 1, ..lease::Swept::default() });
    let second = setting.claim(id).await.unwrap();

    assert_eq!(documents::ingest(&setting.app.state, &slow).await.unwrap(), Ended::LeaseLost);
    assert_eq!(count(&mut sql, CHUNKS, id).await, 0);
    assert_eq!(documents::ingest(&setting.app.state, &second).await.unwrap(), Ended::Done);
    assert_eq!(setting.document(id).await.state, DocumentState::Ready);
    assert_eq!(setting.claim(id).await, None, "it is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_while_a_document_is_read_costs_only_time() {
    let mut faulty = None;
    let app = TestApp::start_on(&[], |settings| faulty.insert(FaultyStore::before(settings)).client()).await;
    let (setting, faulty) = (Setting::of(app).await, faulty.unwrap());
    setting.index().await;
    let id = setting.ada.new_document(setting.project, "guide.md", GUIDE).await;
    let claimed = setting.claim(id).await.unwrap();
    faulty.set_down(true);
    let fault = documents::ingest(&setting.app.state, &claimed).await.unwrap_err();
    assert!(matches!(fault, Fault::Store(_)), "{fault}");
    assert!(setting.document(id).await.state.is_working(), "it waits for the next delivery");
    faulty.set_down(false);
    faulty.plan(Method::GET, Misdeed::Truncate(20), 1);
    assert_eq!(documents::ingest(&setting.app.state, &claimed).await.unwrap(), Ended::Done);
    assert!(faulty.is_spent());
    assert_eq!(setting.document(id).await.state, DocumentState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_stops_its_worker_again_and_again_is_set_aside() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "poison.md", GUIDE).await;
    let mut sql = setting.app.sql().await;
    for crash in 1..=3 {
        assert!(setting.claim(id).await.is_some(), "try {crash}");
        sqlx::query("update documents set leased_until = now() - interval '1 second' where id = $1")
            .bind(id)
            .execute(&mut sql)
            .await
            .unwrap();
        let swept = setting.sweep().await;
        assert_eq!((swept.crashed, swept.set_aside), (1, usize::from(crash == 3)));
    }
    let document = setting.document(id).await;
    assert_eq!(document.state, DocumentState::Failed);
    assert!(document.failure.unwrap().contains("set aside"));
    assert_eq!(setting.sweep().await, lease::Swept::default());

    setting.ada.post(&format!("/api/v1/documents/{id}/retry"), &serde_json::json!({})).await;
    assert!(setting.claim(id).await.is_some(), "a person may try it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_job_is_queued_again() {
    let setting = Setting::new().await;
    let id = setting.ada.new_document(setting.project, "guide.md", GUIDE).await;
    let mut sql = setting.app.sql().await;
    assert_eq!(count(&mut sql, WAITING_JOBS, id).await, 1, "the upload queued it");

    // As if a worker had died between taking the job and claiming the document.
    sqlx::query("delete from graphile_worker._private_jobs").execute(&mut sql).await.unwrap();
    assert_eq!(setting.sweep().await, lease::Swept::default(), "not at once");
    sqlx::query("update documents set updated_at = now() - interval '5 minutes'").execute(&mut sql).await.unwrap();
    assert_eq!(setting.sweep().await.forgotten, 1);
    assert_eq!(count(&mut sql, WAITING_JOBS, id).await, 1);
    assert_eq!(setting.sweep().await.forgotten, 0, "it is queued by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_embedded_is_not_embedded_again() {
    let setting = Setting::new().await;
    let index = setting.index().await;
    let long: String = (0..400)
        .map(|number| format!("Sentence {number} is about the tone of voice of brand {}. ", number * 7))
        .collect();
    let id = setting.ada.new_document(setting.project, "long.md", &long).await;
    let claimed = setting.claim(id).await.unwrap();
    assert_eq!(documents::ingest(&setting.app.state, &claimed).await.unwrap(), Ended::Done);
    let mut sql = setting.app.sql().await;
    let chunks = count(&mut sql, CHUNKS, id).await;
    assert!(chunks > 10);
    assert_eq!(count(&mut sql, EMBEDDINGS, id).await, chunks);

    // A crash in the middle of embedding: some embeddings are missing, and those that are there carry a mark.
    sqlx::query("update chunk_embeddings set embedding = '[1]'").execute(&mut sql).await.unwrap_err();
    sqlx::query("delete from chunk_embeddings where chunk_id in (select id from chunks where document_id = $1 order by ordinal offset 4)")
        .bind(id)
        .execute(&mut sql)
        .await
        .unwrap();
    let written = "select max(xmin::text::bigint) from chunk_embeddings where chunk_id in (select id from chunks where document_id = $1 order by ordinal limit 4)";
    let before = count(&mut sql, written, id).await;
    sqlx::query("update documents set state = 'queued' where id = $1").bind(id).execute(&mut sql).await.unwrap();
    let again = setting.claim(id).await.unwrap();
    assert!(!again.extracted, "the text is read again, as a retry wants it");
    assert_eq!(documents::ingest(&setting.app.state, &again).await.unwrap(), Ended::Done);
    assert_eq!(count(&mut sql, CHUNKS, id).await, chunks);
    assert_eq!(count(&mut sql, EMBEDDINGS, id).await, chunks);
    assert_eq!(count(&mut sql, written, id).await, before, "chunks that are the same keep their embeddings");

    sqlx::query("update documents set state = 'embedding' where id = $1").bind(id).execute(&mut sql).await.unwrap();
    assert!(setting.claim(id).await.unwrap().extracted, "a run that broke off while embedding goes on there");
    assert_eq!(index, setting.index().await, "the same index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_worker_gives_its_work_back() {
    let setting = Setting::new().await;
    let long: String = (0..20_000)
        .map(|number| format!("Sentence {number} is about the tone of voice of brand {}. ", number * 7))
        .collect();
    let worker = start_worker(setting.app.state.clone()).await.unwrap();
    let id = setting.ada.new_document(setting.project, "long.md", &long).await;
    for _ in 0..600 {
        if setting.document(id).await.chunks_done > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stopping = std::time::Instant::now();
    worker.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(10));
    let document = setting.document(id).await;
    assert_eq!(document.state, DocumentState::Embedding);
    assert!(document.chunks_done > 0 && document.chunks_done < document.chunks_total);
    let mut sql = setting.app.sql().await;
    assert_eq!(count(&mut sql, WAITING_JOBS, id).await, 1, "another worker will get it");
    assert!(setting.claim(id).await.is_some_and(|claimed| claimed.extracted), "its lease is released");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_may_start_at_once() {
    let setting = Setting::new().await;
    let mut sql = setting.app.sql().await;
    sqlx::query("drop schema graphile_worker cascade").execute(&mut sql).await.unwrap();
    let start = || async {
        migrate(&setting.app.state.db).await.unwrap();
        setting.index().await
    };
    let (first, second, third) = tokio::join!(start(), start(), start());
    assert_eq!(first, second);
    assert_eq!(second, third);
    let active: i64 = sqlx::query_scalar("select count(*) from embedding_indexes where state = 'active'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(active, 1);
}
