//! The JSON API and its event streams.

use super::{MALFORMED, Standing, assert_allowed, check, people::cast};
use crate::testing::{Belongings, Client, Operation, TestApp};
use domain::workspaces::Role;
use reqwest::Method;
use uuid::Uuid;

#[tokio::test]
async fn what_is_anothers_is_for_nobody_else() {
    let app = TestApp::start().await;
    let (ada, belongings, people) = cast(&app).await;
    let mut tried = 0;
    for operation in Operation::all() {
        let Some(id) = belongings.id_for(&operation) else { continue };
        let path = operation.path_with(&id.to_string());
        for person in &people {
            let what = format!("{}, for {}", operation.name(), person.name);
            let standing = person.standing.toward(&operation);
            if standing.refusal(operation.needs()).is_none() && !is_quick(&operation) {
                continue;
            }
            let answer = operation.send(&person.client, &path).await;
            // Some things no key may do, whatever the id is.
            let is_for_people = person.is_key && answer.status == 403;
            if !is_for_people {
                check(&answer, standing, operation.needs(), &what);
            }
            if answer.status >= 400 {
                answer.problem(answer.status);
            }
            if standing == Standing::Outsider {
                // Word for word what an id gives that nobody has.
                let nobodys = operation.path_with(&Uuid::now_v7().to_string());
                let nobodys = operation.send(&person.client, &nobodys).await.problem(answer.status);
                assert_eq!(answer.problem(answer.status)["detail"], nobodys["detail"], "{what}");
            }
            tried += 1;
        }
    }
    assert!(tried > 75, "{tried}");
    // Whatever was refused has not been done either.
    assert_still_there(&belongings, &ada).await;
}

async fn assert_still_there(belongings: &Belongings, owner: &Client) {
    for operation in Operation::all().iter().filter(|operation| operation.method == Method::GET && is_quick(operation))
    {
        let Some(id) = belongings.id_for(operation) else { continue };
        let answer = operation.send(owner, &operation.path_with(&id.to_string())).await;
        assert_eq!(answer.status, 200, "{}: {}", operation.name(), answer.text());
    }
}

/// Searching takes the model, and events do not end: both have tests of their own.
fn is_quick(operation: &Operation) -> bool {
    let takes_model = operation.query_parameters().iter().any(|name| name == "q");
    !operation.is_stream() && !takes_model
}

#[tokio::test]
async fn what_is_ones_own_is_to_be_had() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut own = Belongings::of(&app, &ada).await;
    for operation in Operation::all() {
        let Some(id) = own.id_for(&operation) else { continue };
        if operation.is_stream() || operation.query_parameters().iter().any(|name| name == "q") {
            continue;
        }
        let answer = operation.send(&ada, &operation.path_with(&id.to_string())).await;
        assert_allowed(&answer, &operation.name());
        if operation.method == Method::DELETE {
            own = Belongings::of(&app, &ada).await;
        }
    }
}

#[tokio::test]
async fn without_a_login_nothing_is_to_be_had() {
    let app = TestApp::start().await;
    for operation in Operation::all() {
        let path = operation.path_with(&Uuid::now_v7().to_string());
        let answer = operation.send(&app.anonymous(), &path).await;
        assert_eq!(answer.status, 401, "{}: {}", operation.name(), answer.text());
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn an_event_stream_is_for_members_only() {
    let app = TestApp::start().await;
    let (ada, belongings, people) = cast(&app).await;
    let streams: Vec<Operation> = Operation::all().into_iter().filter(Operation::is_stream).collect();
    assert!(streams.len() >= 2);
    let mut opened = 0;
    for stream in &streams {
        let path = stream.path_with(&belongings.id_for(stream).unwrap().to_string());
        for person in &people {
            if let Some(status) = person.standing.refusal(stream.needs()) {
                let request = person.client.request(Method::GET, &path).header("accept", "text/event-stream");
                person.client.send(request).await.problem(status);
                // Coming back to a stream is no way into it.
                let again = person.client.request(Method::GET, &path).header("last-event-id", "1");
                person.client.send(again).await.problem(status);
            }
        }
        let open = ada.request(Method::GET, &path).send().await.unwrap();
        // 204: the answer is over.
        assert!(matches!(open.status().as_u16(), 200 | 204), "{path}: {}", open.status());
        if open.status() == 200 {
            assert_eq!(open.headers()["content-type"], "text/event-stream");
            opened += 1;
        }
    }
    assert!(opened > 0);
}

#[tokio::test]
async fn a_role_allows_what_it_should_and_no_more() {
    let app = TestApp::start().await;
    let (ada, vic) = (app.user("ada").await, app.user("vic").await);
    vic.get("/api/v1/me").await.expect(200);
    let belongings = Belongings::of(&app, &ada).await;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        belongings.set_role(&app, &vic, role.as_str()).await;
        for operation in Operation::with_roles() {
            let standing = Standing::Member(role).toward(&operation);
            // What is allowed and destroys is left out: the other operations need what it would destroy.
            if standing.refusal(operation.needs()).is_none() && operation.method == Method::DELETE {
                continue;
            }
            let id = belongings.id_for(&operation).unwrap().to_string();
            let answer = operation.send(&vic, &operation.path_with(&id)).await;
            check(&answer, standing, operation.needs(), &format!("{role:?}: {}", operation.name()));
        }
    }
}

#[tokio::test]
async fn a_malformed_id_is_not_found() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let long = "a".repeat(2000);
    for operation in Operation::all().iter().filter(|operation| operation.id_type().is_some()) {
        for id in MALFORMED.into_iter().chain([long.as_str()]) {
            let answer = operation.send(&ada, &operation.path_with(id)).await;
            assert_eq!(answer.status, 404, "{} with {id:?}: {}", operation.name(), answer.text());
            answer.problem(404);
            let refused = operation.send(&app.anonymous(), &operation.path_with(id)).await;
            assert_eq!(refused.status, 401, "{} with {id:?}, for nobody", operation.name());
        }
    }
}

#[tokio::test]
async fn a_key_that_reads_changes_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let belongings = Belongings::of(&app, &ada).await;
    let (_, token) = ada.new_api_key(belongings.id("WorkspaceId"), "read").await;
    let key = app.anonymous().with_token(&token);
    for operation in Operation::all() {
        let id = belongings.id_for(&operation).unwrap_or_default().to_string();
        let path = operation.path_with(&id);
        if !operation.method.is_safe() {
            operation.send(&key, &path).await.problem(403);
        } else if is_quick(&operation) {
            let answer = operation.send(&key, &path).await;
            assert!(matches!(answer.status, 200 | 403), "{}: {} {}", operation.name(), answer.status, answer.text());
        }
    }
    assert_still_there(&belongings, &ada).await;
}
