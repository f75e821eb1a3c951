#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{purge, settle};
use crate::{
    documents::tests::event,
    search::tests::{found, ready},
    storage::ObjectKey,
    testing::{Client, TestApp},
};
use domain::{
    Page,
    documents::{Document, DocumentState},
    folders::{FolderContents, Item},
    trash::Trashed,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

struct Desk {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Launch").await;
        Self { app, ada, workspace, project }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/projects/{}/{rest}", self.project)
    }

    async fn post(&self, rest: &str, folders: &[Uuid], documents: &[Uuid]) -> u16 {
        let items = json!({ "folders": folders, "documents": documents });
        self.ada.post(&self.path(rest), &items).await.status
    }

    async fn trashed(&self) -> Vec<Trashed> {
        let page: Page<Trashed> = self.ada.get(&self.path("trash")).await.json(200);
        page.items
    }

    /// Names in the trash, what came last first.
    async fn trashed_names(&self) -> Vec<String> {
        self.trashed().await.into_iter().map(|entry| entry.name).collect()
    }

    async fn names(&self, folder: Option<Uuid>) -> Vec<String> {
        let folder = folder.map(|folder| format!("?folder={folder}")).unwrap_or_default();
        let contents: FolderContents = self.ada.get(&self.path(&format!("contents{folder}"))).await.json(200);
        let folders = contents.folders.into_iter().map(|folder| folder.name);
        folders.chain(contents.documents.items.into_iter().map(|document| document.name)).collect()
    }

    async fn document(&self, id: Uuid) -> Document {
        self.ada.get(&format!("/api/v1/documents/{id}")).await.json(200)
    }

    async fn has_file(&self, document: Uuid) -> bool {
        let key = ObjectKey::Document { workspace: self.workspace.into(), document: document.into() };
        self.app.state.store.head(key).await.is_ok()
    }

    /// The embeddings as they lie in the table: a row that is written again is another version, elsewhere.
    async fn embeddings(&self, document: Uuid) -> String {
        sqlx::query_scalar(
            "select count(*) || ':' || coalesce(string_agg(ctid::text || xmin::text, ',' order by chunk_id), '')
             from chunk_embeddings where document_id = $1",
        )
        .bind(document)
        .fetch_one(&mut self.app.sql().await)
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_trash_is_found_nowhere_and_comes_back_as_it_was() {
    let desk = Desk::new().await;
    desk.app.start_worker().await;
    let (ada, project) = (&desk.ada, desk.project);
    let gone = ready(ada, project, "colours.md", "The primary colour is harbour blue.").await;
    let kept = ready(ada, project, "prices.md", "A fair price needs no excuse.").await;
    let folder = ada.new_folder(project, None, "Brand").await;
    ada.post(&desk.path("move"), &json!({ "documents": [gone], "into": folder })).await.expect(204);
    let before = desk.embeddings(gone).await;
    assert!(!before.starts_with('0'), "{before}");
    let searches = [
        format!("projects/{project}/search?q=harbour"),
        format!("workspaces/{}/search?q=harbour", desk.workspace),
        format!("projects/{project}/search?q=harbour&documents={gone}"),
        format!("projects/{project}/search?q=harbour&folder={folder}"),
    ];
    let finds = async |path: &str| found(ada, path).await.iter().any(|passage| Uuid::from(passage.document_id) == gone);
    for path in &searches {
        assert!(finds(path).await, "{path}");
    }
    let mut stream = ada.request(Method::GET, &desk.path("events")).send().await.unwrap();
    let mut text = String::new();
    event(&mut stream, &mut text, |event| event.contains(&kept.to_string())).await;

    ada.delete(&format!("/api/v1/documents/{gone}")).await.expect(204);
    for path in &searches {
        assert!(!finds(path).await, "{path}");
    }
    let told = event(&mut stream, &mut text, |event| event.contains("event: deleted")).await;
    assert!(told.contains(&gone.to_string()), "{told}");
    assert_eq!(desk.names(Some(folder)).await, [""; 0]);
    let listed: Value = ada.get(&desk.path("documents")).await.json(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let counted: Value = ada.get(&format!("/api/v1/projects/{project}")).await.json(200);
    assert_eq!(counted["document_count"], 1);
    // Whoever comes to the stream later is told too.
    let mut late = ada.request(Method::GET, &desk.path("events")).send().await.unwrap();
    let told = event(&mut late, &mut String::new(), |event| event.contains(&gone.to_string())).await;
    assert!(told.contains("event: deleted"), "{told}");
    // It can still be read, by whoever knows where.
    let document = desk.document(gone).await;
    assert!(document.trashed_at.is_some());
    ada.get(&format!("/api/v1/documents/{gone}/pages")).await.expect(200);
    ada.get(&format!("/api/v1/documents/{gone}/file")).await.expect(200);
    // A file of its name is another document.
    let same = ada.new_document_in(project, Some(folder), "colours.md", "The primary colour is amber.").await;
    assert_eq!(desk.document(same).await.replaces, None);

    assert_eq!(desk.post("trash/restore", &[], &[gone]).await, 204);
    let told = event(&mut stream, &mut text, |event| event.contains(&gone.to_string())).await;
    assert!(told.contains("event: document"), "{told}");
    let back = desk.document(gone).await;
    assert_eq!(
        (back.state, back.trashed_at, back.folder_id.map(Uuid::from)),
        (DocumentState::Ready, None, Some(folder))
    );
    for path in &searches {
        assert!(finds(path).await, "{path}");
    }
    assert_eq!(desk.embeddings(gone).await, before, "nothing was embedded or written again");
    assert_eq!(desk.post("trash/restore", &[], &[gone]).await, 404, "it is not there any more");
}

#[tokio::test]
async fn an_answer_keeps_its_citation_until_the_document_is_deleted() {
    let desk = Desk::new().await;
    let document = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    let conversation = desk.ada.post(&desk.path("conversations"), &json!({})).await.id();
    let message = Uuid::now_v7();
    let mut sql = desk.app.sql().await;
    sqlx::query(
        "with made as (
             insert into messages (id, workspace_id, conversation_id, author, state, content)
             values ($1, $2, $3, 'assistant', 'complete', 'In May [1].') returning id
         )
         insert into citations (message_id, number, workspace_id, document_id, page, start_char, end_char, quote)
         select id, 1, $2, $4, 1, 0, 10, 'Due in May' from made",
    )
    .bind(message)
    .bind(desk.workspace)
    .bind(conversation)
    .bind(document)
    .execute(&mut sql)
    .await
    .unwrap();
    let citations = async || {
        let messages: Value = desk.ada.get(&format!("/api/v1/conversations/{conversation}/messages")).await.json(200);
        assert_eq!(messages["items"][0]["content"], "In May [1].");
        messages["items"][0]["citations"].as_array().unwrap().len()
    };
    desk.ada.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    assert_eq!(citations().await, 1);
    // The second deletion is for good.
    desk.ada.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    desk.ada.get(&format!("/api/v1/documents/{document}")).await.problem(404);
    assert_eq!(citations().await, 0);
    assert!(!desk.has_file(document).await);
}

#[tokio::test]
async fn a_folder_goes_and_comes_back_with_what_went_with_it() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let outer = ada.new_folder(project, None, "Outer").await;
    let inner = ada.new_folder(project, Some(outer), "Inner").await;
    let by_itself = ada.new_folder(project, Some(outer), "By itself").await;
    let first = ada.new_document_in(project, Some(outer), "first.txt", "First.").await;
    let second = ada.new_document_in(project, Some(inner), "second.txt", "Second.").await;
    let before = ada.new_document_in(project, Some(inner), "before.txt", "Before.").await;

    assert_eq!(desk.post("trash", &[by_itself], &[before]).await, 204);
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    assert_eq!(desk.names(None).await, [""; 0]);
    for folder in [outer, inner] {
        ada.get(&desk.path(&format!("contents?folder={folder}"))).await.problem(404);
        ada.get(&format!("/api/v1/folders/{folder}")).await.problem(404);
        ada.post(&desk.path("folders"), &json!({ "name": "x", "parent_id": folder })).await.problem(404);
    }
    let entries = desk.trashed().await;
    assert_eq!((entries[0].item, entries[0].document_count), (Item::Folder(outer.into()), 2));
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["By itself", "Outer", "before.txt"], "what went with the folder is no entry of its own");
    // What is inside comes back with it, and not without.
    assert_eq!(desk.post("trash/restore", &[inner], &[]).await, 409);
    assert_eq!(desk.post("trash/delete", &[inner], &[]).await, 409);

    // Its name is taken meanwhile.
    ada.new_folder(project, None, "outer").await;
    assert_eq!(desk.post("trash/restore", &[outer], &[]).await, 204);
    assert_eq!(desk.names(None).await, ["outer", "Outer 2"]);
    assert_eq!(desk.names(Some(outer)).await, ["Inner", "first.txt"]);
    assert_eq!(desk.names(Some(inner)).await, ["second.txt"]);
    assert_eq!(desk.post("trash/restore", &[by_itself], &[before]).await, 204);
    assert_eq!(desk.names(Some(outer)).await, ["By itself", "Inner", "first.txt"]);
    assert_eq!(desk.names(Some(inner)).await, ["before.txt", "second.txt"]);

    // What went by itself stays when the folder around it is deleted, and comes back to the top.
    assert_eq!(desk.post("trash", &[by_itself], &[before]).await, 204);
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    for document in [first, second] {
        ada.get(&format!("/api/v1/documents/{document}")).await.problem(404);
        assert!(!desk.has_file(document).await);
    }
    assert_eq!(desk.trashed().await.len(), 2);
    assert!(desk.has_file(before).await);
    assert_eq!(desk.post("trash/restore", &[by_itself], &[before]).await, 204);
    assert_eq!(desk.names(None).await, ["By itself", "outer", "before.txt"]);
}

