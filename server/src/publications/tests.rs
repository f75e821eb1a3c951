#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    config::store::S3,
    publications,
    storage::{ObjectKey, ObjectStore},
    testing::{Client, TestApp},
};
use domain::publications::{Publication, PublicationStatus};
use serde_json::json;
use uuid::Uuid;

/// Ada owns a workspace with a document, on a bucket with a public address.
struct Studio {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
    document: Uuid,
}

fn with_public_address(settings: &S3) -> ObjectStore {
    let mut settings = settings.clone();
    settings.public_url = Some("https://files.example.com".parse().unwrap());
    ObjectStore::new(&settings)
}

impl Studio {
    async fn open() -> Self {
        let app = TestApp::start_on(&[], with_public_address).await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Launch").await;
        let document = ada.new_document(project, "brief.html", "<h1>Launch</h1>").await;
        Self { app, ada, workspace, project, document }
    }

    fn address(&self) -> String {
        format!("/api/v1/documents/{}/publication", self.document)
    }

    fn copy(&self) -> ObjectKey {
        ObjectKey::Published { workspace: self.workspace.into(), document: self.document.into() }
    }

    async fn publish(&self) -> Publication {
        self.ada.put(&self.address(), &json!({})).await.json(200)
    }

    async fn publication(&self) -> Option<Publication> {
        self.ada.get(&self.address()).await.json::<PublicationStatus>(200).publication
    }

    async fn is_in_the_store(&self) -> bool {
        self.app.state.store.head(self.copy()).await.is_ok()
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.app.sql().await).await.unwrap();
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from publications").fetch_one(&mut self.app.sql().await).await.unwrap()
    }
}

#[tokio::test]
async fn a_published_file_has_a_lasting_address_until_it_is_withdrawn() {
    let studio = Studio::open().await;
    assert_eq!(studio.publication().await, None);
    let made = studio.publish().await;
    let expected = format!("https://files.example.com/workspaces/{}/public/{}", studio.workspace, studio.document);
    assert_eq!((made.url.as_str(), made.published_by.as_str(), made.current), (expected.as_str(), "ada", true));
    assert_eq!(studio.publication().await, Some(made.clone()));

    let copy = studio.app.state.store.get_bytes(studio.copy(), 1000).await.unwrap();
    assert_eq!(copy.as_ref(), b"<h1>Launch</h1>");
    let head = studio.app.state.store.head(studio.copy()).await.unwrap();
    assert_eq!(head.size, 15);
    assert_eq!(studio.publish().await.url, made.url, "published again it stays where it is");

    studio.ada.delete(&studio.address()).await.expect(204);
    assert!(!studio.is_in_the_store().await);
    assert_eq!(studio.publication().await, None);
    studio.ada.delete(&studio.address()).await.expect(204);
}

#[tokio::test]
async fn a_copy_that_comes_after_its_removal_is_removed_again() {
    let studio = Studio::open().await;
    studio.publish().await;
    studio.ada.delete(&studio.address()).await.expect(204);
    // As of a request whose copy was still on its way in the store.
    studio.app.state.store.put(studio.copy(), "text/html", "late".into()).await.unwrap();
    publications::remove_withdrawn(&studio.app.state).await.unwrap();
    assert!(!studio.is_in_the_store().await);
    assert_eq!(studio.rows().await, 1);
    studio.execute("update publications set begun_at = now() - interval '1 hour'").await;
    publications::remove_withdrawn(&studio.app.state).await.unwrap();
    assert_eq!(studio.rows().await, 0, "no copy can come any more");
}

#[tokio::test]
async fn what_is_written_is_published_as_it_was_approved() {
    let studio = Studio::open().await;
    let new = json!({ "title": "Letter", "text": "The first." });
    let written = studio.ada.post(&format!("/api/v1/projects/{}/written-documents", studio.project), &new).await.id();
    let address = format!("/api/v1/documents/{written}/publication");
    let refused = studio.ada.put(&address, &json!({})).await.problem(409);
    assert!(refused.to_string().contains("approved"), "{refused}");
    studio.execute("update written_documents set status = 'approved'").await;
    assert!(studio.ada.put(&address, &json!({})).await.json::<Publication>(200).current);
    // What is typed now is not in the file that would be copied.
    studio.execute("update written_documents set revision = revision + 1").await;
    let refused = studio.ada.put(&address, &json!({})).await.problem(409);
    assert!(refused.to_string().contains("a few seconds"), "{refused}");
    let status: PublicationStatus = studio.ada.get(&address).await.json(200);
    assert!(!status.publication.unwrap().current);
}

#[tokio::test]
async fn what_is_deleted_or_put_into_the_trash_is_public_no_longer() {
    let studio = Studio::open().await;
    let document = format!("/api/v1/documents/{}", studio.document);
    studio.publish().await;
    studio.ada.delete(&document).await.expect(204);
    publications::remove_withdrawn(&studio.app.state).await.unwrap();
    assert!(!studio.is_in_the_store().await, "in the trash");
    studio.ada.put(&studio.address(), &json!({})).await.problem(409);

    let restore = json!({ "documents": [studio.document], "folders": [] });
    studio.ada.post(&format!("/api/v1/projects/{}/trash/restore", studio.project), &restore).await.expect(204);
    assert_eq!(studio.publication().await, None, "restored, it is published only when somebody does so");
    studio.publish().await;
    assert!(studio.is_in_the_store().await);

    // Whatever deletes the row: here its project.
    studio.ada.delete(&format!("/api/v1/projects/{}", studio.project)).await.expect(204);
    publications::remove_withdrawn(&studio.app.state).await.unwrap();
    assert!(!studio.is_in_the_store().await, "deleted with its project");
}

#[tokio::test]
async fn a_copy_that_nobody_finished_is_removed_and_a_finished_one_stays() {
    let studio = Studio::open().await;
    studio.publish().await;
    publications::remove_withdrawn(&studio.app.state).await.unwrap();
    assert!(studio.is_in_the_store().await);
    for (change, stays) in [
        ("update publications set begun_at = now() - interval '1 day'", true),
        ("update publications set published_at = null, begun_at = now()", true),
        ("update publications set published_at = null, begun_at = now() - interval '1 day'", false),
    ] {
        studio.execute(change).await;
        publications::remove_withdrawn(&studio.app.state).await.unwrap();
        assert_eq!(studio.is_in_the_store().await, stays, "{change}");
    }
}

#[tokio::test]
async fn another_version_is_published_when_somebody_does_so() {
    let studio = Studio::open().await;
    studio.publish().await;
    sqlx::query("update documents set sha256 = $1")
        .bind(vec![7_u8; 32])
        .execute(&mut studio.app.sql().await)
        .await
        .unwrap();
    assert!(!studio.publication().await.unwrap().current);
    assert!(studio.publish().await.current);
}

#[tokio::test]
async fn nothing_is_published_without_a_public_address() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Launch").await;
    let document = ada.new_document(project, "brief.md", "Words").await;
    let address = format!("/api/v1/documents/{document}/publication");
    let status: PublicationStatus = ada.get(&address).await.json(200);
    assert_eq!(status, PublicationStatus { possible: false, publication: None });
    let problem = ada.put(&address, &json!({})).await.problem(409);
    assert!(format!("{problem:?}").contains("R2_PUBLIC_URL"), "{problem:?}");
}
