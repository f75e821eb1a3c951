#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::{Client, TestApp};
use domain::{
    Page,
    members::Member,
    workspaces::{Role, Workspace},
};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

/// Reads a list from its first page to its last.
pub(crate) async fn all_pages(client: &Client, path: &str, limit: u32) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Page<Value> = client.get(&format!("{path}?limit={limit}{cursor}")).await.json(200);
        assert!(page.items.len() <= limit as usize);
        assert!(!page.items.is_empty() || items.is_empty(), "an empty page followed another");
        items.extend(page.items);
        match page.next {
            Some(next) => cursor = format!("&cursor={}", next.0),
            None => return items,
        }
    }
}

#[tokio::test]
async fn whoever_makes_a_workspace_owns_it() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let made: Workspace = ada.post("/api/v1/workspaces", &json!({ "name": "  Nord  " })).await.json(201);
    assert_eq!((made.name.as_str(), made.role, made.project_count, made.member_count), ("Nord", Role::Owner, 0, 1));
    assert_eq!(ada.get(&format!("/api/v1/workspaces/{}", made.id)).await.json::<Workspace>(200), made);

    let members: Page<Member> = ada.get(&format!("/api/v1/workspaces/{}/members", made.id)).await.json(200);
    let [member] = members.items.as_slice() else { panic!("{members:?}") };
    assert_eq!((member.email.as_str(), member.role), ("ada@example.com", Role::Owner));
    assert_eq!(Uuid::from(member.user_id), ada.user_id());
}

#[tokio::test]
async fn a_workspace_is_renamed_and_deleted() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let id = ada.new_workspace("Nord").await;
    let renamed: Workspace = ada.patch(&format!("/api/v1/workspaces/{id}"), &json!({ "name": "Süd" })).await.json(200);
    assert_eq!(renamed.name, "Süd");
    assert!(renamed.updated_at > renamed.created_at);

    ada.delete(&format!("/api/v1/workspaces/{id}")).await.expect(204);
    ada.get(&format!("/api/v1/workspaces/{id}")).await.problem(404);
    ada.delete(&format!("/api/v1/workspaces/{id}")).await.problem(404);
}

#[tokio::test]
async fn deleting_a_workspace_deletes_its_files() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    let document = ada.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let key = crate::storage::ObjectKey::Document { workspace: workspace.into(), document: document.into() };
    assert!(app.state.store.head(key).await.is_ok());
    ada.delete(&format!("/api/v1/workspaces/{workspace}")).await.expect(204);
    assert!(app.state.store.head(key).await.is_err());
}

#[tokio::test]
async fn the_list_holds_ones_own_workspaces_the_last_changed_first() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let first = ada.new_workspace("First").await;
    let second = ada.new_workspace("Second").await;
    eve.new_workspace("Eve's").await;
    ada.new_project(first, "Launch").await;
    let list: Page<Workspace> = ada.get("/api/v1/workspaces").await.json(200);
    let ids: Vec<Uuid> = list.items.iter().map(|workspace| workspace.id.into()).collect();
    assert_eq!(ids, [first, second], "a new project counts as a change");
    assert_eq!(list.items[0].project_count, 1);
    assert_eq!(list.next, None);
}

#[tokio::test]
async fn pages_of_a_long_list_hold_every_row_once_and_in_order() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    // Three rows of each time, so that pages end between rows that differ by their id alone.
    sqlx::query(
        "with made as (
             insert into workspaces (id, name, updated_at)
             select gen_random_uuid(), 'Workspace ' || n, timestamptz '2026-01-01' + (n / 3) * interval '1 microsecond'
             from generate_series(1, 250) n
             returning id
         )
         insert into members (workspace_id, user_id, role) select id, $1, 'member' from made",
    )
    .bind({
        ada.get("/api/v1/me").await.expect(200);
        ada.user_id()
    })
    .execute(&mut app.sql().await)
    .await
    .unwrap();
    let items = all_pages(&ada, "/api/v1/workspaces", 17).await;
    let workspaces: Vec<Workspace> = items.into_iter().map(|item| serde_json::from_value(item).unwrap()).collect();
    assert_eq!(workspaces.len(), 250);
    assert_eq!(workspaces.iter().map(|workspace| workspace.id).collect::<HashSet<_>>().len(), 250);
    assert!(workspaces.is_sorted_by(|a, b| (a.updated_at, Uuid::from(a.id)) > (b.updated_at, Uuid::from(b.id))));
}
