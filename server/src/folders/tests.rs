#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::{Client, Form, TestApp};
use domain::{
    documents::Document,
    folders::{FolderContents, FolderLink, MAX_DEPTH},
    uploads::Upload,
};
use reqwest::{Method, header};
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

    async fn contents(&self, folder: Option<Uuid>) -> FolderContents {
        let folder = folder.map(|folder| format!("?folder={folder}")).unwrap_or_default();
        self.ada.get(&self.path(&format!("contents{folder}"))).await.json(200)
    }

    /// Names of folders and documents in a place.
    async fn names(&self, folder: Option<Uuid>) -> (Vec<String>, Vec<String>) {
        let contents = self.contents(folder).await;
        let folders = contents.folders.into_iter().map(|folder| folder.name).collect();
        (folders, contents.documents.items.into_iter().map(|document| document.name).collect())
    }

    async fn move_items(&self, folders: &[Uuid], documents: &[Uuid], into: Option<Uuid>) -> u16 {
        let wanted = json!({ "folders": folders, "documents": documents, "into": into });
        self.ada.post(&self.path("move"), &wanted).await.status
    }
}

#[tokio::test]
async fn folders_are_nested_and_listed_before_documents() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let briefs = ada.new_folder(project, None, "Briefs").await;
    let autumn = ada.new_folder(project, Some(briefs), "autumn").await;
    ada.new_folder(project, Some(briefs), "Summer").await;
    ada.new_folder(project, None, "assets").await;
    ada.new_document(project, "top.txt", "At the top.").await;
    ada.new_document_in(project, Some(autumn), "one.txt", "One.").await;
    ada.new_document_in(project, Some(autumn), "two.txt", "Two.").await;

    assert_eq!(desk.names(None).await, (vec!["assets".into(), "Briefs".into()], vec!["top.txt".into()]));
    let inner = desk.contents(Some(autumn)).await;
    let path: Vec<(&str, u32)> = inner.path.iter().map(|link| (link.name.as_str(), link.depth)).collect();
    assert_eq!(path, [("Briefs", 0), ("autumn", 1)]);
    assert_eq!(desk.names(Some(autumn)).await.1, ["two.txt", "one.txt"], "the newest first");
    assert_eq!(desk.contents(None).await.folders[1].item_count, 2);

    let all: Vec<FolderLink> = ada.get(&desk.path("folders")).await.json(200);
    let tree: Vec<(&str, u32)> = all.iter().map(|link| (link.name.as_str(), link.depth)).collect();
    assert_eq!(tree, [("assets", 0), ("Briefs", 0), ("autumn", 1), ("Summer", 1)]);

    // The project's own list has them all, and so has the count on its page.
    let documents: Value = ada.get(&desk.path("documents")).await.json(200);
    assert_eq!(documents["items"].as_array().unwrap().len(), 3);

    // Pages are those of the documents; the folders are on the first.
    let first: FolderContents = ada.get(&desk.path(&format!("contents?folder={autumn}&limit=1"))).await.json(200);
    let cursor = first.documents.next.unwrap().0;
    let path = desk.path(&format!("contents?folder={autumn}&limit=1&cursor={cursor}"));
    let second: FolderContents = ada.get(&path).await.json(200);
    assert_eq!((second.documents.items[0].name.as_str(), second.documents.next), ("one.txt", None));
}