#[tokio::test]
async fn a_document_whose_folder_is_in_the_trash_comes_back_to_the_top() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let folder = ada.new_folder(project, None, "Briefs").await;
    let document = ada.new_document_in(project, Some(folder), "brief.txt", "Due in May.").await;
    ada.delete(&format!("/api/v1/folders/{folder}")).await.expect(204);
    assert_eq!(desk.post("trash/restore", &[], &[document]).await, 204);
    assert_eq!(desk.names(None).await, ["brief.txt"]);
    assert_eq!(desk.trashed_names().await, ["Briefs"]);
}

#[tokio::test]
async fn a_version_in_the_making_goes_with_its_document_and_alone_it_stands_for_itself() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let old = ada.new_document(project, "brief.txt", "Due in May.").await;
    let mut sql = desk.app.sql().await;
    sqlx::query("update documents set state = 'ready' where id = $1").bind(old).execute(&mut sql).await.unwrap();
    let version = ada.new_document(project, "brief.txt", "Due in June.").await;
    assert_eq!(desk.document(version).await.replaces.map(Uuid::from), Some(old));

    assert_eq!(desk.post("trash", &[], &[old]).await, 204);
    assert_eq!(desk.names(None).await, [""; 0]);
    assert_eq!(desk.trashed_names().await, ["brief.txt"], "one entry");
    assert_eq!(desk.post("trash/restore", &[], &[old]).await, 204);
    assert_eq!(desk.document(version).await.replaces.map(Uuid::from), Some(old));

    // A chunk that the worker has made of it belongs to no project until it replaces the old one.
    sqlx::query(
        "insert into chunks (id, workspace_id, document_id, ordinal, page, start_char, end_char, text, tsv, lexeme_count)
         values ($1, $2, $3, 0, 1, 0, 3, 'Due', 'due:1', 1)",
    )
    .bind(Uuid::now_v7())
    .bind(desk.workspace)
    .bind(version)
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(desk.post("trash", &[], &[version]).await, 204);
    assert_eq!(desk.names(None).await, ["brief.txt"], "the old one stays");
    assert_eq!(desk.post("trash/restore", &[], &[version]).await, 204);
    assert_eq!(desk.document(version).await.replaces, None);
    let project_of: Option<Uuid> = sqlx::query_scalar("select project_id from chunks where document_id = $1")
        .bind(version)
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(project_of, Some(project));

    assert_eq!(desk.post("trash", &[], &[old]).await, 204);
    let form = crate::testing::Form::new().file("brief.txt", b"Due in July.");
    let put = ada.request(Method::PUT, &format!("/api/v1/documents/{old}/file"));
    let put = put.header("content-type", form.content_type()).body(form.body());
    ada.send(put).await.problem(409);
}

