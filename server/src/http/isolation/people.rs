//! The kinds of people. A new way to be somebody, or to be it no longer, is one line in [`cast`].

use super::Standing;
use crate::testing::{Belongings, Client, TestApp};
use domain::workspaces::Role;

/// Somebody, and what they are to Ada's workspace.
pub(super) struct Person {
    pub name: &'static str,
    pub client: Client,
    pub standing: Standing,
    /// An API key: it opens the JSON API alone, and does there not all that a person may.
    pub is_key: bool,
}

impl Person {
    /// What they are to pages and server functions.
    pub fn on_pages(&self) -> Standing {
        if self.is_key { Standing::Nobody } else { self.standing }
    }
}

/// Ada's belongings, and everybody who is to be tried on them.
pub(super) async fn cast(app: &TestApp) -> (Client, Belongings, Vec<Person>) {
    let ada = app.user("ada").await;
    let belongings = Belongings::of(app, &ada).await;
    let person = |name, client, standing| Person { name, client, standing, is_key: false };
    let key = |name, client, standing| Person { name, client, standing, is_key: true };
    let eve = app.user("eve").await;
    // A workspace of her own, so that nothing fails only because she has none.
    eve.new_workspace("Elsewhere").await;
    let demoted = member(app, &belongings, "dan").await;
    belongings.set_role(app, &demoted, "viewer").await;
    let removed = member(app, &belongings, "rex").await;
    let removed_key = removed.new_api_key(belongings.id("WorkspaceId"), "write").await;
    belongings.remove(app, &removed).await;
    let (revoked_id, revoked) = ada.new_api_key(belongings.id("WorkspaceId"), "write").await;
    app.anonymous().with_token(&revoked).get("/api/v1/me").await.expect(200);
    ada.delete(&format!("/api/v1/api-keys/{revoked_id}")).await.expect(204);
    let (_, of_elsewhere) = ada.new_api_key(ada.new_workspace("Ada's other").await, "write").await;
    let (_, of_removed) = removed_key;
    let people = vec![
        key("a revoked key", app.anonymous().with_token(&revoked), Standing::Nobody),
        key("a key of a removed member", app.anonymous().with_token(&of_removed), Standing::Nobody),
        key("the owner's key of another workspace", app.anonymous().with_token(&of_elsewhere), Standing::Outsider),
        person("nobody", app.anonymous(), Standing::Nobody),
        person("a forger", app.anonymous().with_token("eyJhbGciOiJub25lIn0.e30."), Standing::Nobody),
        person("another user", eve, Standing::Outsider),
        person("a removed member", removed, Standing::Outsider),
        person("a demoted member", demoted, Standing::Member(Role::Viewer)),
    ];
    (ada, belongings, people)
}

/// Somebody who was an admin, and has used it.
async fn member(app: &TestApp, belongings: &Belongings, name: &str) -> Client {
    let client = app.user(name).await;
    client.get("/api/v1/me").await.expect(200);
    belongings.set_role(app, &client, "admin").await;
    client.get(&format!("/api/v1/workspaces/{}", belongings.id("WorkspaceId"))).await.expect(200);
    client
}
