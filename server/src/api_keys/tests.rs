#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    testing::{Client, TestApp},
    workspaces::tests::all_pages,
};
use domain::{
    Page,
    accounts::User,
    api_keys::{ApiKey, MadeApiKey},
    workspaces::Workspace,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Ada owns a workspace; Mia is a member of it.
struct Studio {
    app: TestApp,
    ada: Client,
    mia: Client,
    workspace: Uuid,
    /// Mia's.
    membership: Uuid,
}

impl Studio {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let (ada, mia) = (app.user("ada").await, app.user("mia").await);
        let workspace = ada.new_workspace("Nord").await;
        let membership = ada.add_member(workspace, &mia, "mia", "member").await;
        Self { app, ada, mia, workspace, membership }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.workspace)
    }

    /// A program with a new key of Mia's.
    async fn program(&self, scope: &str) -> Client {
        let (_, token) = self.mia.new_api_key(self.workspace, scope).await;
        self.app.anonymous().with_token(&token)
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.app.sql().await).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_a_hash() {
    let studio = Studio::open().await;
    let new = json!({ "name": " Import ", "scope": "read", "expires_in_days": 30 });
    let made: MadeApiKey = studio.mia.post(&studio.path("/api-keys"), &new).await.json(201);
    assert!(made.token.starts_with("atelier_") && made.token.len() == 8 + 43, "256 bits");
    assert!(made.token.starts_with(&made.key.prefix) && made.key.prefix.len() == 14);
    assert_eq!((made.key.name.as_str(), made.key.user_name.as_str()), ("Import", "mia"));
    assert_eq!(made.key.expires_at, Some(made.key.created_at + time::Duration::days(30)));
    assert!(!format!("{made:?}").contains(&made.token));

    let listed = studio.mia.get(&studio.path("/api-keys")).await;
    assert!(!listed.text().contains(&made.token));
    assert_eq!(listed.json::<Page<ApiKey>>(200).items, [made.key]);
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from api_keys").fetch_all(&mut studio.app.sql().await).await.unwrap();
    assert_eq!(stored, [crate::secret::hash(&made.token)]);
    for days in [0, 367] {
        let new = json!({ "name": "Import", "scope": "read", "expires_in_days": days });
        studio.mia.post(&studio.path("/api-keys"), &new).await.problem(422);
    }
}

#[tokio::test]
async fn a_key_reads_or_writes_in_its_owners_name() {
    let studio = Studio::open().await;
    let (reader, writer) = (studio.program("read").await, studio.program("write").await);
    for program in [&reader, &writer] {
        assert_eq!(program.get("/api/v1/me").await.json::<User>(200).email, "mia@example.com");
        program.get(&studio.path("")).await.expect(200);
        program.get(&studio.path("/members")).await.expect(200);
    }
    let project = writer.new_project(studio.workspace, "Launch").await;
    for (method, path) in [
        (Method::POST, studio.path("/projects")),
        (Method::PATCH, format!("/api/v1/projects/{project}")),
        (Method::DELETE, format!("/api/v1/projects/{project}")),
        (Method::POST, format!("/api/v1/projects/{project}/conversations")),
    ] {
        let answer = reader.send(reader.request(method, &path).json(&json!({ "name": "Another" }))).await;
        assert!(answer.problem(403)["detail"].as_str().unwrap().starts_with("This API key may only read."));
    }
    reader.get(&format!("/api/v1/projects/{project}")).await.expect(200);
    writer.patch(&format!("/api/v1/projects/{project}"), &json!({ "name": "Another" })).await.expect(200);
    // A member's key deletes no project either.
    writer.delete(&format!("/api/v1/projects/{project}")).await.problem(403);
}

#[tokio::test]
async fn a_key_sees_its_own_workspace_only() {
    let studio = Studio::open().await;
    let program = studio.program("write").await;
    // Another workspace of the same person, with all that is in it.
    let other = studio.mia.new_workspace("Other").await;
    let project = studio.mia.new_project(other, "Hidden").await;
    let document = studio.mia.new_document(project, "hidden.txt", "Not for programs.").await;
    let conversation = studio.mia.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.id();
    for path in [
        format!("workspaces/{other}"),
        format!("workspaces/{other}/members"),
        format!("workspaces/{other}/projects"),
        format!("projects/{project}"),
        format!("projects/{project}/documents"),
        format!("projects/{project}/events"),
        format!("documents/{document}"),
        format!("documents/{document}/file"),
        format!("conversations/{conversation}"),
    ] {
        program.get(&format!("/api/v1/{path}")).await.problem(404);
    }
    program.post(&format!("/api/v1/workspaces/{other}/projects"), &json!({ "name": "Mine" })).await.problem(404);
    program.delete(&format!("/api/v1/documents/{document}")).await.problem(404);
    let listed: Page<Workspace> = program.get("/api/v1/workspaces").await.json(200);
    assert_eq!(listed.items.iter().map(|one| Uuid::from(one.id)).collect::<Vec<_>>(), [studio.workspace]);
    assert_eq!(studio.mia.get("/api/v1/workspaces").await.json::<Page<Workspace>>(200).items.len(), 2);
}