#[tokio::test]
async fn the_trash_is_emptied_and_by_itself_after_its_time() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let folder = ada.new_folder(project, None, "Old").await;
    let inside = ada.new_document_in(project, Some(folder), "inside.txt", "Inside.").await;
    let alone = ada.new_document(project, "alone.txt", "Alone.").await;
    let recent = ada.new_document(project, "recent.txt", "Recent.").await;
    let kept = ada.new_document(project, "kept.txt", "Kept.").await;
    assert_eq!(desk.post("trash", &[folder], &[alone, recent]).await, 204);
    let entries = desk.trashed().await;
    assert!(entries.iter().all(|entry| entry.kept_until - entry.trashed_at == time::Duration::days(30)));

    let mut sql = desk.app.sql().await;
    for table in ["folders", "documents"] {
        let age = format!(
            "update {table} set trashed_at = trashed_at - interval '30 days 1 minute' where trashed_at is not null"
        );
        sqlx::query(sqlx::AssertSqlSafe(age)).execute(&mut sql).await.unwrap();
    }
    sqlx::query("update documents set trashed_at = now() - interval '29 days' where id = $1")
        .bind(recent)
        .execute(&mut sql)
        .await
        .unwrap();
    assert_eq!(purge(&desk.app.state).await.unwrap(), 2);
    assert_eq!(desk.trashed_names().await, ["recent.txt"]);
    for gone in [inside, alone] {
        ada.get(&format!("/api/v1/documents/{gone}")).await.problem(404);
        assert!(!desk.has_file(gone).await);
    }
    let folders: i64 = sqlx::query_scalar("select count(*) from folders").fetch_one(&mut sql).await.unwrap();
    assert_eq!(folders, 0);
    assert_eq!(purge(&desk.app.state).await.unwrap(), 0);

    // More than one transaction's worth, and a folder around one of them.
    let full = ada.new_folder(project, None, "Full").await;
    ada.new_document_in(project, Some(full), "in.txt", "In.").await;
    sqlx::query(
        "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, trashed_at)
         select gen_random_uuid(), $1, $2, n || '.txt', 'text/plain', 1, '', n::text, now() from generate_series(1, 120) n",
    )
    .bind(desk.workspace)
    .bind(project)
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(desk.post("trash", &[full], &[]).await, 204);
    ada.delete(&desk.path("trash")).await.expect(204);
    assert_eq!(desk.trashed_names().await, [""; 0], "at once");
    assert_eq!(desk.post("trash/restore", &[full], &[]).await, 404, "it is being deleted");
    // What is put there meanwhile is not meant.
    let late = ada.new_document(project, "late.txt", "Late.").await;
    assert_eq!(desk.post("trash", &[], &[late]).await, 204);
    settle(&desk.app.state).await.unwrap();
    assert_eq!(desk.trashed_names().await, ["late.txt"]);
    let left: i64 = sqlx::query_scalar("select count(*) from documents").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 2);
    assert_eq!(desk.names(None).await, ["kept.txt"]);
    assert!(desk.has_file(kept).await && !desk.has_file(recent).await);
}

