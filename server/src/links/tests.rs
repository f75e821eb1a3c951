//! Links from the address to the document, with servers of this machine in the place of the web.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    documents::jobs::{Ended, give_up, ingest},
    fault::Fault,
    jobs::lease::{self, ClaimedDocument},
    storage::ObjectPrefix,
    testing::{Client, Form, TestApp},
    web::{
        FetchError,
        sites::{Sites, page, send, serve},
    },
};
use domain::documents::{Document, DocumentPage, DocumentState};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

struct Desk {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::start_among(&Sites::one()).await;
        crate::rag::index::ensure_active(&app.state.db, &app.state.embedders).await.unwrap();
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Launch").await;
        Self { app, ada, workspace, project }
    }

    async fn add(&self, url: &str) -> Document {
        self.ada.post(&format!("/api/v1/projects/{}/links", self.project), &json!({ "url": url })).await.json(201)
    }

    async fn find(&self, id: impl Into<Uuid>) -> Document {
        self.ada.get(&format!("/api/v1/documents/{}", id.into())).await.json(200)
    }

    async fn text(&self, id: impl Into<Uuid>) -> String {
        let pages: Vec<DocumentPage> = self.ada.get(&format!("/api/v1/documents/{}/pages", id.into())).await.json(200);
        pages.into_iter().map(|page| page.text).collect()
    }

    async fn claim(&self, id: impl Into<Uuid>) -> ClaimedDocument {
        let mut system = self.app.state.db.system().await.unwrap();
        let claimed = lease::claim(&mut system, id.into().into()).await.unwrap();
        system.commit().await.unwrap();
        claimed.expect("it waits for a worker")
    }

    async fn ingest(&self, id: impl Into<Uuid>) -> Result<Ended, Fault> {
        ingest(&self.app.state, &self.claim(id).await).await
    }

    /// Adds a link, has it fetched, and returns what it has become.
    async fn fetched(&self, url: &str) -> Document {
        let id = self.add(url).await.id;
        assert_eq!(self.ingest(id).await.unwrap(), Ended::Done);
        self.find(id).await
    }

    async fn objects(&self) -> usize {
        let prefix = ObjectPrefix::Workspace(self.workspace.into());
        self.app.state.store.list(prefix, None).await.unwrap().objects.len()
    }
}