#[tokio::test]
async fn a_key_manages_neither_workspaces_nor_people_nor_keys() {
    let studio = Studio::open().await;
    let (key, token) = studio.ada.new_api_key(studio.workspace, "write").await;
    let program = studio.app.anonymous().with_token(&token);
    let membership = studio.membership;
    let invitation: Value = studio
        .ada
        .post(&studio.path("/invitations"), &json!({ "email": "new@example.com", "role": "viewer" }))
        .await
        .json(201);
    let invitation = invitation["invitation"]["id"].as_str().unwrap();
    for (method, path, body) in [
        (Method::POST, "/api/v1/workspaces".to_owned(), json!({ "name": "Mine" })),
        (Method::PATCH, studio.path(""), json!({ "name": "Mine" })),
        (Method::DELETE, studio.path(""), Value::Null),
        (Method::PATCH, format!("/api/v1/members/{membership}"), json!({ "role": "owner" })),
        (Method::DELETE, format!("/api/v1/members/{membership}"), Value::Null),
        (Method::POST, format!("/api/v1/members/{membership}/ownership"), Value::Null),
        (Method::GET, studio.path("/invitations"), Value::Null),
        (Method::POST, studio.path("/invitations"), json!({ "email": "other@example.com", "role": "owner" })),
        (Method::DELETE, format!("/api/v1/invitations/{invitation}"), Value::Null),
        (Method::POST, "/api/v1/invitations/accept".to_owned(), json!({ "token": "nonsense" })),
        (Method::GET, studio.path("/api-keys"), Value::Null),
        (Method::POST, studio.path("/api-keys"), json!({ "name": "More", "scope": "write" })),
        (Method::DELETE, format!("/api/v1/api-keys/{key}"), Value::Null),
    ] {
        let answer = program.send(program.request(method.clone(), &path).json(&body)).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        assert!(answer.problem(403)["detail"].as_str().unwrap().starts_with("An API key cannot do that."));
    }
}

#[tokio::test]
async fn a_key_serves_the_api_alone() {
    let studio = Studio::open().await;
    let program = studio.program("write").await;
    // Pages take it for nobody, and a server function too.
    let page = program.send(program.request(Method::GET, "/workspaces").header("accept", "text/html")).await;
    assert!(page.status == 302 && page.header("location") == "/login", "{} {}", page.status, page.header("location"));
    for token in ["atelier_", "atelier_nonsense", &format!("atelier_{}", "A".repeat(43))] {
        studio.app.anonymous().with_token(token).get("/api/v1/me").await.problem(401);
    }
}

#[tokio::test]
async fn a_key_ends_when_it_is_revoked_or_expires() {
    let studio = Studio::open().await;
    let (key, token) = studio.mia.new_api_key(studio.workspace, "read").await;
    let program = studio.app.anonymous().with_token(&token);
    program.get("/api/v1/me").await.expect(200);
    studio.mia.delete(&format!("/api/v1/api-keys/{key}")).await.expect(204);
    program.get("/api/v1/me").await.problem(401);
    studio.mia.delete(&format!("/api/v1/api-keys/{key}")).await.problem(404);

    let expiring = studio.program("read").await;
    expiring.get("/api/v1/me").await.expect(200);
    studio.execute("update api_keys set expires_at = now()").await;
    expiring.get("/api/v1/me").await.problem(401);
}

#[tokio::test]
async fn a_key_ends_with_its_owners_membership_and_shrinks_with_their_role() {
    let studio = Studio::open().await;
    let program = studio.program("write").await;
    program.new_project(studio.workspace, "Launch").await;
    let role = json!({ "role": "viewer" });
    studio.ada.patch(&format!("/api/v1/members/{}", studio.membership), &role).await.expect(200);
    let new = json!({ "name": "Another" });
    let refused = program.post(&studio.path("/projects"), &new).await.problem(403);
    assert!(refused["detail"].as_str().unwrap().starts_with("This API key may only read."), "{refused}");
    program.get(&studio.path("")).await.expect(200);
    studio.mia.post(&studio.path("/api-keys"), &json!({ "name": "More", "scope": "write" })).await.problem(403);
    studio.mia.new_api_key(studio.workspace, "read").await;

    studio.ada.delete(&format!("/api/v1/members/{}", studio.membership)).await.expect(204);
    program.get("/api/v1/me").await.problem(401);
    // Coming back does not bring the keys back.
    studio.ada.add_member(studio.workspace, &studio.mia, "mia", "member").await;
    program.get("/api/v1/me").await.problem(401);
}

