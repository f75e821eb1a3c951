#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::{
    auth::recorded::{self, USER, refusal, session, supabase, token, token_with},
    events::{self, Notice},
    session::UserSession,
    testing::TestApp,
};
use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use domain::accounts::{Accounts, Credentials};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tower::ServiceExt;
use wiremock::{MockServer, ResponseTemplate};

const PASSWORD: &str = "correct horse battery";

/// The least of a site: signing up, in and out, and who one is.
fn site(app: &TestApp) -> Router {
    async fn me(session: UserSession) -> String {
        domain::Session::user(&session).email.clone()
    }
    async fn maybe(session: Option<UserSession>) -> &'static str {
        if session.is_some() { "somebody" } else { "nobody" }
    }
    async fn sign(
        accounts: RequestAccounts,
        uri: http::Uri,
        body: String,
    ) -> Result<(), crate::http::error::HttpError> {
        let credentials = || -> Credentials { serde_json::from_str(&body).unwrap() };
        match uri.path() {
            "/up" => drop(accounts.sign_up(credentials(), None).await?),
            "/in" => drop(accounts.sign_in(credentials()).await?),
            _ => accounts.sign_out(domain::accounts::SignOutScope::Local).await?,
        }
        Ok(())
    }
    Router::new()
        .route("/me", get(me).post(me))
        .route("/maybe", get(maybe))
        .route("/up", post(sign))
        .route("/in", post(sign))
        .route("/out", post(sign))
        .with_state(app.state.clone())
        .layer(axum::middleware::from_fn_with_state(app.state.clone(), session_layer))
}

/// A browser: it keeps cookies, and says where its requests come from.
#[derive(Clone)]
struct Browser {
    site: Router,
    cookies: BTreeMap<String, String>,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Browser {
    fn new(app: &TestApp) -> Self {
        Self { site: site(app), cookies: BTreeMap::new() }
    }

    fn request(&self, method: Method, path: &str, body: &Value) -> Request {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", "same-origin")
            .header("cookie", cookies);
        request.body(Body::from(body.to_string())).unwrap()
    }

    async fn send(&mut self, request: Request) -> Page {
        let response = self.site.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Page { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path, &Value::Null);
        self.send(request).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Page {
        let request = self.request(Method::POST, path, &body);
        self.send(request).await
    }

    fn with_session(mut self, access: &str, refresh: &str) -> Self {
        self.cookies = BTreeMap::from([
            ("atelier-access".to_owned(), access.to_owned()),
            ("atelier-refresh".to_owned(), refresh.to_owned()),
        ]);
        self
    }
}

fn ada() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD })
}

async fn answer_refresh(server: &MockServer, response: ResponseTemplate) {
    recorded::answer(server, "/token", response).await;
}

async fn refreshes(server: &MockServer) -> usize {
    recorded::received(server, "/token").await.len()
}

#[tokio::test]
async fn a_person_signs_up_out_and_in() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/maybe").await.body, "nobody");

    let signed_up = browser.post("/up", ada()).await;
    assert_eq!(signed_up.status, StatusCode::OK, "{}", signed_up.body);
    assert_eq!(signed_up.headers["cache-control"], "private, no-store");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["atelier-access", "atelier-refresh"]);
    let me = browser.get("/me").await;
    assert_eq!((me.status, me.body.as_str()), (StatusCode::OK, "ada@example.com"));
    assert!(!me.headers.contains_key("set-cookie"), "nothing changed");

    let before = browser.clone();
    assert_eq!(browser.post("/out", Value::Null).await.status, StatusCode::OK);
    assert!(browser.cookies.is_empty());
    assert_eq!(browser.get("/maybe").await.body, "nobody");
    assert_eq!(browser.post("/out", Value::Null).await.status, StatusCode::OK, "twice is no error");
    // The provider's session is over too: its refresh token gives nothing any more.
    let refresh = before.cookies["atelier-refresh"].clone();
    let mut thief = Browser::new(&app).with_session("", &refresh);
    assert_eq!(thief.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(thief.cookies.is_empty());

    assert_eq!(browser.post("/in", ada()).await.status, StatusCode::OK);
    assert_eq!(browser.get("/me").await.body, "ada@example.com");
}

#[tokio::test]
async fn what_was_wrong_is_said_at_its_field() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.post("/up", ada()).await;
    let taken = browser.post("/up", ada()).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.body.contains("\"email\"") && taken.body.contains("already an account"), "{}", taken.body);
    let weak = browser.post("/up", json!({ "email": "bo@example.com", "password": "short" })).await;
    assert!(weak.body.contains("\"password\"") && weak.body.contains("Use at least 8 characters."), "{}", weak.body);
    let wrong = browser.post("/in", json!({ "email": "ada@example.com", "password": "another one" })).await;
    assert!(
        wrong.body.contains("Email and password do not match. Check both, or reset your password."),
        "{}",
        wrong.body
    );
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.headers.contains_key("set-cookie"));
    let empty = browser.post("/in", json!({ "email": "ada@example.com", "password": "" })).await;
    assert!(empty.body.contains("Enter your password."), "{}", empty.body);
}

