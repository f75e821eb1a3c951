#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    auth::AuthUser,
    session::UserSession,
    testing::{Client, TestApp, count_queries},
};
use domain::{
    Error,
    accounts::User,
    navigation::{Navigate, Place},
    projects::Projects,
    workspaces::Role,
};

/// The session that a person's requests have.
async fn session(app: &TestApp, client: &Client, email: &str) -> UserSession {
    client.get("/api/v1/me").await.expect(200);
    UserSession::new(app.state.clone(), AuthUser::for_test(client.user_id().into(), email))
}

#[tokio::test]
async fn the_frame_knows_where_one_is_and_where_one_can_go() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let other = ada.new_workspace("Other").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    let document = ada.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let session = session(&app, &ada, "ada@example.com").await;

    let home = session.navigation(Place::Home).await.unwrap();
    assert_eq!(home.workspaces.iter().map(|link| link.id.into()).collect::<Vec<uuid::Uuid>>(), [workspace, other]);
    assert_eq!((home.workspace, home.project, home.projects.len()), (None, None, 0));

    let frame = session.navigation(Place::Document(document.into())).await.unwrap();
    let (in_view, role) = frame.workspace.unwrap();
    assert_eq!((in_view.name.as_str(), role), ("Nord", Role::Owner));
    assert_eq!(frame.project.as_ref().map(|link| link.name.as_str()), Some("Launch"));
    assert_eq!(frame.projects, [frame.project.unwrap()]);
}

#[tokio::test]
async fn what_is_in_view_has_its_name_where_the_menu_is_too_short_for_it() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let oldest = ada.new_project(workspace, "Launch").await;
    for n in 0..50 {
        ada.new_project(workspace, &format!("Project {n}")).await;
    }
    let session = session(&app, &ada, "ada@example.com").await;
    let frame = session.navigation(Place::Project(oldest.into())).await.unwrap();
    assert!(frame.projects.len() == 50 && frame.projects.iter().all(|listed| listed.name != "Launch"));
    assert_eq!(frame.project.map(|link| link.name).as_deref(), Some("Launch"));
    assert_eq!(frame.workspace.map(|(link, _)| link.name).as_deref(), Some("Nord"));
}

#[tokio::test]
async fn another_tenants_place_is_not_there() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    let session = session(&app, &eve, "eve@example.com").await;
    for place in [Place::Workspace(workspace.into()), Place::Project(project.into())] {
        assert_eq!(session.navigation(place).await, Err(Error::NotFound));
    }
    // Nor to a request that has seen a project of its own before.
    let own = eve.new_project(eve.new_workspace("Own").await, "Own").await;
    session.navigation(Place::Project(own.into())).await.unwrap();
    assert_eq!(session.project_home(project.into()).await, Err(Error::NotFound));
}

#[tokio::test]
async fn a_projects_page_takes_few_queries_however_much_it_shows() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let project = ada.new_project(workspace, "Launch").await;
    for n in 0..20 {
        ada.new_project(workspace, &format!("Project {n}")).await;
        ada.new_document(project, &format!("{n}.txt"), "One of many.").await;
    }
    let session = session(&app, &ada, "ada@example.com").await;
    let ((), queries) = count_queries(async {
        session.navigation(Place::Project(project.into())).await.unwrap();
        let home = session.project_home(project.into()).await.unwrap();
        assert_eq!((home.project.document_count, home.documents.len()), (20, 5));
    })
    .await;
    // Five statements, and the beginning of two transactions.
    assert!((5..=7).contains(&queries), "{queries} queries");
}

#[tokio::test]
async fn me_is_who_the_token_says() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let me: User = ada.get("/api/v1/me").await.json(200);
    assert_eq!((me.email.as_str(), me.display_name.as_str()), ("ada@example.com", "ada"));
    assert_eq!(uuid::Uuid::from(me.id), ada.user_id());
}