const HTML: &str = "200 OK\r\ncontent-type: text/html; charset=utf-8";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_becomes_a_document_that_says_where_it_is_from() {
    let desk = Desk::open().await;
    let html = "<!doctype html><title>Prices &amp; terms</title><p>A cup is forty kroner, a bag two hundred.</p>";
    let port = page(HTML, html).await;
    let url = format!("http://site.test:{port}/prices");

    let waiting = desk.add(&format!("{url}#top")).await;
    assert_eq!(waiting.state, DocumentState::Queued);
    assert_eq!(waiting.source_url.as_deref(), Some(url.as_str()));
    assert_eq!((waiting.fetched_at, waiting.size_bytes, waiting.name.as_str()), (None, 0, "site.test/prices"));
    desk.ada.get(&format!("/api/v1/documents/{}/file", waiting.id)).await.problem(404);
    desk.ada.post(&format!("/api/v1/documents/{}/shares", waiting.id), &json!({})).await.problem(409);

    assert_eq!(desk.ingest(waiting.id).await.unwrap(), Ended::Done);
    let document = desk.find(waiting.id).await;
    assert_eq!((document.state, document.name.as_str()), (DocumentState::Ready, "Prices & terms"), "{document:?}");
    assert_eq!((document.media_type.as_str(), document.size_bytes), ("text/html", html.len() as u64));
    assert!(document.fetched_at.is_some() && document.source_url.as_deref() == Some(&url));
    assert!(desk.text(document.id).await.contains("A cup is forty kroner"));
    let file = desk.ada.get(&format!("/api/v1/documents/{}/file", document.id)).await;
    assert_eq!(file.expect(200).body, html.as_bytes());
    assert_eq!(desk.objects().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_say_what_it_is_and_old_encodings_are_read() {
    let desk = Desk::open().await;
    let latin = b"<title>Caf\xe9</title><meta charset=koi8-r><p>Cr\xe8me br\xfbl\xe9e for dessert".to_vec();
    let port = page("200 OK\r\ncontent-type: text/html; charset=ISO-8859-1", latin).await;
    let cafe = desk.fetched(&format!("http://site.test:{port}/")).await;
    assert_eq!((cafe.name.as_str(), cafe.state), ("Café", DocumentState::Ready), "{cafe:?}");
    assert!(desk.text(cafe.id).await.contains("Crème brûlée"), "{}", desk.text(cafe.id).await);

    let port = page("200 OK\r\ncontent-type: text/plain", "# Voice\n\nWarm and plain.").await;
    let markdown = desk.fetched(&format!("http://site.test:{port}/docs/voice.md")).await;
    assert_eq!((markdown.name.as_str(), markdown.media_type.as_str()), ("voice.md", "text/markdown"));

    let pdf = include_bytes!("../rag/extract/fixtures/guide.pdf");
    let port = page("200 OK\r\ncontent-type: application/octet-stream", pdf.as_slice()).await;
    let guide = desk.fetched(&format!("http://site.test:{port}/download?id=7")).await;
    assert_eq!((guide.media_type.as_str(), guide.state), ("application/pdf", DocumentState::Ready), "{guide:?}");

    for (headers, body, reason) in [
        ("200 OK\r\ncontent-type: video/mp4", "x", "a kind that cannot be read (video/mp4)"),
        ("200 OK\r\ncontent-type: text/html", "", "the page is empty"),
        ("200 OK\r\ncontent-type: text/plain", "a\0b", "a kind that cannot be read"),
        ("404 Not Found", "", "there is no such page"),
        ("403 Forbidden", "", "without a login"),
    ] {
        let port = page(headers, body).await;
        let failed = desk.fetched(&format!("http://site.test:{port}/")).await;
        assert_eq!(failed.state, DocumentState::Failed);
        assert!(failed.failure.as_deref().is_some_and(|told| told.contains(reason)), "{:?}", failed.failure);
        assert_eq!((failed.fetched_at, failed.size_bytes), (None, 0));
    }
    assert_eq!(desk.objects().await, 3, "what failed has stored nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_private_address_is_asked_for_whatever_leads_there() {
    let desk = Desk::open().await;
    let links = format!("/api/v1/projects/{}/links", desk.project);
    for (url, told) in [
        ("http://10.0.0.1/", "private network"),
        ("http://169.254.169.254/latest/meta-data", "private network"),
        ("http://[::1]/", "private network"),
        ("http://ada:secret@example.com/", "password"),
        ("nonsense", "whole address"),
    ] {
        let problem = desk.ada.post(&links, &json!({ "url": url })).await.problem(422);
        assert!(problem["detail"].as_str().unwrap().contains(told), "{url}: {problem}");
    }
    // What only shows on the way is told by the document.
    let port = page("302 Found\r\nlocation: http://192.168.0.1/admin", "").await;
    let document = desk.fetched(&format!("http://site.test:{port}/")).await;
    assert_eq!(document.state, DocumentState::Failed);
    assert!(document.failure.unwrap().starts_with("192.168.0.1 is on a private network"));
    assert_eq!(desk.objects().await, 0);

    // In production this machine is no part of the web.
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Launch").await;
    let own = json!({ "url": app.url.as_str() });
    ada.post(&format!("/api/v1/projects/{project}/links"), &own).await.problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again_and_then_told() {
    let desk = Desk::open().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let port = serve(move |_, stream| {
        let headers = if count.fetch_add(1, Ordering::SeqCst) < 2 { "503 Busy" } else { HTML };
        send(stream, headers, Arc::new(b"<title>At last</title><p>Here is the page.".to_vec()))
    })
    .await;
    desk.app.start_worker().await;
    let id = desk.add(&format!("http://site.test:{port}/")).await.id;
    let ready = async {
        loop {
            let document = desk.find(id).await;
            if !document.state.is_working() {
                return document;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let document = tokio::time::timeout(Duration::from_secs(60), ready).await.expect("it is fetched in the end");
    assert_eq!((document.state, document.name.as_str()), (DocumentState::Ready, "At last"), "{document:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_try_the_reason_is_told_and_it_can_be_tried_again() {
    let desk = Desk::open().await;
    let down = Arc::new(AtomicUsize::new(1));
    let is_down = down.clone();
    let port = serve(move |_, stream| {
        let headers = if is_down.load(Ordering::SeqCst) == 1 { "502 Bad Gateway" } else { HTML };
        send(stream, headers, Arc::new(b"<p>Now it is there.".to_vec()))
    })
    .await;
    let id = desk.add(&format!("http://site.test:{port}/")).await.id;
    let claimed = desk.claim(id).await;
    let fault = ingest(&desk.app.state, &claimed).await.unwrap_err();
    assert!(matches!(&fault, Fault::Web(FetchError::Passing { status: 502, .. })), "{fault:?}");
    give_up(&desk.app.state, &claimed, fault).await.unwrap();
    let failed = desk.find(id).await;
    assert_eq!(failed.state, DocumentState::Failed);
    assert!(failed.failure.unwrap().starts_with("site.test answered with the error 502."));

    down.store(0, Ordering::SeqCst);
    let again: Document = desk.ada.post(&format!("/api/v1/documents/{id}/retry"), &json!({})).await.json(202);
    assert_eq!(again.state, DocumentState::Queued);
    assert_eq!(desk.ingest(id).await.unwrap(), Ended::Done);
    assert!(desk.text(id).await.contains("Now it is there."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_fetched_again_takes_the_old_ones_place_when_it_is_ready() {
    let desk = Desk::open().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let port = serve(move |_, stream| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!("<title>Version {number}</title><p>The price is {number}0 kroner.");
        let headers = if number == 2 { "410 Gone" } else { HTML };
        send(stream, headers, Arc::new(body.into_bytes()))
    })
    .await;
    let url = format!("http://site.test:{port}/price");
    let first = desk.fetched(&url).await;
    let fetch = format!("/api/v1/documents/{}/fetch", first.id);

    // A page that is gone leaves what there is.
    let version: Document = desk.ada.post(&fetch, &json!({})).await.json(202);
    assert_eq!((version.replaces, version.source_url.as_deref()), (Some(first.id), Some(url.as_str())));
    desk.ada.post(&format!("/api/v1/documents/{}/fetch", version.id), &json!({})).await.problem(409);
    assert_eq!(desk.ingest(version.id).await.unwrap(), Ended::Done);
    assert_eq!(desk.find(version.id).await.state, DocumentState::Failed);
    assert!(desk.text(first.id).await.contains("10 kroner"));

    // The next try replaces the failed one, and adding the same address is another.
    let version = desk.add(&url).await;
    assert_eq!(version.replaces, Some(first.id));
    assert_eq!(desk.ingest(version.id).await.unwrap(), Ended::Done);
    let now = desk.find(first.id).await;
    assert!(desk.text(first.id).await.contains("30 kroner"));
    assert!(now.fetched_at > first.fetched_at && now.source_url == first.source_url);
    assert_eq!(now.name, "Version 1", "a document keeps its name");
    desk.ada.get(&format!("/api/v1/documents/{}", version.id)).await.problem(404);
    assert_eq!(desk.objects().await, 1, "the old file is gone");

    // A file that replaces it is no link any more.
    let file = Form::new().file("price.txt", b"Ask us.");
    let put = desk.ada.request(reqwest::Method::PUT, &format!("/api/v1/documents/{}/file", first.id));
    let put = put.header("content-type", file.content_type()).body(file.body());
    let uploaded: Document = desk.ada.send(put).await.json(202);
    assert_eq!(desk.ingest(uploaded.id).await.unwrap(), Ended::Done);
    assert_eq!(desk.find(first.id).await.source_url, None);
    desk.ada.post(&fetch, &json!({})).await.problem(409);
}
