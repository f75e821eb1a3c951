#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Done, Task, perform};
use crate::{fault::Fault, testing::TestApp};
use domain::Error;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::time::Duration;
use uuid::Uuid;

async fn done(app: &TestApp, task: Task) -> Done {
    perform(&app.state.config, &app.state.db, task).await.unwrap()
}

/// The sentence of a refusal.
async fn refused(app: &TestApp, task: Task) -> String {
    match perform(&app.state.config, &app.state.db, task).await {
        Err(Fault::Refused(Error::Conflict { message })) => message,
        other => panic!("{other:?}"),
    }
}

fn owner(email: &str, workspace: impl ToString) -> Task {
    Task::Owner { email: email.to_owned(), workspace: workspace.to_string() }
}

fn requeue(id: impl ToString) -> Task {
    Task::Requeue { id: Some(id.to_string()), all: false }
}

async fn execute(app: &TestApp, sql: &str) {
    sqlx::query(AssertSqlSafe(sql)).execute(&mut app.sql().await).await.unwrap();
}

#[tokio::test]
async fn a_person_is_made_an_owner_by_the_workspaces_id_or_name() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let workspace = ada.new_workspace("Nord").await;
    bob.get(&format!("/api/v1/workspaces/{workspace}")).await.expect(404);

    let made = done(&app, owner(" BOB@example.com", "Nord")).await;
    assert!(made.well && made.to_string().contains("no member"), "{made}");
    bob.patch(&format!("/api/v1/workspaces/{workspace}"), &json!({ "name": "Süd" })).await.expect(200);
    let members: Value = bob.get(&format!("/api/v1/workspaces/{workspace}/members?limit=10")).await.json(200);
    assert!(members["items"].as_array().unwrap().iter().all(|member| member["role"] == "owner"), "{members}");
    assert!(done(&app, owner("ada@example.com", workspace)).await.to_string().contains("was owner before"));

    assert!(refused(&app, owner("nobody@example.com", workspace)).await.contains("Nobody"));
    assert!(refused(&app, owner("bob@example.com", "Nord")).await.contains("no workspace Nord"));
    ada.new_workspace("Süd").await;
    let several = refused(&app, owner("bob@example.com", "Süd")).await;
    assert!(several.contains(&workspace.to_string()), "{several}");
}

