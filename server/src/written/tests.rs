#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::{Answer, Client, Form, TestApp};
use domain::{
    Page,
    documents::{Document, DocumentState},
    written::{DiffLine, Difference, Markdown, Saved, Version, VersionText, WritingStatus, WrittenText},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

struct Setting {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
}

impl Setting {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Nordlys").await;
        Self { app, ada, workspace, project }
    }

    async fn colleague(&self, name: &str, role: &str) -> Client {
        let client = self.app.user(name).await;
        client.get("/api/v1/me").await.expect(200);
        self.ada.add_member(self.workspace, &client, name, role).await;
        client
    }

    async fn create(&self, title: &str, text: &str) -> Document {
        let path = format!("/api/v1/projects/{}/written-documents", self.project);
        self.ada.post(&path, &json!({ "title": title, "text": text })).await.json(201)
    }

    async fn search(&self, query: &str) -> Vec<Value> {
        self.ada.get(&format!("/api/v1/projects/{}/search?q={query}", self.project)).await.json(200)
    }

    /// Waits until answers are given from the present text.
    async fn read(&self, id: impl std::fmt::Display) -> WrittenText {
        let path = format!("/api/v1/documents/{id}/text");
        let reading = async {
            loop {
                let text: WrittenText = self.ada.get(&path).await.json(200);
                assert_eq!(text.failure, None);
                if text.answers {
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it is read")
    }
}

async fn put(client: &Client, id: impl std::fmt::Display, save: &Value) -> Answer {
    let request = client.request(Method::PUT, &format!("/api/v1/documents/{id}/text")).json(save);
    client.send(request).await
}

async fn save(client: &Client, id: impl std::fmt::Display, revision: u64, text: &str) -> Saved {
    put(client, id, &json!({ "revision": revision, "text": text })).await.json(200)
}

async fn text(client: &Client, id: impl std::fmt::Display) -> WrittenText {
    client.get(&format!("/api/v1/documents/{id}/text")).await.json(200)
}

async fn versions(client: &Client, id: impl std::fmt::Display) -> Vec<Version> {
    client.get(&format!("/api/v1/documents/{id}/versions")).await.json::<Page<Version>>(200).items
}

#[tokio::test]
async fn an_empty_document_is_ready_at_once_and_has_a_file() {
    let setting = Setting::new().await;
    let document = setting.create("Launch plan", "").await;
    assert_eq!((document.state, document.page_count, document.size_bytes), (DocumentState::Ready, Some(0), 0));
    assert_eq!(document.writing, Some(WritingStatus::Draft));
    let written = text(&setting.ada, document.id).await;
    assert_eq!((written.text, written.revision, written.version), (Markdown::default(), 1, 1));
    assert!(written.answers);
    setting.ada.get(&format!("/api/v1/documents/{}/file", document.id)).await.expect(200);
    let list: Page<Document> =
        setting.ada.get(&format!("/api/v1/projects/{}/documents", setting.project)).await.json(200);
    assert_eq!(list.items, [document]);
    let path = format!("/api/v1/projects/{}/written-documents", setting.project);
    setting.ada.post(&path, &json!({ "title": "  " })).await.problem(422);
    setting.ada.post(&path, &json!({ "title": "A", "text": "a\u{0}b" })).await.problem(422);
}

#[tokio::test]
async fn a_save_that_comes_too_late_changes_nothing_and_says_who_was_first() {
    let setting = Setting::new().await;
    let mia = setting.colleague("mia", "member").await;
    let id = setting.create("Plan", "One.\n").await.id;
    let first = save(&setting.ada, id, 1, "One.\n\nTwo, by Ada.\n").await;
    assert_eq!(first.revision, 2);
    let late = put(&mia, id, &json!({ "revision": 1, "text": "One.\n\nTwo, by Mia.\n" })).await.problem(409);
    assert!(late["detail"].as_str().unwrap().starts_with("ada has changed this document"), "{late}");
    assert_eq!(text(&mia, id).await.text.as_str(), "One.\n\nTwo, by Ada.\n");

    // An answer that was lost on its way: the same save again is no conflict.
    assert_eq!(save(&setting.ada, id, 1, "One.\n\nTwo, by Ada.\n").await.revision, 2);

    // Mia keeps hers; Ada's is the version before.
    let kept = json!({ "revision": 2, "text": "One.\n\nTwo, by Mia.\n", "new_version": true });
    let kept: Saved = put(&mia, id, &kept).await.json(200);
    assert_eq!((kept.revision, kept.version), (3, 2));
    let all = versions(&setting.ada, id).await;
    assert_eq!(all.iter().map(|version| version.author.as_str()).collect::<Vec<_>>(), ["mia", "ada"]);
    let adas: VersionText = setting.ada.get(&format!("/api/v1/versions/{}", all[1].id)).await.json(200);
    assert_eq!(adas.text.as_str(), "One.\n\nTwo, by Ada.\n");
}

#[tokio::test]
async fn two_saves_at_once_are_one_after_the_other() {
    let setting = Setting::new().await;
    let id = setting.create("Plan", "").await.id;
    let saves = (0..6).map(|number| {
        let ada = setting.ada.clone();
        async move { put(&ada, id, &json!({ "revision": 1, "text": format!("Text {number}.") })).await.status }
    });
    let mut statuses = futures::future::join_all(saves).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    assert_eq!(text(&setting.ada, id).await.revision, 2);
}

#[tokio::test]
async fn what_one_person_types_in_one_go_is_one_version() {
    let setting = Setting::new().await;
    let mia = setting.colleague("mia", "member").await;
    let id = setting.create("Plan", "").await.id;
    let mut revision = 1;
    let paragraph = "Words that nobody wants to lose, again and again. ".repeat(10);
    for typed in ["W", "Words", "Wor", &paragraph] {
        revision = save(&setting.ada, id, revision, typed).await.revision;
    }
    assert_eq!(versions(&setting.ada, id).await.len(), 1, "autosaves are one version");

    // Whoever deletes a paragraph finds it in the history.
    revision = save(&setting.ada, id, revision, "Anew.").await.revision;
    revision = save(&setting.ada, id, revision, "Anew. And on.").await.revision;
    let all = versions(&setting.ada, id).await;
    assert_eq!(all.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(all[1].size_bytes as usize, paragraph.len());

    // Another author begins another, and so does a long pause.
    revision = save(&mia, id, revision, "Anew. And on. Mia was here.").await.revision;
    assert_eq!(versions(&setting.ada, id).await.len(), 3);
    sqlx::query("update document_versions set created_at = now() - interval '11 minutes' where document_id = $1")
        .bind(Uuid::from(id))
        .execute(&mut setting.app.sql().await)
        .await
        .unwrap();
    revision = save(&mia, id, revision, "Anew. And on. Mia was here, later.").await.revision;
    let all = versions(&setting.ada, id).await;
    assert_eq!(all.len(), 4);
    assert_eq!(all.iter().filter(|version| version.is_present).map(|version| version.number).collect::<Vec<_>>(), [4]);

    // The list is paged.
    let page: Page<Version> = setting.ada.get(&format!("/api/v1/documents/{id}/versions?limit=3")).await.json(200);
    let cursor = page.next.expect("there is one more").0;
    let rest: Page<Version> =
        setting.ada.get(&format!("/api/v1/documents/{id}/versions?limit=3&cursor={cursor}")).await.json(200);
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (3, 1, None));
    assert_eq!(rest.items[0].number, 1);

    // A title alone makes no version.
    let renamed = json!({ "revision": revision, "title": "Launch", "text": "Anew. And on. Mia was here, later." });
    let renamed: Saved = put(&mia, id, &renamed).await.json(200);
    assert_eq!((renamed.revision, renamed.version), (revision + 1, 4));
    assert_eq!(text(&setting.ada, id).await.document.name, "Launch");
}

#[tokio::test]
async fn a_version_is_compared_and_put_back() {
    let setting = Setting::new().await;
    let mia = setting.colleague("mia", "member").await;
    let id = setting.create("Price", "# List\n\nThe price is forty kroner.\n").await.id;
    save(&mia, id, 1, "# List\n\nThe price is fifty kroner.\n").await;
    let all = versions(&setting.ada, id).await;
    let (new, old) = (&all[0], &all[1]);
    let difference: Difference = setting.ada.get(&format!("/api/v1/versions/{}/difference", old.id)).await.json(200);
    assert_eq!((difference.added, difference.removed), (1, 1));
    let changed: Vec<&str> = difference
        .lines
        .iter()
        .filter_map(|line| match line {
            DiffLine::Removed { parts } | DiffLine::Added { parts } => Some(parts),
            _ => None,
        })
        .flatten()
        .filter(|part| part.is_changed)
        .map(|part| part.text.as_str())
        .collect();
    assert_eq!(changed, ["forty", "fifty"]);
    let back: Difference =
        setting.ada.get(&format!("/api/v1/versions/{}/difference?other={}", new.id, old.id)).await.json(200);
    assert_eq!(back.lines.len(), difference.lines.len());
    let other = setting.create("Other", "Another document.").await.id;
    let foreign = versions(&setting.ada, other).await[0].id;
    setting.ada.get(&format!("/api/v1/versions/{}/difference?other={foreign}", new.id)).await.problem(404);

    let restored: Saved = setting.ada.post(&format!("/api/v1/versions/{}/restore", old.id), &json!({})).await.json(200);
    assert_eq!((restored.version, restored.revision), (3, 3));
    assert_eq!(text(&setting.ada, id).await.text.as_str(), "# List\n\nThe price is forty kroner.\n");
    let all = versions(&setting.ada, id).await;
    assert_eq!((all.len(), all[0].restored_from), (3, Some(1)));
    setting.ada.post(&format!("/api/v1/versions/{}/restore", old.id), &json!({})).await.problem(409);
    // What is put back is not written over by the next save.
    save(&setting.ada, id, 3, "# List\n\nThe price is forty kroner!\n").await;
    assert_eq!(versions(&setting.ada, id).await.len(), 4);
}

#[tokio::test]
async fn a_status_goes_its_way_and_a_change_makes_a_draft_of_it() {
    let setting = Setting::new().await;
    let mia = setting.colleague("mia", "member").await;
    let vic = setting.colleague("vic", "viewer").await;
    let id = setting.create("Plan", "As agreed.").await.id;
    let path = format!("/api/v1/documents/{id}/status");
    let status = |status: &str, revision: u64| json!({ "status": status, "revision": revision });
    setting.ada.post(&path, &status("approved", 1)).await.problem(409);
    vic.post(&path, &status("review", 1)).await.problem(403);
    let document: Document = mia.post(&path, &status("review", 1)).await.json(200);
    assert_eq!(document.writing, Some(WritingStatus::Review));
    mia.post(&path, &status("approved", 1)).await.problem(403);
    // What nobody has seen is not approved.
    save(&mia, id, 1, "As agreed, nearly.").await;
    setting.ada.post(&path, &status("approved", 1)).await.problem(409);
    setting.ada.post(&path, &status("approved", 2)).await.expect(200);
    mia.post(&path, &status("published", 2)).await.problem(403);
    setting.ada.post(&path, &status("published", 2)).await.expect(200);
    let published = versions(&mia, id).await;
    assert_eq!(published[0].reached, Some(WritingStatus::Published));

    // The next text is a version of its own, however soon, and a draft.
    let saved = save(&mia, id, 2, "As agreed, nearly!").await;
    assert_eq!((saved.status, saved.version), (WritingStatus::Draft, published[0].number + 1));
    vic.get(&format!("/api/v1/documents/{id}/text")).await.expect(200);
    put(&vic, id, &json!({ "revision": 3, "text": "By a viewer." })).await.problem(403);
}

#[tokio::test]
async fn a_file_has_no_text_to_write() {
    let setting = Setting::new().await;
    let file = setting.ada.new_document(setting.project, "Plan.md", "A file.").await;
    setting.ada.get(&format!("/api/v1/documents/{file}/text")).await.problem(409);
    put(&setting.ada, file, &json!({ "revision": 1, "text": "Anew." })).await.problem(409);
    setting.ada.get(&format!("/api/v1/documents/{file}/versions")).await.problem(409);
    setting.ada.get(&format!("/api/v1/documents/{file}/export")).await.problem(409);
    // And what is written takes no file in its place, by whatever way.
    let written = setting.create("notes.md", "Written.").await.id;
    let form = Form::new().file("notes.md", b"Uploaded.");
    let request = setting.ada.request(Method::PUT, &format!("/api/v1/documents/{written}/file"));
    let request = request.header("content-type", form.content_type()).body(form.body());
    setting.ada.send(request).await.problem(409);
    sqlx::query("update documents set state = 'ready' where id = $1")
        .bind(Uuid::from(written))
        .execute(&mut setting.app.sql().await)
        .await
        .unwrap();
    let path = format!("/api/v1/projects/{}/documents", setting.project);
    let made: Vec<Document> = setting.ada.post_form(&path, &form).await.json(201);
    assert_eq!(made[0].replaces, None);
}

#[tokio::test]
async fn a_text_of_a_megabyte_is_taken_and_one_byte_more_is_not() {
    let setting = Setting::new().await;
    let id = setting.create("Long", "").await.id;
    let line = "“Line” with a quote.\n";
    let mut long = line.repeat(Markdown::MAX_BYTES / line.len());
    long.push_str(&"x".repeat(Markdown::MAX_BYTES - long.len()));
    save(&setting.ada, id, 1, &long).await;
    long.push('x');
    put(&setting.ada, id, &json!({ "revision": 2, "text": long })).await.problem(422);
    assert_eq!(text(&setting.ada, id).await.text.as_str().len(), Markdown::MAX_BYTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_follow_the_text_and_never_show_two_of_them() {
    let setting = Setting::new().await;
    setting.app.start_worker().await;
    let id = setting.create("Price", "").await.id;
    save(&setting.ada, id, 1, "# List\n\nThe price is forty kroner.\n").await;
    let written = text(&setting.ada, id).await;
    assert!(!written.answers, "it follows when the text has rested");
    setting.read(id).await;
    let found = setting.search("kroner").await;
    assert_eq!(found.len(), 1);
    assert!(found[0]["text"].as_str().unwrap().contains("forty"), "{found:?}");
    assert_eq!((&found[0]["document_id"], &found[0]["document_name"]), (&json!(id), &json!("Price")));

    // While the next text is read, the list has the document once, and the old text answers.
    save(&setting.ada, id, 2, "# List\n\nThe price is fifty kroner.\n").await;
    assert!(setting.search("kroner").await[0]["text"].as_str().unwrap().contains("forty"));
    let list: Page<Document> =
        setting.ada.get(&format!("/api/v1/projects/{}/documents", setting.project)).await.json(200);
    assert_eq!(list.items.len(), 1);
    setting.read(id).await;
    let found = setting.search("kroner").await;
    assert!(found.len() == 1 && found[0]["text"].as_str().unwrap().contains("fifty"), "{found:?}");
    let file = setting.ada.get(&format!("/api/v1/documents/{id}/file")).await;
    assert!(file.expect(200).text().contains("fifty"));

    // Nothing but marks is no failure, and leaves nothing to be found.
    save(&setting.ada, id, 3, "---\n\n<!-- later -->\n\n![](https://example.com/a.png)\n").await;
    let empty = setting.read(id).await;
    assert_eq!(empty.document.state, DocumentState::Ready);
    save(&setting.ada, id, 4, "  \n").await;
    let empty = setting.read(id).await;
    assert_eq!((empty.document.state, empty.document.chunks_total), (DocumentState::Ready, 0));
    assert!(setting.search("kroner").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_that_was_lost_is_found_and_one_too_many_does_nothing() {
    let setting = Setting::new().await;
    let id = setting.create("Plan", "").await.id;
    save(&setting.ada, id, 1, "The harbour opens at nine.").await;
    let mut sql = setting.app.sql().await;
    sqlx::query("delete from graphile_worker._private_jobs").execute(&mut sql).await.unwrap();
    sqlx::query("update written_documents set changed_at = now() - interval '2 minutes'")
        .execute(&mut sql)
        .await
        .unwrap();
    setting.app.start_worker().await;
    setting.read(id).await;
    assert!(!setting.search("harbour").await.is_empty());
    let before = text(&setting.ada, id).await.document;
    super::jobs::hand_over(&setting.app.state, id).await.unwrap();
    assert_eq!(text(&setting.ada, id).await.document, before);
}

#[tokio::test]
async fn a_document_goes_with_its_versions_and_its_file() {
    let setting = Setting::new().await;
    let id = setting.create("Plan", "Gone soon.").await.id;
    let version = versions(&setting.ada, id).await[0].id;
    setting.ada.delete(&format!("/api/v1/documents/{id}?forever=true")).await.expect(204);
    setting.ada.get(&format!("/api/v1/versions/{version}")).await.problem(404);
    let prefix = crate::storage::ObjectPrefix::Workspace(setting.workspace.into());
    assert_eq!(setting.app.state.store.delete_prefix(prefix).await.unwrap(), 0);
}

#[tokio::test]
async fn an_export_has_a_name_and_a_type() {
    let setting = Setting::new().await;
    let id = setting.create("Größe: Plan", "Text.").await.id;
    let path = format!("/api/v1/documents/{id}/export");
    let markdown = setting.ada.get(&path).await;
    assert_eq!(markdown.expect(200).text(), "Text.");
    assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
    assert!(markdown.header("content-disposition").ends_with("filename*=UTF-8''Gr%C3%B6%C3%9Fe%3A%20Plan.md"));
    for (format, beginning) in [("docx", &b"PK"[..]), ("pdf", &b"%PDF-"[..])] {
        let file = setting.ada.get(&format!("{path}?format={format}")).await;
        assert!(file.expect(200).body.starts_with(beginning), "{format}");
        assert!(file.header("content-disposition").starts_with("attachment;"));
    }
    setting.ada.get(&format!("{path}?format=odt")).await.problem(422);
}