#[tokio::test]
async fn a_bearer_token_counts_alone() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.post("/up", ada()).await;
    let token = browser.cookies["atelier-access"].clone();
    let with_token = |scheme: &str, token: &str, browser: &Browser| {
        let mut request = browser.request(Method::POST, "/me", &Value::Null);
        request.headers_mut().insert("authorization", format!("{scheme} {token}").parse().unwrap());
        // A program, or another site's page: the token proves what its origin need not.
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        request
    };
    let mut program = Browser::new(&app);
    for scheme in ["Bearer", "bearer"] {
        let request = with_token(scheme, &token, &program);
        assert_eq!(program.send(request).await.body, "ada@example.com");
    }
    for (scheme, bad) in [("Bearer", "nonsense"), ("Bearer", ""), ("Bearer", "a.b.c")] {
        let request = with_token(scheme, bad, &browser);
        assert_eq!(
            browser.send(request).await.status,
            StatusCode::UNAUTHORIZED,
            "the cookies must not step in for {bad:?}"
        );
    }
    let basic = with_token("Basic", "YTpi", &browser);
    assert_eq!(browser.send(basic).await.status, StatusCode::FORBIDDEN, "no Bearer token, so the origin is checked");
}

#[tokio::test]
async fn another_sites_form_changes_nothing() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.post("/up", ada()).await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("referer", "https://evil.example/")]
    {
        let mut request = browser.request(Method::POST, "/out", &Value::Null);
        request.headers_mut().remove("sec-fetch-site");
        request.headers_mut().insert(name, value.parse().unwrap());
        let refused = browser.send(request).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(refused.headers["content-type"], "application/problem+json");
    }
    assert_eq!(browser.get("/me").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_hundred_requests_with_one_expired_session_make_one_refresh() {
    let (server, app) = supabase().await;
    let slow = ResponseTemplate::new(200)
        .set_body_json(session(&token(&server, 3600)))
        .set_delay(std::time::Duration::from_millis(200));
    answer_refresh(&server, slow).await;
    let browser = Browser::new(&app).with_session(&token(&server, -60), "old");
    let requests = (0..100).map(|_| {
        let mut browser = browser.clone();
        async move { (browser.get("/me").await, browser.cookies) }
    });
    for (page, cookies) in futures::future::join_all(requests).await {
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "ada@example.com"));
        assert_eq!(cookies["atelier-refresh"], "renewed");
        assert_eq!(page.headers["cache-control"], "private, no-store");
    }
    // One more that was on its way with the old cookies.
    assert_eq!(browser.clone().get("/me").await.status, StatusCode::OK);
    assert_eq!(refreshes(&server).await, 1);
}

#[tokio::test]
async fn a_visitor_who_leaves_does_not_lose_the_refresh_for_the_others() {
    let (server, app) = supabase().await;
    let slow = ResponseTemplate::new(200)
        .set_body_json(session(&token(&server, 3600)))
        .set_delay(std::time::Duration::from_millis(300));
    answer_refresh(&server, slow).await;
    let browser = Browser::new(&app).with_session(&token(&server, -60), "old");
    let mut leaving = browser.clone();
    let left = tokio::time::timeout(std::time::Duration::from_millis(100), leaving.get("/me")).await;
    assert!(left.is_err());
    assert_eq!(browser.clone().get("/me").await.status, StatusCode::OK);
    assert_eq!(refreshes(&server).await, 1);
}

#[tokio::test]
async fn a_session_is_renewed_before_it_ends() {
    let (server, app) = supabase().await;
    let renewed = token(&server, 3600);
    answer_refresh(&server, ResponseTemplate::new(200).set_body_json(session(&renewed))).await;
    let mut fresh = Browser::new(&app).with_session(&token(&server, 120), "r1");
    fresh.get("/me").await;
    assert_eq!(refreshes(&server).await, 0);
    let mut ending = Browser::new(&app).with_session(&token(&server, 60), "r2");
    assert_eq!(ending.get("/me").await.status, StatusCode::OK);
    assert_eq!(ending.cookies["atelier-access"], renewed);
    // After a night the browser may have kept the refresh token alone.
    let mut morning = Browser::new(&app).with_session("", "r3");
    assert_eq!(morning.get("/me").await.status, StatusCode::OK);
    assert_eq!(refreshes(&server).await, 2);
}

