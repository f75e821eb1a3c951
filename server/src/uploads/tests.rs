#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    documents::orphans,
    storage::{
        ObjectKey, ObjectPrefix, PART_BYTES,
        faulty::{FaultyStore, Misdeed},
    },
    testing::{Answer, Client, TestApp},
};
use domain::{
    documents::{Document, DocumentState},
    uploads::Upload,
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

const CHUNK: &str = "application/offset+octet-stream";

struct Desk {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
}

async fn desk_of(app: TestApp) -> Desk {
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    Desk { app, ada, workspace, project }
}

async fn desk() -> Desk {
    desk_of(TestApp::start().await).await
}

/// A desk whose store can be told to fail.
async fn shaky_desk() -> (Desk, FaultyStore) {
    let mut faulty = None;
    let app = TestApp::start_on(&[], |settings| faulty.insert(FaultyStore::before(settings)).client()).await;
    (desk_of(app).await, faulty.unwrap())
}

impl Desk {
    fn path(&self) -> String {
        format!("/api/v1/projects/{}/uploads", self.project)
    }

    async fn begin(&self, name: &str, content: &[u8]) -> Upload {
        let new = json!({ "name": name, "size_bytes": content.len(), "modified_ms": 1_700_000_000_000_i64 });
        self.ada.post(&self.path(), &new).await.json(201)
    }

    async fn begin_attachment(&self, content: &str, modified: i64) -> Upload {
        let size = content.len();
        let new = json!({ "name": "brief.md", "size_bytes": size, "modified_ms": modified, "attachment": true });
        self.ada.post(&self.path(), &new).await.json(201)
    }

    async fn send(&self, upload: &Upload, offset: u64, chunk: &[u8]) -> Answer {
        let request = self.ada.request(Method::PATCH, &format!("/api/v1/uploads/{}", upload.id));
        let request = request.header(header::CONTENT_TYPE, CHUNK).header("upload-offset", offset);
        self.ada.send(request.body(chunk.to_vec())).await
    }

    /// Sends what is missing, chunk by chunk.
    async fn send_rest(&self, upload: &Upload, content: &[u8]) -> Upload {
        let mut upload = self.find(upload).await;
        while upload.document_id.is_none() {
            let rest = &content[upload.offset as usize..];
            let chunk = &rest[..rest.len().min(upload.chunk_bytes as usize)];
            upload = self.send(&upload, upload.offset, chunk).await.json(200);
        }
        upload
    }

    async fn find(&self, upload: &Upload) -> Upload {
        self.ada.get(&format!("/api/v1/uploads/{}", upload.id)).await.json(200)
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.app.sql().await).await.unwrap()
    }

    async fn run(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut self.app.sql().await).await.unwrap();
    }

    fn new_key(&self) -> ObjectKey {
        ObjectKey::Document { workspace: self.workspace.into(), document: Uuid::now_v7().into() }
    }

    async fn objects(&self) -> usize {
        self.app.state.store.list(ObjectPrefix::All, None).await.unwrap().objects.len()
    }

    async fn unfinished(&self) -> usize {
        self.app.state.store.list_unfinished(ObjectPrefix::All).await.unwrap().len()
    }

    async fn sweep(&self, grace: Duration) -> orphans::Found {
        orphans::sweep(&self.app.state, grace).await.unwrap()
    }
}

/// Text whose parts differ, with characters of several bytes, so that some chunk ends within one.
fn text(bytes: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        text.push_str(&format!("{number} – die Marke spricht wärmer €. "));
        number += 1;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.into_bytes()
}