#[tokio::test]
async fn a_key_ends_with_its_owners_account() {
    let studio = Studio::open().await;
    let program = studio.program("read").await;
    studio
        .execute("update auth.users set banned_until = now() + interval '1 day' where email = 'mia@example.com'")
        .await;
    program.get("/api/v1/me").await.problem(401);
    studio.execute("update auth.users set banned_until = now() - interval '1 second'").await;
    program.get("/api/v1/me").await.expect(200);
    studio.execute("delete from auth.users where email = 'mia@example.com'").await;
    program.get("/api/v1/me").await.problem(401);
}

#[tokio::test]
async fn everyone_sees_their_own_keys_and_an_admin_everybodys() {
    let studio = Studio::open().await;
    let (of_ada, _) = studio.ada.new_api_key(studio.workspace, "read").await;
    let (of_mia, _) = studio.mia.new_api_key(studio.workspace, "read").await;
    let ids = async |client: &Client| -> Vec<Uuid> {
        let keys: Page<ApiKey> = client.get(&studio.path("/api-keys")).await.json(200);
        keys.items.iter().map(|key| key.id.into()).collect()
    };
    assert_eq!(ids(&studio.mia).await, [of_mia]);
    assert_eq!(ids(&studio.ada).await, [of_mia, of_ada]);
    studio.mia.delete(&format!("/api/v1/api-keys/{of_ada}")).await.problem(403);
    studio.ada.delete(&format!("/api/v1/api-keys/{of_mia}")).await.expect(204);
    assert_eq!(ids(&studio.ada).await, [of_ada]);
    for _ in 0..20 {
        studio.mia.new_api_key(studio.workspace, "read").await;
    }
    assert_eq!(all_pages(&studio.ada, &studio.path("/api-keys"), 7).await.len(), 21);
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute() {
    let studio = Studio::open().await;
    let program = studio.program("read").await;
    let last_used = async || -> Option<OffsetDateTime> {
        let keys: Page<ApiKey> = studio.mia.get(&studio.path("/api-keys")).await.json(200);
        keys.items[0].last_used_at
    };
    assert_eq!(last_used().await, None);
    program.get("/api/v1/me").await.expect(200);
    let first = last_used().await.unwrap();
    program.get("/api/v1/me").await.expect(200);
    assert_eq!(last_used().await, Some(first));
    studio.execute("update api_keys set last_used_at = now() - interval '61 seconds'").await;
    program.get("/api/v1/me").await.expect(200);
    assert!(last_used().await.unwrap() > first);
}

/// An open stream that says nothing by itself; resolves when it ends.
async fn end_of(client: &Client, path: &str) -> tokio::task::JoinHandle<()> {
    let stream = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    tokio::spawn(async move { drop(stream.text().await) })
}

#[tokio::test]
async fn open_streams_end_soon_after_membership_session_or_key() {
    let studio = Studio::open().await;
    let project = studio.ada.new_project(studio.workspace, "Launch").await;
    let path = format!("/api/v1/projects/{project}/events");
    let (eve, zoe) = (studio.app.user("eve").await, studio.app.user("zoe").await);
    studio.ada.add_member(studio.workspace, &eve, "eve", "viewer").await;
    studio.ada.add_member(studio.workspace, &zoe, "zoe", "viewer").await;
    let (key, token) = zoe.new_api_key(studio.workspace, "read").await;
    let program = studio.app.anonymous().with_token(&token);

    let (of_ada, of_mia, of_eve) =
        (end_of(&studio.ada, &path).await, end_of(&studio.mia, &path).await, end_of(&eve, &path).await);
    let (of_program, of_zoe) = (end_of(&program, &path).await, end_of(&zoe, &path).await);
    studio.ada.delete(&format!("/api/v1/members/{}", studio.membership)).await.expect(204);
    zoe.delete(&format!("/api/v1/api-keys/{key}")).await.expect(204);
    sqlx::query("delete from auth.sessions where user_id = $1")
        .bind(eve.user_id())
        .execute(&mut studio.app.sql().await)
        .await
        .unwrap();
    for (whose, stream) in [("Mia's", of_mia), ("Eve's", of_eve), ("the program's", of_program)] {
        let ended = tokio::time::timeout(Duration::from_secs(8), stream).await;
        assert!(ended.is_ok(), "{whose} stream goes on");
    }
    assert!(!of_ada.is_finished() && !of_zoe.is_finished(), "others' streams ended too");
}
