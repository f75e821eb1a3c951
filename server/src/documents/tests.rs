#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    storage::ObjectKey,
    testing::{Client, Form, TestApp},
    workspaces::tests::all_pages,
};
use domain::documents::{Document, DocumentState};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

struct Desk {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
}

async fn desk(variables: &[(&str, &str)]) -> Desk {
    let app = TestApp::start_with(variables).await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    Desk { app, ada, workspace, project }
}

impl Desk {
    fn path(&self) -> String {
        format!("/api/v1/projects/{}/documents", self.project)
    }

    fn key(&self, document: Uuid) -> ObjectKey {
        ObjectKey::Document { workspace: self.workspace.into(), document: document.into() }
    }

    /// Rows and objects of the workspace, which must agree.
    async fn stored(&self) -> (i64, u64) {
        let rows =
            sqlx::query_scalar("select count(*) from documents").fetch_one(&mut self.app.sql().await).await.unwrap();
        let prefix = crate::storage::ObjectPrefix::Workspace(self.workspace.into());
        // There is no way to count but to delete; nothing needs them afterwards.
        (rows, self.app.state.store.delete_prefix(prefix).await.unwrap())
    }
}

#[tokio::test]
async fn files_are_stored_as_they_came_and_queued() {
    let desk = desk(&[]).await;
    let markdown = "# Launch\n\nOn the third of May – “soft”.\n";
    let form = Form::new()
        .field("note", "ignored")
        .file("brief.md", markdown.as_bytes())
        .file("C:\\\\x\\\\plan.pdf", b"%PDF-1.7\nnot much of one");
    let made: Vec<Document> = desk.ada.post_form(&desk.path(), &form).await.json(201);
    let [brief, plan] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((brief.name.as_str(), brief.media_type.as_str()), ("brief.md", "text/markdown"));
    assert_eq!((plan.name.as_str(), plan.media_type.as_str()), ("plan.pdf", "application/pdf"));
    assert_eq!(brief.size_bytes, markdown.len() as u64);
    assert_eq!((brief.state, brief.page_count, brief.chunks_total), (DocumentState::Queued, None, 0));
    assert_eq!(brief.created_by, "ada");

    let file = desk.ada.get(&format!("/api/v1/documents/{}/file", brief.id)).await;
    assert_eq!(file.expect(200).text(), markdown);
    let found: Document = desk.ada.get(&format!("/api/v1/documents/{}", plan.id)).await.json(200);
    assert_eq!(&found, plan);
    let jobs: i64 = sqlx::query_scalar("select count(*) from graphile_worker.jobs")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!(jobs, 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_leaves_nothing() {
    let desk = desk(&[]).await;
    let text = "The launch is on the third of May. ".repeat(40_000);
    let mut late = text.clone().into_bytes();
    late.push(0);
    let mut cut = text.clone().into_bytes();
    cut.push(0xC3);
    for (form, reason) in [
        (Form::new(), "Choose a file"),
        (Form::new().field("file", "no name"), "file name"),
        (Form::new().file("", b""), "Choose a file"),
        (Form::new().file("empty.txt", b""), "is empty"),
        (Form::new().file("brief.odt", b"PK\x03\x04 and more"), "Add a PDF, Word"),
        (Form::new().file("brief.txt", b"%PDF-1.7"), "PDF inside"),
        (Form::new().file("brief.pdf", b"<!doctype html>"), "web page inside"),
        (Form::new().file("late.txt", &late), "UTF-8"),
        (Form::new().file("cut.txt", &cut), "UTF-8"),
        // One bad file refuses the good one before it.
        (Form::new().file("good.txt", text.as_bytes()).file("empty.txt", b""), "is empty"),
    ] {
        let problem = desk.ada.post_form(&desk.path(), &form).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], "file", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{detail}");
    }
    for form in [
        Form::new().file("brief.txt", text.as_bytes()).broken_off(),
        Form::new().file("brief.txt", b"short").broken_off(),
    ] {
        desk.ada.post_form(&desk.path(), &form).await.problem(400);
    }
    desk.ada.post(&desk.path(), &json!({})).await.problem(415);
    assert_eq!(desk.stored().await, (0, 0));
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_with_a_sentence() {
    let desk = desk(&[("ATELIER_MAX_UPLOAD_MB", "1")]).await;
    let megabyte = 1024 * 1024;
    desk.ada.post_form(&desk.path(), &Form::new().file("full.txt", &vec![b'a'; megabyte])).await.expect(201);
    for size in [megabyte + 1, 8 * megabyte] {
        let problem =
            desk.ada.post_form(&desk.path(), &Form::new().file("over.txt", &vec![b'a'; size])).await.problem(413);
        assert!(problem["detail"].as_str().unwrap().contains("larger than 1 MB"), "{problem}");
    }
    assert_eq!(desk.stored().await, (1, 1));
}

#[tokio::test]
async fn a_plain_form_is_answered_with_a_page() {
    let desk = desk(&[]).await;
    let send = async |form: Form| {
        let request = desk
            .ada
            .request(Method::POST, &desk.path())
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        desk.ada.send(request.header(header::CONTENT_TYPE, form.content_type()).body(form.body())).await
    };
    let done = send(Form::new().file("brief.txt", b"Due in May.")).await;
    done.expect(303);
    assert_eq!(done.header("location"), format!("/projects/{}/documents", desk.project));
    let refused = send(Form::new().file("<img src=x>.odt", b"PK\x03\x04")).await;
    refused.expect(422);
    let page = refused.text();
    assert!(page.contains("Add a PDF, Word") && page.contains("Go back"), "{page}");
    assert!(!page.contains("<img src=x>"), "{page}");
}

#[tokio::test]
async fn a_file_is_served_so_that_nothing_in_it_runs() {
    let desk = desk(&[]).await;
    let html = b"<!doctype html><script>alert(1)</script>";
    let form = Form::new().file("page.html", html).file("plan \u{e9}.pdf", b"%PDF-1.7\n0123456789");
    let made: Vec<Document> = desk.ada.post_form(&desk.path(), &form).await.json(201);

    let page = desk.ada.get(&format!("/api/v1/documents/{}/file", made[0].id)).await;
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(page.header("content-security-policy").contains("sandbox"));
    assert!(page.header("content-disposition").starts_with("attachment;"));
    assert!(page.header("cache-control").contains("private"));

    let path = format!("/api/v1/documents/{}/file", made[1].id);
    let pdf = desk.ada.get(&path).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-security-policy").starts_with("default-src 'none';"));
    assert_eq!(
        pdf.header("content-disposition"),
        "inline; filename=\"plan _.pdf\"; filename*=UTF-8''plan%20%C3%A9.pdf"
    );
    assert_eq!(pdf.header("content-length"), "19");
    let etag = pdf.header("etag").to_owned();

    let ask = async |name: header::HeaderName, value: &str| {
        desk.ada.send(desk.ada.request(Method::GET, &path).header(name, value)).await
    };
    let part = ask(header::RANGE, "bytes=9-12").await;
    assert_eq!((part.expect(206).text().as_str(), part.header("content-range")), ("0123", "bytes 9-12/19"));
    let end = ask(header::RANGE, "bytes=-4").await;
    assert_eq!((end.expect(206).text().as_str(), end.header("content-length")), ("6789", "4"));
    let beyond = ask(header::RANGE, "bytes=19-").await;
    assert_eq!(beyond.expect(416).header("content-range"), "bytes */19");
    let same = ask(header::IF_NONE_MATCH, &etag).await;
    assert!(same.expect(304).body.is_empty());
    ask(header::IF_NONE_MATCH, "\"other\"").await.expect(200);
    let stale =
        desk.ada.request(Method::GET, &path).header(header::RANGE, "bytes=0-1").header(header::IF_RANGE, "\"other\"");
    desk.ada.send(stale).await.expect(200);
    let head = desk.ada.send(desk.ada.request(Method::HEAD, &path)).await;
    assert_eq!((head.expect(200).header("content-length"), head.body.len()), ("19", 0));
}

#[tokio::test]
async fn a_document_is_deleted_with_its_file() {
    let desk = desk(&[]).await;
    let id = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    assert!(desk.app.state.store.head(desk.key(id)).await.is_ok());
    desk.ada.delete(&format!("/api/v1/documents/{id}?forever=true")).await.expect(204);
    desk.ada.get(&format!("/api/v1/documents/{id}")).await.problem(404);
    desk.ada.delete(&format!("/api/v1/documents/{id}")).await.problem(404);
    assert_eq!(desk.stored().await, (0, 0));
}

#[tokio::test]
async fn only_a_failed_document_is_tried_again() {
    let desk = desk(&[]).await;
    let id = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    let path = format!("/api/v1/documents/{id}/retry");
    desk.ada.post(&path, &json!({})).await.problem(409);
    sqlx::query("update documents set state = 'failed', failure = 'The file is damaged.', crashes = 3, lease_epoch = 4 where id = $1")
        .bind(id)
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    let failed: Document = desk.ada.get(&format!("/api/v1/documents/{id}")).await.json(200);
    assert_eq!(failed.failure.as_deref(), Some("The file is damaged."));
    let again: Document = desk.ada.post(&path, &json!({})).await.json(202);
    assert_eq!((again.state, again.failure), (DocumentState::Queued, None));
    let (epoch, crashes): (i64, i32) = sqlx::query_as("select lease_epoch, crashes from documents where id = $1")
        .bind(id)
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!((epoch, crashes), (5, 0), "a worker that still holds it has lost its lease");
}

#[tokio::test]
async fn pages_of_text_come_in_order_from_the_one_that_is_asked_for() {
    let desk = desk(&[]).await;
    let id = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    sqlx::query("insert into document_pages (document_id, number, workspace_id, text) select $1, n, $2, 'Page ' || n from generate_series(1, 120) n")
        .bind(id)
        .bind(desk.workspace)
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    let numbers = async |query: &str| {
        let pages: Vec<Value> = desk.ada.get(&format!("/api/v1/documents/{id}/pages{query}")).await.json(200);
        pages.iter().map(|page| page["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, (1..=10).collect::<Vec<_>>());
    assert_eq!(numbers("?from=100&limit=3").await, [100, 101, 102]);
    assert_eq!(numbers("?limit=1000").await.len(), 50);
    assert_eq!(numbers("?from=121").await, [0u64; 0]);
    assert_eq!(numbers("?from=4294967295").await, [0u64; 0]);
}

#[tokio::test]
async fn pages_of_a_long_list_hold_every_row_once_and_the_newest_first() {
    let desk = desk(&[]).await;
    sqlx::query(
        "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key)
         select gen_random_uuid(), $1, $2, n || '.txt', 'text/plain', 1, '', n::text from generate_series(1, 253) n",
    )
    .bind(desk.workspace)
    .bind(desk.project)
    .execute(&mut desk.app.sql().await)
    .await
    .unwrap();
    let items = all_pages(&desk.ada, &desk.path(), 100).await;
    let ids: Vec<Uuid> = items.iter().map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(ids.len(), 253);
    assert!(ids.is_sorted_by(|a, b| a > b), "neither out of order nor twice");
}

/// Reads events until one fulfils the condition.
pub(crate) async fn event(
    response: &mut reqwest::Response,
    text: &mut String,
    wanted: impl Fn(&str) -> bool,
) -> String {
    let reading = async {
        loop {
            while let Some((event, rest)) = text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                *text = rest;
                if wanted(&event) {
                    return event;
                }
            }
            let chunk = response.chunk().await.unwrap().expect("the stream ended early");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("no such event within ten seconds")
}

#[tokio::test]
async fn whoever_looks_at_a_project_sees_its_documents_change() {
    let desk = desk(&[]).await;
    let first = desk.ada.new_document(desk.project, "first.txt", "Due in May.").await;
    let other = desk.ada.new_project(desk.workspace, "Other").await;
    let mut stream =
        desk.ada.request(Method::GET, &format!("/api/v1/projects/{}/events", desk.project)).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let now = event(&mut stream, &mut text, |event| event.contains(&first.to_string())).await;
    assert!(now.contains("event: document") && now.contains("\"state\":\"queued\"") && now.contains("id: "), "{now}");

    desk.ada.new_document(other, "elsewhere.txt", "Not of this project.").await;
    let second = desk.ada.new_document(desk.project, "second.txt", "Due in June.").await;
    let next = event(&mut stream, &mut text, |event| !event.starts_with(':')).await;
    assert!(next.contains(&second.to_string()), "{next}");

    desk.ada.delete(&format!("/api/v1/documents/{second}")).await.expect(204);
    let gone = event(&mut stream, &mut text, |event| event.contains("event: deleted")).await;
    assert!(gone.contains(&second.to_string()), "{gone}");
}

#[tokio::test]
async fn a_stream_ends_for_whoever_is_no_longer_a_member_and_when_the_server_stops() {
    let desk = desk(&[]).await;
    let eve = desk.app.user("eve").await;
    eve.get("/api/v1/me").await.expect(200);
    let mut sql = desk.app.sql().await;
    sqlx::query("insert into members (workspace_id, user_id, role) values ($1, $2, 'viewer')")
        .bind(desk.workspace)
        .bind(eve.user_id())
        .execute(&mut sql)
        .await
        .unwrap();
    let path = format!("/api/v1/projects/{}/events", desk.project);
    let of_eve = eve.request(Method::GET, &path).send().await.unwrap();
    let of_ada = desk.ada.request(Method::GET, &path).send().await.unwrap();
    sqlx::query("delete from members where user_id = $1").bind(eve.user_id()).execute(&mut sql).await.unwrap();
    desk.ada.new_document(desk.project, "secret.txt", "Not for Eve.").await;
    let seen =
        tokio::time::timeout(Duration::from_secs(10), of_eve.text()).await.expect("Eve's stream goes on").unwrap();
    assert!(!seen.contains("secret.txt"), "{seen}");

    desk.app.state.events.stop();
    let seen =
        tokio::time::timeout(Duration::from_secs(10), of_ada.text()).await.expect("Ada's stream goes on").unwrap();
    assert!(seen.contains("secret.txt"), "{seen}");
}