#[tokio::test]
async fn a_file_goes_up_in_chunks_and_becomes_a_document() {
    let desk = desk().await;
    let content = text(2 * PART_BYTES + 1000);
    let upload = desk.begin("long.txt", &content).await;
    assert_eq!((upload.offset, upload.chunk_bytes, upload.document_id), (0, PART_BYTES as u64, None));
    let first = desk.send(&upload, 0, &content[..PART_BYTES]).await;
    assert_eq!(first.expect(200).header("upload-offset"), PART_BYTES.to_string());
    let head = desk.ada.send(desk.ada.request(Method::HEAD, &format!("/api/v1/uploads/{}", upload.id))).await;
    assert_eq!(head.expect(200).header("upload-offset"), PART_BYTES.to_string());
    assert_eq!(head.header("upload-length"), content.len().to_string());

    let done = desk.send_rest(&upload, &content).await;
    let id = done.document_id.unwrap();
    let document: Document = desk.ada.get(&format!("/api/v1/documents/{id}")).await.json(200);
    assert_eq!((document.name.as_str(), document.media_type.as_str()), ("long.txt", "text/plain"));
    assert_eq!((document.size_bytes, document.state), (content.len() as u64, DocumentState::Queued));
    let file = desk.ada.get(&format!("/api/v1/documents/{id}/file")).await;
    assert!(file.expect(200).body == content);
    let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(file.header("etag"), format!("\"{hash}\""));
    assert_eq!(
        desk.count("select count(*) from graphile_worker.jobs where task_identifier = 'ingest_document'").await,
        1
    );

    // The answer to the last chunk may have been lost: whoever asks again hears the same, and nothing happens twice.
    let again: Upload = desk.send(&upload, content.len() as u64, b"").await.json(200);
    assert_eq!(again.document_id, Some(id));
    assert_eq!(desk.count("select count(*) from documents").await, 1);
    assert_eq!(desk.ada.get(&desk.path()).await.json::<Vec<Upload>>(200), []);
}

#[tokio::test]
async fn a_small_file_takes_one_chunk_and_an_empty_or_huge_one_none() {
    let desk = desk_of(TestApp::start_with(&[("ATELIER_MAX_UPLOAD_MB", "1")]).await).await;
    let upload = desk.begin("brief.md", b"# Launch").await;
    let done: Upload = desk.send(&upload, 0, b"# Launch").await.json(200);
    let file = desk.ada.get(&format!("/api/v1/documents/{}/file", done.document_id.unwrap())).await;
    assert_eq!(file.text(), "# Launch");
    assert_eq!(desk.unfinished().await, 0, "it needs no parts");
    let empty = desk.ada.post(&desk.path(), &json!({ "name": "empty.md", "size_bytes": 0 })).await.problem(422);
    assert_eq!(empty["errors"][0]["field"], "size_bytes");
    let huge = json!({ "name": "huge.md", "size_bytes": 1024 * 1024 + 1 });
    let huge = desk.ada.post(&desk.path(), &huge).await.problem(413);
    assert!(huge["detail"].as_str().unwrap().contains("larger than 1 MB"), "{huge}");
}