#[tokio::test]
async fn a_refusal_signs_out_and_a_failure_does_not() {
    let (server, app) = supabase().await;
    for failure in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(429).set_body_json(json!({ "code": 429, "error_code": "over_request_rate_limit" })),
    ] {
        answer_refresh(&server, failure).await;
        let mut browser = Browser::new(&app).with_session(&token(&server, -60), "kept");
        let page = browser.get("/me").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
        assert_eq!(browser.cookies["atelier-refresh"], "kept");
        // A token that still has a minute serves on.
        let mut ending = Browser::new(&app).with_session(&token(&server, 60), "kept");
        assert_eq!(ending.get("/me").await.status, StatusCode::OK);
    }
    let refusal = json!({ "code": 400, "error_code": "refresh_token_not_found", "msg": "Invalid Refresh Token: Refresh Token Not Found" });
    answer_refresh(&server, ResponseTemplate::new(400).set_body_json(refusal)).await;
    let mut browser = Browser::new(&app).with_session(&token(&server, -60), "over");
    assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_page_asks_nobody_to_sign_in_again_while_the_provider_is_away() {
    let (server, app) = supabase().await;
    answer_refresh(&server, ResponseTemplate::new(500)).await;
    let pages = Browser { site: crate::http::build_router(app.state.clone()), cookies: BTreeMap::new() };
    let page = pages.with_session(&token(&server, -60), "kept").get("/workspaces").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("You are still signed in"), "{}", page.body);
}