#[tokio::test]
async fn a_second_factor_that_was_lost_is_taken_away() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let task = || Task::ResetSecondFactor { email: "ada@example.com".to_owned() };
    assert!(done(&app, task()).await.to_string().contains("nothing was changed"));
    let enrol = format!(
        "insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret)
         values ('{}', '{}', 'Telephone', 'totp', 'verified', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')",
        Uuid::new_v4(),
        ada.user_id()
    );
    execute(&app, &enrol).await;
    assert_ne!(ada.get("/api/v1/workspaces").await.status, 200, "a code is owed");

    assert!(done(&app, task()).await.to_string().contains("without a code"));
    let signed_in = async {
        while ada.get("/api/v1/workspaces").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // Sooner than what is known of a session is looked up anew by itself.
    tokio::time::timeout(Duration::from_secs(5), signed_in).await.expect("the server hears of it");
    let left: i64 =
        sqlx::query_scalar("select count(*) from auth.mfa_factors").fetch_one(&mut app.sql().await).await.unwrap();
    assert_eq!(left, 0);
    let nobody = Task::ResetSecondFactor { email: "nobody@example.com".to_owned() };
    assert!(refused(&app, nobody).await.contains("Nobody"));
}

#[tokio::test]
async fn what_is_stuck_is_listed_and_queued_again() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Launch").await;
    assert_eq!(done(&app, Task::Stuck).await, Done::well("Nothing is stuck."));

    let failed = ada.new_document(project, "failed.txt", "It failed.").await;
    let left = ada.new_document(project, "left.txt", "Its worker has gone.").await;
    let waiting = ada.new_document(project, "waiting.txt", "No worker came.").await;
    let fresh = ada.new_document(project, "fresh.txt", "It has just come.").await;
    for sql in [
        "delete from graphile_worker._private_jobs where key not like '%written%'".to_owned(),
        format!(
            "update documents set state = 'failed', failure = E'The file\\nis broken.', crashes = 3 where id = '{failed}'"
        ),
        format!(
            "update documents set state = 'embedding', leased_until = now() - interval '1 hour' where id = '{left}'"
        ),
        format!("update documents set updated_at = now() - interval '1 hour' where id = '{waiting}'"),
    ] {
        execute(&app, &sql).await;
    }
    let stuck = done(&app, Task::Stuck).await;
    let text = stuck.to_string();
    assert!(!stuck.well);
    for (id, said) in [(failed, "The file is broken."), (left, "worker has gone"), (waiting, "no worker takes it up")] {
        let line = text.lines().find(|line| line.contains(&id.to_string())).unwrap_or_else(|| panic!("{id} in {text}"));
        assert!(line.contains(said), "{line}");
    }
    assert!(!text.contains(&fresh.to_string()), "{text}");

    assert!(done(&app, requeue(failed)).await.to_string().contains("queued"));
    let document: Value = ada.get(&format!("/api/v1/documents/{failed}")).await.json(200);
    assert_eq!((&document["state"], &document["failure"]), (&json!("queued"), &Value::Null));
    let job: i64 = sqlx::query_scalar("select id from graphile_worker.jobs where key = $1")
        .bind(failed.to_string())
        .fetch_one(&mut app.sql().await)
        .await
        .unwrap();
    assert!(refused(&app, requeue(fresh)).await.contains("no failed document"));
    assert!(refused(&app, requeue(job)).await.contains("no failed document or job"));
    assert!(refused(&app, requeue("everything")).await.contains("neither"));

    execute(
        &app,
        &format!("update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'No answer' where id = {job}"),
    )
    .await;
    execute(&app, &format!("update documents set state = 'failed' where id in ('{left}', '{waiting}')")).await;
    assert!(done(&app, Task::Stuck).await.to_string().contains("No answer"));
    let all = done(&app, Task::Requeue { id: None, all: true }).await.to_string();
    assert!(all.contains("2 documents and 1 jobs"), "{all}");
    let deliverable: i64 = sqlx::query_scalar("select count(*) from graphile_worker.jobs where attempts = 0")
        .fetch_one(&mut app.sql().await)
        .await
        .unwrap();
    assert_eq!(deliverable, 3);
}

#[tokio::test]
async fn a_new_signing_key_is_published_then_signs_and_nobody_is_signed_out() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    ada.get("/api/v1/workspaces").await.expect(200);
    let published = async || {
        let keys: Value = app.anonymous().get("/auth/v1/.well-known/jwks.json").await.json(200);
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = published().await;
    assert!(done(&app, Task::RotateKeys).await.to_string().contains("Nobody is signed out"));
    let both = published().await;
    assert_eq!((both.len(), &both[0]), (2, &first[0]));
    let waits = app.returning("ada").await;
    assert_eq!(signer(&waits.cookie()), first[0], "the new one does not sign yet");
    assert!(refused(&app, Task::RotateKeys).await.contains("quarter of an hour"));

    // Its time comes.
    let path = app.state.config.paths.data.join("identity/keys.json");
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    file["signing_keys"][1]["signs_from"] = 1.into();
    std::fs::write(&path, file.to_string()).unwrap();
    let signed = app.returning("ada").await;
    assert_eq!(signer(&signed.cookie()), both[1]);
    for person in [ada, waits] {
        person.get("/api/v1/workspaces").await.expect(200);
    }
    // This server has looked for published keys a moment ago, and does so again in ten seconds.
    let known = async {
        while signed.get("/api/v1/workspaces").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), known).await.expect("the new key is found");
}

/// The key that has signed the token of a cookie.
fn signer(cookie: &str) -> String {
    let token = cookie.split_once('=').unwrap().1;
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}
