#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{testing::TestApp, workspaces::tests::all_pages};
use domain::{
    Page,
    projects::Project,
    workspaces::{Role, Workspace},
};
use serde_json::json;
use sqlx::Connection as _;
use std::collections::HashSet;
use uuid::Uuid;

#[tokio::test]
async fn a_project_has_a_brief_that_changes_part_by_part() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let new = json!({ "name": "Launch", "brief": { "client": "Fjord Coffee", "brand_voice": "Warm." } });
    let made: Project = ada.post(&format!("/api/v1/workspaces/{workspace}/projects"), &new).await.json(201);
    assert_eq!((made.name.as_str(), made.role, made.document_count), ("Launch", Role::Owner, 0));
    assert_eq!((made.brief.client.as_str(), made.brief.notes.as_str()), ("Fjord Coffee", ""));
    assert_eq!(Uuid::from(made.workspace.id), workspace);

    let path = format!("/api/v1/projects/{}", made.id);
    let renamed: Project = ada.patch(&path, &json!({ "name": "Relaunch" })).await.json(200);
    assert_eq!((renamed.name.as_str(), renamed.brief), ("Relaunch", made.brief));
    let rewritten: Project = ada.patch(&path, &json!({ "brief": { "notes": "Due in May." } })).await.json(200);
    assert_eq!((rewritten.brief.client.as_str(), rewritten.brief.notes.as_str()), ("", "Due in May."));
    assert_eq!(ada.get(&path).await.json::<Project>(200), rewritten);
}

#[tokio::test]
async fn what_happens_in_a_project_counts_as_its_change_and_its_workspaces() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    let changed = async || {
        let project: Project = ada.get(&format!("/api/v1/projects/{project}")).await.json(200);
        let workspace: Workspace = ada.get(&format!("/api/v1/workspaces/{workspace}")).await.json(200);
        (project.updated_at, workspace.updated_at)
    };
    let before = changed().await;
    let document = ada.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let with_document = changed().await;
    assert!(with_document.0 > before.0 && with_document.1 > before.1);
    ada.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.id();
    let with_conversation = changed().await;
    assert!(with_conversation.0 > with_document.0 && with_conversation.1 > with_document.1);
    ada.delete(&format!("/api/v1/documents/{document}")).await.expect(204);
    let without_document = changed().await;
    assert!(without_document.0 > with_conversation.0);

    let counted: Project = ada.get(&format!("/api/v1/projects/{project}")).await.json(200);
    assert_eq!((counted.document_count, counted.conversation_count), (0, 1));
}

#[tokio::test]
async fn changes_in_a_project_do_not_wait_for_one_another() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    let mut sql = app.sql().await;
    let mut other = sql.begin().await.unwrap();
    for activity in ["project_activity where project_id", "workspace_activity where workspace_id"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("select from {activity} = any($1) for update")))
            .bind([project, workspace])
            .execute(&mut *other)
            .await
            .unwrap();
    }
    let make = async { ada.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.id() };
    tokio::time::timeout(std::time::Duration::from_secs(20), make).await.expect("it does not wait");
}

#[tokio::test]
async fn what_the_release_before_notes_is_in_view() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let (first, second) = (ada.new_project(workspace, "First").await, ada.new_project(workspace, "Second").await);
    let projects = format!("/api/v1/workspaces/{workspace}/projects");
    let order = async || {
        let page: Page<Project> = ada.get(&projects).await.json(200);
        page.items.iter().map(|project| Uuid::from(project.id)).collect::<Vec<_>>()
    };
    assert_eq!(order().await, [second, first]);
    let mut sql = app.sql().await;
    for (table, id) in [("projects", first), ("workspaces", workspace)] {
        sqlx::query(sqlx::AssertSqlSafe(format!("update {table} set updated_at = '2100-01-01' where id = $1")))
            .bind(id)
            .execute(&mut sql)
            .await
            .unwrap();
    }
    assert_eq!(order().await, [first, second]);
    let seen: Workspace = ada.get(&format!("/api/v1/workspaces/{workspace}")).await.json(200);
    assert_eq!(seen.updated_at, time::macros::datetime!(2100-01-01 0:00 UTC));
}

#[tokio::test]
async fn deleting_a_project_deletes_what_is_in_it_and_its_files() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let (project, other) = (ada.new_project(workspace, "Launch").await, ada.new_project(workspace, "Other").await);
    let document = ada.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let kept = ada.new_document(other, "brief.txt", "It stays.").await;
    let key =
        |document: Uuid| crate::storage::ObjectKey::Document { workspace: workspace.into(), document: document.into() };

    ada.delete(&format!("/api/v1/projects/{project}")).await.expect(204);
    ada.get(&format!("/api/v1/projects/{project}")).await.problem(404);
    ada.get(&format!("/api/v1/documents/{document}")).await.problem(404);
    assert!(app.state.store.head(key(document)).await.is_err());
    assert!(app.state.store.head(key(kept)).await.is_ok());
}

#[tokio::test]
async fn pages_of_a_long_list_hold_every_row_once_and_in_order() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    sqlx::query(
        "insert into projects (id, workspace_id, name, updated_at)
         select gen_random_uuid(), $1, 'Project ' || n, timestamptz '2026-01-01' + (n / 3) * interval '1 microsecond'
         from generate_series(1, 251) n",
    )
    .bind(workspace)
    .execute(&mut app.sql().await)
    .await
    .unwrap();
    let items = all_pages(&ada, &format!("/api/v1/workspaces/{workspace}/projects"), 50).await;
    let projects: Vec<Project> = items.into_iter().map(|item| serde_json::from_value(item).unwrap()).collect();
    assert_eq!(projects.iter().map(|project| project.id).collect::<HashSet<_>>().len(), 251);
    assert!(projects.is_sorted_by(|a, b| (a.updated_at, Uuid::from(a.id)) > (b.updated_at, Uuid::from(b.id))));
}