#[tokio::test]
async fn a_provider_whose_tokens_do_not_verify_is_an_operators_mistake() {
    let (server, app) = supabase().await;
    answer_refresh(&server, ResponseTemplate::new(200).set_body_json(session("a.b.c"))).await;
    let mut browser = Browser::new(&app);
    let page = browser.post("/in", ada()).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_person_of_verified_claims_has_a_row_even_without_the_trigger() {
    let (server, app) = supabase().await;
    let mut browser = Browser::new(&app).with_session(&token(&server, 3600), "r");
    assert_eq!(browser.get("/me").await.body, "ada@example.com");
    let mut sql = app.sql().await;
    let rows: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select id, display_name from public.users").fetch_all(&mut sql).await.unwrap();
    assert_eq!(rows, [(USER.parse().unwrap(), "ada".to_owned())]);
}

#[tokio::test]
async fn the_providers_sign_of_life_and_its_absence() {
    let app = TestApp::start().await;
    let health = app.state.identity.check().await.unwrap();
    assert!(health.version.starts_with("embedded v"), "{}", health.version);
    let (_server, app) = supabase().await;
    let problem = app.state.identity.check().await.unwrap_err();
    assert!(problem.contains("SUPABASE_URL"), "{problem}");
}

/// A browser whose access token is an hour old, with the refresh token of a night ago.
#[tokio::test]
async fn a_browser_that_comes_back_after_a_night_is_still_signed_in() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.post("/up", ada()).await;
    let mut sql = app.sql().await;
    for table in ["sessions", "refresh_tokens"] {
        let age = format!(
            "update auth.{table} set created_at = now() - interval '10 hours', updated_at = now() - interval '10 hours'"
        );
        sqlx::query(sqlx::AssertSqlSafe(age)).execute(&mut sql).await.unwrap();
    }
    // Nothing but the clock makes an expired token of the provider's own: one that does not count any more is as good.
    let refresh = browser.cookies["atelier-refresh"].clone();
    let mut morning = Browser::new(&app).with_session("expired", &refresh);
    assert_eq!(morning.get("/me").await.body, "ada@example.com");
    assert_ne!(morning.cookies["atelier-refresh"], refresh, "the token was used up");
    assert_eq!(morning.get("/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_copied_token_ends_with_its_session() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.post("/up", ada()).await;
    let bearer = |token: &str| {
        let mut request = browser.request(Method::GET, "/me", &Value::Null);
        request.headers_mut().remove("cookie");
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    };
    let copied = browser.cookies["atelier-access"].clone();
    let (before, after) = (bearer(&copied), bearer(&copied));
    let mut program = Browser::new(&app);
    assert_eq!(program.send(before).await.status, StatusCode::OK);
    let mut copy = browser.clone();
    browser.post("/out", Value::Null).await;
    assert_eq!(program.send(after).await.status, StatusCode::UNAUTHORIZED, "at once, in this process");
    assert_eq!(copy.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(copy.cookies.is_empty());
}

/// What another process does: to the provider's tables, and by a notice.
#[tokio::test]
async fn a_session_that_ends_elsewhere_ends_here() {
    let app = TestApp::start().await;
    let ends = [
        "delete from auth.sessions",
        "update auth.sessions set not_after = now() - interval '1 second'",
        "update auth.sessions set revoked_at = now()",
        "update auth.users set banned_until = now() + interval '1 day'",
        "update auth.users set deleted_at = now()",
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut browser = Browser::new(&app);
        browser.post("/up", json!({ "email": format!("ada{number}@example.com"), "password": PASSWORD })).await;
        assert_eq!(browser.get("/me").await.status, StatusCode::OK);
        let mut sql = app.sql().await;
        sqlx::query(end).execute(&mut sql).await.unwrap();
        let user: uuid::Uuid = sqlx::query_scalar("select id from public.users where email = $1")
            .bind(format!("ada{number}@example.com"))
            .fetch_one(&mut sql)
            .await
            .unwrap();
        events::notify(&mut sql, &Notice::Person { user: user.into() }).await.unwrap();
        let ended = async {
            while browser.get("/me").await.status == StatusCode::OK {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        // Well before what is known is too old.
        tokio::time::timeout(std::time::Duration::from_secs(5), ended).await.unwrap_or_else(|_| panic!("{end}"));
    }
}

#[tokio::test]
async fn where_the_tables_cannot_be_read_the_provider_is_asked() {
    let (server, app) = supabase().await;
    for code in ["session_not_found", "user_not_found", "user_banned"] {
        recorded::answer(&server, "/user", refusal(403, code, "x")).await;
        app.state.identity.people().forget_everybody();
        let mut browser = Browser::new(&app).with_session(&token(&server, 3600), "r");
        assert_eq!(browser.get("/me").await.status, StatusCode::UNAUTHORIZED, "{code}");
        assert!(browser.cookies.is_empty(), "{code}");
    }
    // One question for many requests; and a provider that does not answer ends nothing.
    for answer in [ResponseTemplate::new(200).set_body_json(recorded::bare_user()), ResponseTemplate::new(502)] {
        recorded::answer(&server, "/user", answer).await;
        app.state.identity.people().forget_everybody();
        let browser = Browser::new(&app).with_session(&token(&server, 3600), "r");
        let requests = (0..20).map(|_| {
            let mut browser = browser.clone();
            async move { browser.get("/me").await.status }
        });
        assert!(futures::future::join_all(requests).await.iter().all(|status| *status == StatusCode::OK));
        assert_eq!(recorded::received(&server, "/user").await.len(), 1);
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_for_on_every_way_in() {
    let (server, app) = supabase().await;
    let mut user = recorded::bare_user();
    user["factors"] = json!([{
        "id": "b4c0a8d5-1f4e-4b0e-8a65-0f0f6c6b3b1d", "friendly_name": "Phone", "factor_type": "totp", "status": "verified",
        "created_at": "2026-08-01T10:00:00Z", "updated_at": "2026-08-01T10:00:00Z",
    }]);
    recorded::answer(&server, "/user", ResponseTemplate::new(200).set_body_json(user)).await;
    let (low, high) = (token(&server, 3600), token_with(&server, 3600, json!({ "aal": "aal2" })));
    let mut browser = Browser::new(&app).with_session(&low, "r");
    let asked = browser.get("/me").await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    assert!(asked.body.contains("second factor"), "{}", asked.body);
    assert_eq!(browser.get("/maybe").await.body, "nobody");
    assert_eq!(browser.cookies["atelier-refresh"], "r", "the session waits");
    let mut raised = Browser::new(&app).with_session(&high, "r");
    assert_eq!(raised.get("/me").await.status, StatusCode::OK);

    let mut page = Browser { site: crate::http::build_router(app.state.clone()), cookies: BTreeMap::new() }
        .with_session(&low, "r");
    let mut request = page.request(Method::GET, "/projects/0198f5c2-6d3a-7f0e-9f3a-2f7d4b1c9a10", &Value::Null);
    request.headers_mut().insert("accept", "text/html".parse().unwrap());
    let sent = page.send(request).await;
    assert_eq!(
        sent.headers[header::LOCATION],
        "/login/second-factor?next=/projects/0198f5c2-6d3a-7f0e-9f3a-2f7d4b1c9a10",
        "{}",
        sent.status
    );
}

#[tokio::test]
async fn the_gateway_signs_nobody_out() {
    let (server, app) = supabase().await;
    let wrong_key = ResponseTemplate::new(401).set_body_json(json!({ "message": "Invalid API key" }));
    answer_refresh(&server, wrong_key).await;
    let mut browser = Browser::new(&app).with_session(&token(&server, -60), "kept");
    assert_eq!(browser.get("/me").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.cookies["atelier-refresh"], "kept");
}