#[tokio::test]
async fn a_place_has_one_folder_of_a_name_and_none_is_too_deep() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let briefs = ada.new_folder(project, None, "Briefs").await;
    let inner = ada.new_folder(project, Some(briefs), "Briefs").await;
    let taken = ada.post(&desk.path("folders"), &json!({ "name": "  bRIEFS " })).await.problem(409);
    assert!(taken["detail"].as_str().unwrap().contains("“bRIEFS”"), "{taken}");
    let assets = ada.new_folder(project, None, "Assets").await;
    ada.patch(&format!("/api/v1/folders/{assets}"), &json!({ "name": "briefs" })).await.problem(409);
    let renamed: Value = ada.patch(&format!("/api/v1/folders/{assets}"), &json!({ "name": "ASSETS" })).await.json(200);
    assert_eq!(renamed["name"], "ASSETS");
    ada.post(&desk.path("folders"), &json!({ "name": " " })).await.problem(422);

    let mut deepest = inner;
    for depth in 2..MAX_DEPTH {
        deepest = ada.new_folder(project, Some(deepest), &format!("{depth}")).await;
    }
    ada.post(&desk.path("folders"), &json!({ "name": "deeper", "parent_id": deepest })).await.problem(409);
    // Nor by a move.
    assert_eq!(desk.move_items(&[assets], &[], Some(deepest)).await, 409);

    let elsewhere = ada.new_project(desk.workspace, "Other").await;
    let theirs = ada.new_folder(elsewhere, None, "Theirs").await;
    ada.post(&desk.path("folders"), &json!({ "name": "x", "parent_id": theirs })).await.problem(404);
    ada.get(&desk.path(&format!("contents?folder={theirs}"))).await.problem(404);
}

#[tokio::test]
async fn things_move_all_or_none_and_never_into_themselves() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let outer = ada.new_folder(project, None, "outer").await;
    let inner = ada.new_folder(project, Some(outer), "inner").await;
    let other = ada.new_folder(project, None, "other").await;
    let note = ada.new_document(project, "note.txt", "A note.").await;

    for into in [outer, inner] {
        assert_eq!(desk.move_items(&[outer], &[note], Some(into)).await, 409);
    }
    assert_eq!(desk.names(None).await.1, ["note.txt"], "nothing has moved");
    assert_eq!(desk.move_items(&[other], &[note], Some(inner)).await, 204);
    assert_eq!(desk.names(Some(inner)).await, (vec!["other".into()], vec!["note.txt".into()]));
    let moved: Document = ada.get(&format!("/api/v1/documents/{note}")).await.json(200);
    assert_eq!(moved.folder_id.map(Uuid::from), Some(inner));

    // Beside one of its name it cannot go, and then nothing goes.
    ada.new_folder(project, None, "OTHER").await;
    assert_eq!(desk.move_items(&[other], &[note], None).await, 409);
    assert_eq!(desk.names(Some(inner)).await.1, ["note.txt"]);
    assert_eq!(desk.move_items(&[], &[note], None).await, 204);
    assert_eq!(desk.names(None).await.1, ["note.txt"]);

    // Another project's are not there, nor is a place in another project; nobody's are like them.
    let elsewhere = ada.new_project(desk.workspace, "Other").await;
    let (theirs, their_note) =
        (ada.new_folder(elsewhere, None, "Theirs").await, ada.new_document(elsewhere, "n.txt", "Theirs.").await);
    for (folders, documents, into) in [
        (vec![theirs], vec![], None),
        (vec![], vec![note, their_note], Some(inner)),
        (vec![], vec![note], Some(theirs)),
        (vec![], vec![note, Uuid::now_v7()], Some(inner)),
    ] {
        assert_eq!(desk.move_items(&folders, &documents, into).await, 404);
    }
    assert_eq!(desk.names(None).await.1, ["note.txt"]);
    let many: Vec<Uuid> = (0..501).map(|_| Uuid::now_v7()).collect();
    assert_eq!(desk.move_items(&[], &many, None).await, 422);
}