#[tokio::test]
async fn pages_of_a_long_trash_hold_every_entry_once() {
    let desk = Desk::new().await;
    for table in ["documents", "folders"] {
        let fill = match table {
            "documents" => {
                "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, trashed_at)
                 select gen_random_uuid(), $1, $2, n || '.txt', 'text/plain', 1, '', n::text, now() - n % 7 * interval '1 hour'
                 from generate_series(1, 130) n"
            }
            _ => {
                "insert into folders (id, workspace_id, project_id, name, trashed_at)
                 select gen_random_uuid(), $1, $2, n || '', now() - n % 5 * interval '1 hour' from generate_series(1, 40) n"
            }
        };
        sqlx::query(fill).bind(desk.workspace).bind(desk.project).execute(&mut desk.app.sql().await).await.unwrap();
    }
    let entries = crate::workspaces::tests::all_pages(&desk.ada, &desk.path("trash"), 30).await;
    let mut ids: Vec<String> = entries.iter().map(|entry| entry["item"]["id"].as_str().unwrap().to_owned()).collect();
    let times: Vec<&str> = entries.iter().map(|entry| entry["trashed_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "out of order");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 170);
}

#[tokio::test]
async fn a_project_goes_with_its_trash() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let outer = ada.new_folder(project, None, "Outer").await;
    let inner = ada.new_folder(project, Some(outer), "Inner").await;
    let document = ada.new_document_in(project, Some(inner), "in.txt", "In.").await;
    ada.new_document_in(project, Some(ada.new_folder(project, None, "Kept").await), "kept.txt", "Kept.").await;
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    ada.delete(&format!("/api/v1/projects/{project}")).await.expect(204);
    assert!(!desk.has_file(document).await);
}

#[tokio::test]
async fn only_members_change_it_and_only_their_own() {
    let desk = Desk::new().await;
    let document = desk.ada.new_document(desk.project, "brief.txt", "Due in May.").await;
    let vic = desk.app.user("vic").await;
    desk.ada.add_member(desk.workspace, &vic, "vic", "viewer").await;
    let items = json!({ "documents": [document] });
    for rest in ["trash", "trash/restore", "trash/delete", "move"] {
        vic.post(&desk.path(rest), &items).await.problem(403);
    }
    vic.get(&desk.path("trash")).await.expect(200);
    // Through a project of one's own, what is another's is not there.
    let eve = desk.app.user("eve").await;
    let own = eve.new_project(eve.new_workspace("Elsewhere").await, "Own").await;
    for rest in ["trash", "trash/restore", "trash/delete", "move"] {
        eve.post(&format!("/api/v1/projects/{own}/{rest}"), &items).await.problem(404);
    }
    assert_eq!(desk.document(document).await.trashed_at, None);
}

/// Documents of the tests of what is too much for one transaction. `TRASH_TEST_DOCUMENTS` measures it with another number.
fn many() -> i64 {
    std::env::var("TRASH_TEST_DOCUMENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(2500)
}

impl Desk {
    /// Half of them in the folder, half in the one inside it; without files.
    async fn fill(&self, outer: Uuid, inner: Uuid) {
        sqlx::query(
            "insert into documents (id, workspace_id, project_id, folder_id, name, media_type, size_bytes, sha256, object_key, state)
             select gen_random_uuid(), $1, $2, case when n % 2 = 0 then $3 else $4 end, n || '.txt', 'text/plain', 1, '', n::text, 'ready'
             from generate_series(1, $5) n",
        )
        .bind(self.workspace)
        .bind(self.project)
        .bind(outer)
        .bind(inner)
        .bind(many())
        .execute(&mut self.app.sql().await)
        .await
        .unwrap();
    }

    /// Documents out of the trash, those there with the folder, and all.
    async fn counts(&self, folder: Uuid) -> (i64, i64, i64) {
        sqlx::query_as(
            "select count(*) filter (where trashed_at is null), count(*) filter (where trashed_with = $2), count(*)
             from documents where project_id = $1",
        )
        .bind(self.project)
        .bind(folder)
        .fetch_one(&mut self.app.sql().await)
        .await
        .unwrap()
    }

    /// Does what a request left to the worker, and tells how long both took.
    async fn settled(&self, what: &str, began: std::time::Instant) {
        let answered = began.elapsed();
        settle(&self.app.state).await.unwrap();
        println!("{what} {} documents: {answered:?}, settled after {:?}", many(), began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_folder_goes_comes_back_and_is_deleted_some_at_a_time() {
    let desk = Desk::new().await;
    let (ada, project, all) = (&desk.ada, desk.project, many());
    let outer = ada.new_folder(project, None, "Outer").await;
    let inner = ada.new_folder(project, Some(outer), "Inner").await;
    let by_itself = ada.new_document_in(project, Some(inner), "alone.txt", "Alone.").await;
    assert_eq!(desk.post("trash", &[], &[by_itself]).await, 204);
    desk.fill(outer, inner).await;

    let began = std::time::Instant::now();
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    let (kept, gone, _) = desk.counts(outer).await;
    assert!(kept > 0 && gone > 0 && kept + gone == all, "{kept} and {gone}: some of them");
    desk.settled("trash", began).await;
    assert_eq!(desk.counts(outer).await, (0, all, all + 1));

    let began = std::time::Instant::now();
    assert_eq!(desk.post("trash/restore", &[outer], &[]).await, 204);
    let (kept, gone, _) = desk.counts(outer).await;
    assert!(kept > 0 && gone > 0 && kept + gone == all, "{kept} and {gone}: some of them");
    desk.settled("restore", began).await;
    assert_eq!(desk.counts(outer).await, (all, 0, all + 1));
    assert_eq!(desk.trashed_names().await, ["alone.txt"]);

    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    settle(&desk.app.state).await.unwrap();
    let inside: Uuid = sqlx::query_scalar("select id from documents where trashed_with = $1 limit 1")
        .bind(outer)
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    let began = std::time::Instant::now();
    ada.delete(&format!("/api/v1/folders/{outer}")).await.expect(204);
    let (_, _, left) = desk.counts(outer).await;
    assert!(left < all && left > 1, "{left}: some of them");
    assert_eq!(desk.trashed_names().await, ["alone.txt"], "it is gone for everybody");
    assert_eq!(desk.post("trash/restore", &[outer], &[]).await, 404);
    assert_eq!(desk.post("trash/restore", &[], &[inside]).await, 404);
    ada.get(&format!("/api/v1/documents/{inside}")).await.problem(404);
    desk.settled("delete", began).await;
    assert_eq!(desk.counts(outer).await, (0, 0, 1));
    let folders: i64 =
        sqlx::query_scalar("select count(*) from folders").fetch_one(&mut desk.app.sql().await).await.unwrap();
    assert_eq!(folders, 0);
    assert_eq!(desk.post("trash/restore", &[], &[by_itself]).await, 204);
    assert_eq!(desk.names(None).await, ["alone.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_their_mind_before_a_large_folder_is_settled_loses_nothing() {
    let desk = Desk::new().await;
    let (ada, project, all) = (&desk.ada, desk.project, many());
    let outer = ada.new_folder(project, None, "Outer").await;
    let inner = ada.new_folder(project, Some(outer), "Inner").await;
    desk.fill(outer, inner).await;
    let path = format!("/api/v1/folders/{outer}");

    // There and back, with documents on their way in both directions.
    ada.delete(&path).await.expect(204);
    assert_eq!(desk.post("trash/restore", &[outer], &[]).await, 204);
    ada.delete(&path).await.expect(204);
    settle(&desk.app.state).await.unwrap();
    assert_eq!(desk.counts(outer).await, (0, all, all));

    // The inner folder leaves while it still has documents that are to come back, and the outer one goes for good.
    assert_eq!(desk.post("trash/restore", &[outer], &[]).await, 204);
    ada.post(&desk.path("move"), &json!({ "folders": [inner] })).await.expect(204);
    ada.delete(&format!("{path}?forever=true")).await.expect(204);
    for _ in 0..2 {
        settle(&desk.app.state).await.unwrap();
    }
    assert_eq!(desk.counts(outer).await, (all - all / 2, 0, all - all / 2), "what is in the inner folder");
    assert_eq!(desk.names(None).await, ["Inner"]);

    // It goes while it comes back, with another around it.
    let around = ada.new_folder(project, None, "Around").await;
    ada.post(&desk.path("move"), &json!({ "folders": [inner], "into": around })).await.expect(204);
    ada.delete(&format!("/api/v1/folders/{inner}")).await.expect(204);
    assert_eq!(desk.post("trash/restore", &[inner], &[]).await, 204);
    ada.delete(&format!("/api/v1/folders/{around}")).await.expect(204);
    settle(&desk.app.state).await.unwrap();
    assert_eq!(desk.counts(around).await, (0, all - all / 2, all - all / 2));
    assert_eq!(desk.post("trash/restore", &[around], &[]).await, 204);
    settle(&desk.app.state).await.unwrap();
    assert_eq!(desk.counts(around).await, (all - all / 2, 0, all - all / 2));
    let unsettled: i64 = sqlx::query_scalar("select count(*) from folders where unsettled_at is not null")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!(unsettled, 0);
}
