//! A Supabase of our making, which answers as the real one has been seen to: for what the embedded provider cannot be
//! brought to do. For tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::TestApp;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

pub(super) const SECRET: &str = "a shared secret of at least thirty-two bytes";
pub(super) const USER: &str = "7f6c1c5e-8d3a-4f0e-9f3a-2f7d4b1c9a10";
pub(super) const SESSION: &str = "3b1c1f6e-52a3-4f4a-8a0b-7a1d6a3fd5c2";

/// An older project, which signs with a shared secret and publishes no keys.
pub(super) async fn supabase() -> (MockServer, TestApp) {
    supabase_with(&[]).await
}

pub(super) async fn supabase_with(more: &[(&str, &str)]) -> (MockServer, TestApp) {
    let server = MockServer::start().await;
    let uri = server.uri();
    let mut variables = vec![
        ("SUPABASE_URL", uri.as_str()),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
        ("SUPABASE_JWT_SECRET", SECRET),
    ];
    variables.extend(more);
    let app = TestApp::start_with(&variables).await;
    (server, app)
}

/// A token as that Supabase signs it, with so many seconds left.
pub(super) fn token(server: &MockServer, seconds_left: i64) -> String {
    token_with(server, seconds_left, json!({}))
}

/// The same, with other claims in place of the usual ones.
pub(super) fn token_with(server: &MockServer, seconds_left: i64, other: Value) -> String {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let mut claims = json!({
        "iss": format!("{}/auth/v1", server.uri()), "sub": USER, "aud": "authenticated", "role": "authenticated",
        "email": "ada@example.com", "iat": now - 3600 + seconds_left, "exp": now + seconds_left, "session_id": SESSION,
        "aal": "aal1", "amr": [{ "method": "password", "timestamp": now - 7200 }],
    });
    claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

pub(super) fn session(access: &str) -> Value {
    json!({
        "access_token": access, "token_type": "bearer", "expires_in": 3600, "expires_at": 1, "refresh_token": "renewed",
        "user": bare_user(),
    })
}

pub(super) fn bare_user() -> Value {
    json!({
        "id": USER, "aud": "authenticated", "role": "authenticated", "email": "ada@example.com", "phone": "",
        "app_metadata": { "provider": "email", "providers": ["email"] }, "user_metadata": {}, "is_anonymous": false,
        "identities": [{ "identity_id": "0c3ad2d5-37f4-4be4-9fd9-2d1a06b0a7c8", "id": USER, "user_id": USER, "provider": "email" }],
        "created_at": "2026-08-01T10:00:00.123456Z", "updated_at": "2026-08-01T10:00:00.123456Z",
    })
}

/// An error in the older format.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "code": status, "error_code": code, "msg": message }))
}

/// The only answer there is from now on, at one path.
pub(super) async fn answer(server: &MockServer, at: &str, response: ResponseTemplate) {
    server.reset().await;
    also(server, at, response).await;
}

/// One answer more.
pub(super) async fn also(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(path(format!("/auth/v1{at}"))).respond_with(response).mount(server).await;
}

/// The requests at one path.
pub(super) async fn received(server: &MockServer, at: &str) -> Vec<wiremock::Request> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().filter(|request| request.url.path() == format!("/auth/v1{at}")).collect()
}

/// The ways to sign in as `/settings` lists them: all that there are, of which some are on.
pub(super) fn external(on: &[&str]) -> Value {
    const ALL: &[&str] = &[
        "anonymous_users",
        "apple",
        "azure",
        "bitbucket",
        "discord",
        "facebook",
        "figma",
        "fly",
        "gitlab",
        "google",
        "keycloak",
        "kakao",
        "linkedin",
        "linkedin_oidc",
        "notion",
        "spotify",
        "slack",
        "slack_oidc",
        "workos",
        "twitch",
        "twitter",
        "phone",
        "zoom",
        "snapchat",
        "x",
        "github",
        "email",
    ];
    ALL.iter()
        .map(|name| ((*name).to_owned(), Value::Bool(on.contains(name))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