#[tokio::test]
async fn two_moves_at_once_leave_no_folder_in_itself() {
    let desk = Desk::new().await;
    let (one, two) =
        (desk.ada.new_folder(desk.project, None, "one").await, desk.ada.new_folder(desk.project, None, "two").await);
    let (first, second) = ([one], [two]);
    let (a, b) = tokio::join!(desk.move_items(&first, &[], Some(two)), desk.move_items(&second, &[], Some(one)));
    let mut answers = [a, b];
    answers.sort_unstable();
    assert_eq!(answers, [204, 409]);
    let all: Vec<FolderLink> = desk.ada.get(&desk.path("folders")).await.json(200);
    assert_eq!(all.iter().map(|link| link.depth).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn an_upload_goes_into_its_folder_and_replaces_only_there() {
    let desk = Desk::new().await;
    let (ada, project) = (&desk.ada, desk.project);
    let folder = ada.new_folder(project, None, "Briefs").await;
    let bytes = b"Due in May.";
    let new = json!({ "name": "brief.txt", "size_bytes": bytes.len(), "folder_id": folder });
    let begun: Upload = ada.post(&desk.path("uploads"), &new).await.json(201);
    assert_eq!(begun.folder_id.map(Uuid::from), Some(folder));
    let at_top: Upload =
        ada.post(&desk.path("uploads"), &json!({ "name": "brief.txt", "size_bytes": bytes.len() })).await.json(201);
    assert_ne!(begun.id, at_top.id, "the same file to another place is another upload");

    let send = async |upload: &Upload| -> Upload {
        let request = ada.request(Method::PATCH, &format!("/api/v1/uploads/{}", upload.id));
        let request = request.header(header::CONTENT_TYPE, "application/offset+octet-stream");
        ada.send(request.header("upload-offset", 0).body(bytes.to_vec())).await.json(200)
    };
    let made = send(&begun).await.document_id.unwrap();
    let document: Document = ada.get(&format!("/api/v1/documents/{made}")).await.json(200);
    assert_eq!(document.folder_id.map(Uuid::from), Some(folder));

    // Once it is ready, a file of its name is its next version in the folder, and a document of its own elsewhere.
    let mut sql = desk.app.sql().await;
    sqlx::query("update documents set state = 'ready' where id = $1")
        .bind(Uuid::from(made))
        .execute(&mut sql)
        .await
        .unwrap();
    let read = async |id: Uuid| -> Document { ada.get(&format!("/api/v1/documents/{id}")).await.json(200) };
    let elsewhere = read(ada.new_document(project, "brief.txt", "Due in June.").await).await;
    assert_eq!(elsewhere.replaces, None);
    let version = read(ada.new_document_in(project, Some(folder), "brief.txt", "Due in July.").await).await;
    assert_eq!((version.replaces, version.folder_id), (Some(made), document.folder_id));
    // It goes where its document goes.
    assert_eq!(desk.move_items(&[], &[made.into()], None).await, 204);
    assert_eq!(read(version.id.into()).await.folder_id, None);

    // A folder that is gone when the file has arrived is no place for it any more.
    let late = json!({ "name": "late.txt", "size_bytes": bytes.len(), "folder_id": folder });
    let late: Upload = ada.post(&desk.path("uploads"), &late).await.json(201);
    ada.delete(&format!("/api/v1/folders/{folder}")).await.expect(204);
    let arrived = read(send(&late).await.document_id.unwrap().into()).await;
    assert_eq!((arrived.folder_id, arrived.trashed_at), (None, None));
    ada.post(&desk.path("uploads"), &new).await.problem(404);
    let form = Form::new().file("x.txt", b"x");
    ada.post_form(&desk.path(&format!("documents?folder={folder}")), &form).await.problem(404);
}

#[tokio::test]
async fn a_plain_form_comes_back_to_its_folder() {
    let desk = Desk::new().await;
    let folder = desk.ada.new_folder(desk.project, None, "Briefs").await;
    let form = Form::new().file("brief.txt", b"Due in May.");
    let request = desk.ada.request(Method::POST, &desk.path(&format!("documents?folder={folder}")));
    let request = request.header(header::ACCEPT, "text/html").header(header::CONTENT_TYPE, form.content_type());
    let done = desk.ada.send(request.body(form.body())).await;
    done.expect(303);
    assert_eq!(done.header("location"), format!("/projects/{}/documents?folder={folder}", desk.project));
    assert_eq!(desk.names(Some(folder)).await.1, ["brief.txt"]);
}