#[tokio::test]
async fn the_same_file_chosen_again_goes_on_where_it_stopped_and_others_begin_anew() {
    let desk = desk().await;
    let content = text(PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    desk.send(&upload, 0, &content[..PART_BYTES]).await.expect(200);
    let again = desk.begin("long.txt", &content).await;
    assert_eq!((again.id, again.offset), (upload.id, PART_BYTES as u64));
    assert_eq!(desk.ada.get(&desk.path()).await.json::<Vec<Upload>>(200), [again]);
    assert_ne!(desk.begin("other.txt", &content).await.id, upload.id);
    assert_ne!(desk.begin("long.txt", &content[1..]).await.id, upload.id);

    // A colleague does not see it, though she sees the project.
    let bea = desk.app.user("bea").await;
    bea.get("/api/v1/me").await.expect(200);
    sqlx::query("insert into members (workspace_id, user_id, role) values ($1, $2, 'owner')")
        .bind(desk.workspace)
        .bind(bea.user_id())
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!(bea.get(&desk.path()).await.json::<Vec<Upload>>(200), []);
    bea.get(&format!("/api/v1/uploads/{}", upload.id)).await.problem(404);
    bea.delete(&format!("/api/v1/uploads/{}", upload.id)).await.problem(404);

    let done = desk.send_rest(&upload, &content).await;
    assert!(done.document_id.is_some());
    assert_ne!(desk.begin("long.txt", &content).await.id, upload.id, "a finished one is another");
}

#[tokio::test]
async fn a_chunk_out_of_place_or_of_another_size_is_refused_and_changes_nothing() {
    let desk = desk().await;
    let content = text(PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    desk.send(&upload, 5, &content[..PART_BYTES]).await.problem(409);
    desk.send(&upload, 0, &content[..100]).await.problem(422);
    desk.send(&upload, 0, &content[..PART_BYTES + 1]).await.problem(413);
    let path = format!("/api/v1/uploads/{}", upload.id);
    let bare = desk.ada.request(Method::PATCH, &path).header(header::CONTENT_TYPE, CHUNK);
    desk.ada.send(bare.body("x")).await.problem(400);
    let untyped = desk.ada.request(Method::PATCH, &path).header("upload-offset", "0");
    desk.ada.send(untyped.body("x")).await.problem(415);
    // A line that breaks off within a chunk: the length is that of the chunk, and fewer bytes come.
    let broken = reqwest::Body::wrap_stream(futures::stream::iter([
        Ok(bytes::Bytes::copy_from_slice(&content[..50_000])),
        Err(std::io::Error::other("the line is cut")),
    ]));
    let request = desk.ada.request(Method::PATCH, &path).header(header::CONTENT_TYPE, CHUNK);
    request.header("upload-offset", "0").body(broken).send().await.unwrap_err();
    assert_eq!(desk.find(&upload).await.offset, 0);

    desk.send(&upload, 0, &content[..PART_BYTES]).await.expect(200);
    desk.send(&upload, 0, &content[..PART_BYTES]).await.problem(409);
    assert_eq!(desk.send_rest(&upload, &content).await.offset, content.len() as u64);
}

#[tokio::test]
async fn of_two_who_send_the_same_chunk_at_once_one_moves_the_upload() {
    let desk = desk().await;
    let content = text(PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    let first = &content[..PART_BYTES];
    let (a, b) = tokio::join!(desk.send(&upload, 0, first), desk.send(&upload, 0, first));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let last = &content[PART_BYTES..];
    let at = PART_BYTES as u64;
    let (a, b) = tokio::join!(desk.send(&upload, at, last), desk.send(&upload, at, last));
    assert!(a.status == 200 || b.status == 200, "{} {}", a.text(), b.text());
    let done = desk.find(&upload).await;
    let file = desk.ada.get(&format!("/api/v1/documents/{}/file", done.document_id.unwrap())).await;
    assert!(file.body == content);
    assert_eq!(desk.count("select count(*) from documents").await, 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_ends_its_upload_and_leaves_nothing() {
    let desk = desk().await;
    let mut late = text(PART_BYTES + 100);
    late[PART_BYTES + 50] = 0xFF;
    for (name, content, reason) in [
        ("brief.pdf", b"hello".to_vec(), "not a PDF inside"),
        ("late.txt", late, "UTF-8"),
        ("cut.txt", "wärm".as_bytes()[..2].to_vec(), "UTF-8"),
    ] {
        let upload = desk.begin(name, &content).await;
        let first = &content[..content.len().min(PART_BYTES)];
        let mut answer = desk.send(&upload, 0, first).await;
        if answer.status == 200 {
            answer = desk.send(&upload, PART_BYTES as u64, &content[PART_BYTES..]).await;
        }
        let problem = answer.problem(422);
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
        desk.ada.get(&format!("/api/v1/uploads/{}", upload.id)).await.problem(404);
    }
    assert_eq!((desk.objects().await, desk.unfinished().await), (0, 0));
    assert_eq!(desk.count("select count(*) from uploads").await, 0);
}

#[tokio::test]
async fn a_discarded_upload_is_gone_from_the_store_and_its_document_is_not() {
    let desk = desk().await;
    let content = text(PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    desk.send(&upload, 0, &content[..PART_BYTES]).await.expect(200);
    assert_eq!(desk.unfinished().await, 1);
    desk.ada.delete(&format!("/api/v1/uploads/{}", upload.id)).await.expect(204);
    assert_eq!(desk.unfinished().await, 0);
    desk.send(&upload, PART_BYTES as u64, &content[PART_BYTES..]).await.problem(404);

    let upload = desk.begin("brief.md", b"# Launch").await;
    let done = desk.send_rest(&upload, b"# Launch").await;
    desk.ada.delete(&format!("/api/v1/uploads/{}", upload.id)).await.expect(204);
    desk.ada.get(&format!("/api/v1/documents/{}/file", done.document_id.unwrap())).await.expect(200);
}

#[tokio::test]
async fn nobody_hoards_unfinished_uploads() {
    let desk = desk().await;
    let first = desk.begin("1.txt", b"one").await;
    desk.run("insert into uploads (id, workspace_id, project_id, created_by, name, size_bytes, document_id, object_key, expires_at)
              select gen_random_uuid(), workspace_id, project_id, created_by, n || '.txt', 1, gen_random_uuid(), n::text, expires_at
              from uploads, generate_series(2, 100) n").await;
    let problem = desk.ada.post(&desk.path(), &json!({ "name": "more.txt", "size_bytes": 1 })).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("unfinished"), "{problem}");
    assert_eq!(desk.begin("1.txt", b"one").await.id, first.id, "one that is there goes on");
}

#[tokio::test]
async fn a_store_that_fails_or_is_down_costs_an_upload_nothing() {
    let (desk, faulty) = shaky_desk().await;
    let content = text(2 * PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    desk.send(&upload, 0, &content[..PART_BYTES]).await.expect(200);
    faulty.plan(Method::PUT, Misdeed::Status(500), 3);
    let second = &content[PART_BYTES..2 * PART_BYTES];
    let problem = desk.send(&upload, PART_BYTES as u64, second).await.problem(503);
    assert!(problem["detail"].as_str().unwrap().contains("Nothing is lost"), "{problem}");
    assert_eq!(desk.find(&upload).await.offset, PART_BYTES as u64);
    desk.send(&upload, PART_BYTES as u64, second).await.expect(200);

    // All bytes arrive, and the store goes before they become a file.
    faulty.plan(Method::POST, Misdeed::Status(500), 3);
    desk.send(&upload, 2 * PART_BYTES as u64, &content[2 * PART_BYTES..]).await.problem(503);
    let full = desk.find(&upload).await;
    assert_eq!((full.offset, full.document_id), (content.len() as u64, None));
    faulty.set_down(true);
    desk.send(&upload, full.offset, b"").await.problem(503);
    faulty.set_down(false);
    let done = desk.send_rest(&upload, &content).await;
    let file = format!("/api/v1/documents/{}/file", done.document_id.unwrap());
    faulty.plan(Method::GET, Misdeed::Truncate(1_000_000), 1);
    assert!(desk.ada.get(&file).await.expect(200).body == content, "a download goes on where the store broke off");

    // The form too.
    faulty.set_down(true);
    let form = crate::testing::Form::new().file("brief.txt", b"Due in May.");
    let documents = format!("/api/v1/projects/{}/documents", desk.project);
    desk.ada.post_form(&documents, &form).await.problem(503);
    desk.ada.get(&file).await.problem(503);
    assert_eq!(desk.count("select count(*) from documents").await, 1);
    faulty.set_down(false);
    desk.ada.post_form(&documents, &form).await.expect(201);
    assert_eq!(desk.objects().await, 2);
}

#[tokio::test]
async fn the_sweep_removes_objects_without_a_row_once_they_are_old() {
    let desk = desk().await;
    let kept = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    let store = &desk.app.state.store;
    let orphan = desk.new_key();
    let ObjectKey::Document { workspace, document } = desk.new_key() else { unreachable!() };
    for key in [orphan, ObjectKey::Published { workspace, document }] {
        store.put(key, "text/plain", "left behind".into()).await.unwrap();
    }
    // Of an upload whose document is still to be made.
    let upload = desk.begin("small.txt", b"small").await;
    desk.run("update uploads set offset_bytes = size_bytes").await;
    let uploading: String =
        sqlx::query_scalar("select object_key from uploads").fetch_one(&mut desk.app.sql().await).await.unwrap();
    store.put(ObjectKey::parse(&uploading).unwrap(), "text/plain", "small".into()).await.unwrap();

    assert_eq!(desk.sweep(orphans::GRACE).await, orphans::Found::default(), "they are young");
    let found = desk.sweep(Duration::ZERO).await;
    assert_eq!(found, orphans::Found { removed: 2, ..Default::default() });
    store.head(orphan).await.unwrap_err();
    desk.ada.get(&format!("/api/v1/documents/{kept}/file")).await.expect(200);
    store.head(ObjectKey::parse(&uploading).unwrap()).await.unwrap();
    assert_eq!(desk.find(&upload).await.offset, 5);
    assert_eq!(desk.sweep(Duration::ZERO).await, orphans::Found::default());
}

#[tokio::test]
async fn the_sweep_says_so_of_a_document_whose_object_is_gone() {
    let desk = desk().await;
    let lost = desk.ada.new_document(desk.project, "lost.txt", "Due in May.").await;
    let waiting = desk.ada.new_document(desk.project, "waiting.txt", "Due in June.").await;
    let kept = desk.ada.new_document(desk.project, "kept.txt", "Due in July.").await;
    desk.run("update documents set state = 'ready' where name <> 'waiting.txt'").await;
    for id in [lost, waiting] {
        let key = ObjectKey::Document { workspace: desk.workspace.into(), document: id.into() };
        desk.app.state.store.delete(key).await.unwrap();
    }
    let found = desk.sweep(Duration::ZERO).await;
    assert_eq!(found, orphans::Found { missing: 1, ..Default::default() });
    let document = async |id: Uuid| desk.ada.get(&format!("/api/v1/documents/{id}")).await.json::<Document>(200);
    let failed = document(lost).await;
    assert_eq!(failed.state, DocumentState::Failed);
    assert!(failed.failure.unwrap().contains("Upload it again"));
    assert_eq!(document(kept).await.state, DocumentState::Ready);
    assert_eq!(document(waiting).await.state, DocumentState::Queued, "the worker will say so");
    assert_eq!(desk.sweep(Duration::ZERO).await, orphans::Found::default());
}

#[tokio::test]
async fn the_sweep_ends_uploads_that_ran_out_or_that_nobody_knows() {
    let desk = desk().await;
    let content = text(PART_BYTES + 10);
    let upload = desk.begin("long.txt", &content).await;
    desk.send(&upload, 0, &content[..PART_BYTES]).await.expect(200);
    let abandoned = desk.new_key();
    desk.app.state.store.begin_parts(abandoned, "text/plain").await.unwrap();
    assert_eq!(desk.unfinished().await, 2);
    assert_eq!(desk.sweep(orphans::GRACE).await, orphans::Found::default());
    assert_eq!(desk.sweep(Duration::ZERO).await, orphans::Found { aborted: 1, ..Default::default() });
    assert_eq!(desk.unfinished().await, 1, "the one that goes on stays");
    desk.run("update uploads set expires_at = now() - interval '1 second'").await;
    assert_eq!(desk.sweep(orphans::GRACE).await, orphans::Found { expired: 1, ..Default::default() });
    assert_eq!(desk.unfinished().await, 0);
    desk.ada.get(&format!("/api/v1/uploads/{}", upload.id)).await.problem(404);
}

#[tokio::test]
async fn the_sweep_touches_nothing_where_the_bucket_is_another_databases() {
    let desk = desk().await;
    let mut keys = Vec::new();
    for _ in 0..21 {
        let key = desk.new_key();
        desk.app.state.store.put(key, "text/plain", "of another".into()).await.unwrap();
        keys.push(key);
    }
    assert_eq!(desk.sweep(Duration::ZERO).await, orphans::Found::default());
    assert_eq!(desk.objects().await, 21);
    desk.app.state.store.delete(keys[0]).await.unwrap();
    assert_eq!(desk.sweep(Duration::ZERO).await.removed, 20, "a few are removed whatever their share");
}

#[tokio::test]
async fn where_browsers_reach_the_store_they_are_sent_there() {
    let app = TestApp::start_on(&[], |settings| {
        // Nothing is asked of it: to sign needs no answer.
        let mut public = settings.clone();
        public.endpoint = "https://account.r2.example.com".parse().unwrap();
        crate::storage::ObjectStore::new(&public)
    })
    .await;
    let desk = desk_of(app).await;
    let id = Uuid::now_v7();
    sqlx::query("insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key) values ($1, $2, $3, 'page é.html', 'text/html', 5, '\\x01', $1::text)")
        .bind(id).bind(desk.workspace).bind(desk.project).execute(&mut desk.app.sql().await).await.unwrap();
    let path = format!("/api/v1/documents/{id}/file");
    let answer = desk.ada.get(&path).await;
    let address = answer.expect(302).header("location").to_owned();
    let key = ObjectKey::Document { workspace: desk.workspace.into(), document: id.into() };
    assert!(address.starts_with(&format!("https://account.r2.example.com/atelier/{key}?")), "{address}");
    let address: url::Url = address.parse().unwrap();
    let asked: std::collections::HashMap<_, _> = address.query_pairs().collect();
    assert!(asked["response-content-disposition"].starts_with("attachment;"), "a page is saved, not shown");
    assert!(asked.contains_key("X-Amz-Signature"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let head = desk.ada.send(desk.ada.request(Method::HEAD, &path)).await;
    assert_eq!((head.expect(200).header("content-length"), head.header("etag")), ("5", "\"01\""));
    let same = desk.ada.request(Method::GET, &path).header(header::IF_NONE_MATCH, "\"01\"");
    desk.ada.send(same).await.expect(304);
    desk.app.user("eve").await.get(&path).await.problem(404);
}

/// The schedule is the queue's: this looks whether it took it.
#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_is_on_the_schedule() {
    let desk = desk().await;
    desk.app.start_worker().await;
    for _ in 0..100 {
        let known: Option<Value> = sqlx::query_scalar(
            "select to_jsonb(c) from graphile_worker._private_known_crontabs c where identifier = 'sweep_files'",
        )
        .fetch_optional(&mut desk.app.sql().await)
        .await
        .unwrap();
        if known.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the queue does not know the schedule");
}

#[tokio::test]
async fn what_is_to_be_attached_has_a_folder_and_a_name_of_its_own() {
    let desk = desk().await;
    let mut documents = Vec::new();
    for (content, modified) in [("First.", 1), ("Other.", 2)] {
        let upload = desk.begin_attachment(content, modified).await;
        assert_eq!(desk.begin_attachment(content, modified).await.id, upload.id, "it goes on where it was");
        let document = desk.send_rest(&upload, content.as_bytes()).await.document_id.unwrap();
        // Only what is ready is replaced by a file of its name.
        sqlx::query("update documents set state = 'ready' where id = $1")
            .bind(Uuid::from(document))
            .execute(&mut desk.app.sql().await)
            .await
            .unwrap();
        documents.push(desk.ada.get(&format!("/api/v1/documents/{document}")).await.json::<Document>(200));
    }
    let names: Vec<&str> = documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names, ["brief.md", "brief (2).md"]);
    assert!(documents.iter().all(|document| document.replaces.is_none() && !document.in_chat));
    let folder = documents[0].folder_id.expect("a folder");
    assert_eq!(documents[1].folder_id, Some(folder));
    let folder: Value = desk.ada.get(&format!("/api/v1/folders/{folder}")).await.json(200);
    assert_eq!((&folder["name"], &folder["parent_id"]), (&json!("Attachments"), &Value::Null));

    // One that is put away is made anew.
    desk.ada.delete(&format!("/api/v1/folders/{}", folder["id"].as_str().unwrap())).await.expect(204);
    let third = desk.begin_attachment("Third.", 3).await;
    assert_ne!(third.folder_id.map(Uuid::from).map(|id| json!(id)), Some(folder["id"].clone()));
}
