#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! What every request passes through, with the whole app.

use super::{
    health::{self, Stopping},
    limits, serve,
};
use crate::testing::TestApp;
use axum::{Router, middleware::from_fn_with_state, routing::get};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn health_names_every_part_and_readiness_ends_with_the_stop() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    anyone.get("/healthz").await.expect(200);
    let health: Value = anyone.get("/readyz").await.json(200);
    assert_eq!(health["status"], "ready");
    for part in ["postgres", "pgvector", "migrations", "search_index", "object_store", "identity"] {
        assert_eq!(health["parts"][part]["state"], "ok", "{part}");
        assert!(health["parts"][part]["latency_ms"].is_u64(), "{part}");
    }

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/readyz");
    let stopping = Stopping::default();
    let router = super::build_router(app.state.clone());
    let server = tokio::spawn(serve::serve(listener, router, stopping.clone(), Duration::from_secs(5)));
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    // As `LEPTOS_SITE_ADDR=0.0.0.0:3000` is asked.
    let anywhere = ([0, 0, 0, 0], address.port()).into();
    for asked in [address, anywhere] {
        assert!(health::ask(asked).await.unwrap().contains("alive"));
    }
    stopping.0.cancel();
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 503);
    assert!(server.await.unwrap());
    assert!(health::ask(address).await.unwrap_err().contains("No answer"));
}

#[tokio::test]
async fn what_was_never_ready_is_not_alive_and_what_was_stays_so_while_a_part_is_away() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    anyone.get("/readyz").await.expect(200);
    // The pool gives no more connections from here on; those in use need not come back for that.
    let _ = tokio::time::timeout(Duration::from_secs(1), app.state.db.close()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopping = Stopping::default();
    let router = super::build_router(app.state.clone());
    let server = tokio::spawn(serve::serve(listener, router, stopping.clone(), Duration::from_secs(5)));
    let said = health::ask(address).await.unwrap_err();
    assert!(said.contains("starting") && said.contains("postgres"), "{said}");
    stopping.0.cancel();
    assert!(server.await.unwrap());

    // What was found within the last second still counts for /readyz.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    anyone.get("/readyz").await.expect(503);
    anyone.get("/healthz").await.expect(200);
}

#[tokio::test]
async fn readiness_fails_when_the_database_is_gone_and_says_little() {
    let app = TestApp::start().await;
    // The pool gives no more connections from here on; those in use need not come back for that.
    let _ = tokio::time::timeout(Duration::from_secs(1), app.state.db.close()).await;
    let answer = app.anonymous().get("/readyz").await;
    let health: Value = answer.json(503);
    assert_eq!(
        health["parts"]["postgres"],
        json!({ "state": "failed", "latency_ms": health["parts"]["postgres"]["latency_ms"] })
    );
    assert_eq!(health["parts"]["object_store"]["state"], "ok");
}

#[tokio::test]
async fn every_response_has_its_id_and_its_protection() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    for path in ["/", "/login", "/no-such-page", "/api/v1/me", "/api/docs", "/healthz", "/favicon.svg"] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src"), "{path}: {policy}");
        assert!(!policy.contains("'unsafe-inline'") || path.ends_with(".svg"), "{path}: {policy}");
    }
    let stated = anyone.send(anyone.request(Method::GET, "/healthz").header("x-request-id", "from-the-proxy-1")).await;
    assert_eq!(stated.header("x-request-id"), "from-the-proxy-1");
    let forged = anyone.send(anyone.request(Method::GET, "/healthz").header("x-request-id", "a b\"c d e f")).await;
    assert_eq!(forged.header("x-request-id").len(), 32);
    let problem = anyone.get("/api/v1/me").await;
    assert_eq!(problem.problem(401)["instance"], problem.header("x-request-id"));
}

/// Everything that a browser can be made to do with a response is forbidden unless the response needs it.
fn assert_protected(headers: &HeaderMap, what: &str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("x-frame-options"), "DENY", "{what}");
    assert_eq!(header("referrer-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert_eq!(header("strict-transport-security"), "max-age=31536000; includeSubDomains", "{what}");
    let policy = header("content-security-policy");
    for directive in ["default-src 'none'", "default-src 'self'"] {
        if policy.contains(directive) {
            assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
            assert!(!policy.contains("'unsafe-eval'") && !policy.contains("script-src 'unsafe-inline'"), "{what}");
            return;
        }
    }
    panic!("{what}: {policy}");
}

#[tokio::test]
async fn every_kind_of_response_is_protected_and_cached_as_it_may_be() {
    let public = concat!(env!("CARGO_MANIFEST_DIR"), "/../public");
    let app = TestApp::start_with(&[
        ("ATELIER_PUBLIC_URL", "https://atelier.example"),
        ("LEPTOS_SITE_ROOT", public),
        ("ATELIER_TRUSTED_PROXIES", "127.0.0.1"),
        ("ATELIER_SIGN_IN_LIMIT_PER_MINUTE", "1"),
        // A machine that compiles beside may be slow; what is measured here is no time.
        ("ATELIER_REQUEST_TIMEOUT_SECONDS", "120"),
    ])
    .await;
    let (anyone, ada) = (app.anonymous(), app.user("ada").await);
    let project = ada.new_project(ada.new_workspace("Nord").await, "Launch").await;
    let answers = [
        ("a page", anyone.get("/").await, 200, "private, no-store"),
        ("the login page", anyone.get("/login").await, 200, "no-store"),
        ("a form for new people", anyone.get("/register").await, 200, "no-store"),
        ("a page of one's own", ada.get("/workspaces").await, 200, "private, no-store"),
        ("a redirect to the login page", anyone.get("/workspaces").await, 302, "no-store"),
        ("a redirect", anyone.get("/favicon.ico").await, 308, ""),
        ("JSON", ada.get("/api/v1/me").await, 200, "private, no-cache"),
        ("a problem", anyone.get("/api/v1/me").await, 401, "no-store"),
        ("nothing", ada.get(&format!("/api/v1/projects/{}", Uuid::now_v7())).await, 404, "no-store"),
        ("no page", anyone.get("/no/such/page").await, 404, "private, no-store"),
        ("a file", anyone.get("/favicon.svg").await, 200, "public, max-age=3600"),
        ("no file", anyone.get("/pkg/nothing.js").await, 404, ""),
        ("a description", anyone.get("/api/docs").await, 200, "private, no-cache"),
        ("a sign of life", anyone.get("/healthz").await, 200, "no-store"),
        ("the provider", anyone.get("/auth/v1/health").await, 401, ""),
    ];
    for (what, answer, status, caching) in answers {
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert_protected(&answer.headers, what);
        if !caching.is_empty() {
            assert_eq!(answer.header("cache-control"), caching, "{what}");
        }
    }
    let stream = ada.request(Method::GET, &format!("/api/v1/projects/{project}/events")).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_protected(stream.headers(), "a stream");
    let other_site = anyone.request(Method::POST, "/api/v1/workspaces").header("origin", "https://evil.example");
    let refused = anyone.send(other_site).await;
    refused.expect(403);
    assert_protected(&refused.headers, "a refusal of another site");
    for _ in 0..4 {
        let form = anyone.request(Method::POST, <app::auth::api::SignIn as leptos::server_fn::ServerFn>::PATH);
        let form = form.header("x-forwarded-for", "192.0.2.1").form(&[("email", "a@example.com"), ("password", "x")]);
        let answer = anyone.send(form).await;
        assert_protected(&answer.headers, "a try");
        assert!(answer.status != 429 || answer.header("cache-control") == "no-store");
    }
}

#[tokio::test]
async fn scripts_of_a_page_run_by_its_nonce_alone() {
    let app = TestApp::start().await;
    let mut nonces = Vec::new();
    for path in ["/", "/", "/login", "/no/such/page"] {
        let page = app.anonymous().get(path).await;
        let policy = page.header("content-security-policy");
        let (_, rest) = policy.split_once("script-src 'self' 'nonce-").unwrap_or_else(|| panic!("{path}: {policy}"));
        let (nonce, rest) = rest.split_once('\'').unwrap();
        assert!(nonce.len() >= 22, "128 bits at least: {nonce}");
        assert!(rest.starts_with(" 'wasm-unsafe-eval';") && !policy.contains("unsafe-inline"), "{path}: {policy}");
        let html = page.text();
        assert!(html.matches("<script").count() > 0);
        assert_eq!(
            html.matches("<script").count(),
            html.matches(&format!("nonce=\"{nonce}\"")).count() - styles(&html, nonce),
            "{path}"
        );
        nonces.push(nonce.to_owned());
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "each page has a nonce of its own");
    // HSTS would lock a browser out of every other service of this machine.
    assert!(!app.anonymous().get("/").await.headers.contains_key("strict-transport-security"));
}

/// How many tags other than scripts carry the nonce.
fn styles(html: &str, nonce: &str) -> usize {
    let tags = html.split('<').filter(|tag| !tag.starts_with("script"));
    tags.filter(|tag| tag.split('>').next().is_some_and(|tag| tag.contains(&format!("nonce=\"{nonce}\"")))).count()
}

#[tokio::test]
async fn an_unknown_address_is_a_page_or_a_problem() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    let page = anyone.send(anyone.request(Method::GET, "/no/such/page").header("accept", "text/html")).await;
    page.expect(404);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("There is no page here"));
    for path in ["/api/nothing", "/api/v1/nothing", "/api"] {
        anyone.get(path).await.problem(404);
    }
    for path in ["/pkg/nothing.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/pkg/../../Cargo.toml"] {
        let answer = anyone.get(path).await;
        answer.expect(404);
        assert!(!answer.text().contains("[workspace]"), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let large = json!({ "name": "x".repeat(5 * 1024 * 1024) });
    ada.post("/api/v1/workspaces", &large).await.problem(413);
    // Without a length beforehand, the limit holds while reading.
    let pieces = futures::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
    let request = ada.request(Method::POST, "/api/v1/workspaces").header("content-type", "application/json");
    let answer = ada.send(request.body(reqwest::Body::wrap_stream(pieces))).await;
    assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
    ada.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_goes_on() {
    let app = TestApp::start().await;
    async fn boom() -> &'static str {
        panic!("a handler's fault")
    }
    let router = Router::new()
        .route("/api/boom", get(boom))
        .route("/boom", get(boom))
        .layer(from_fn_with_state(app.state.clone(), limits::catch_panic));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    let stopping = Stopping::default();
    let server = tokio::spawn(serve::serve(listener, router, stopping.clone(), Duration::from_secs(5)));
    let problem = reqwest::get(format!("{site}/api/boom")).await.unwrap();
    assert_eq!(problem.status(), 500);
    assert_eq!(problem.headers()["content-type"], "application/problem+json");
    let page = reqwest::Client::new().get(format!("{site}/boom")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 500);
    assert!(page.text().await.unwrap().contains("That did not work"));
    stopping.0.cancel();
    assert!(server.await.unwrap());
}

/// A browser without JavaScript: its form fails, and the page that it comes back to says why, once.
#[tokio::test]
async fn the_error_of_a_plain_form_goes_by_cookie_and_is_told_once() {
    let app = TestApp::start().await;
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let login = app.url.join("/login?next=%2Fworkspaces%2Fnew").unwrap();
    let get = async |url: &url::Url, cookie: &str| {
        browser.get(url.clone()).header("accept", "text/html").header("cookie", cookie).send().await.unwrap()
    };
    let page = get(&login, "").await.text().await.unwrap();
    let action = page.split("<form action=\"").nth(1).unwrap().split('"').next().unwrap();

    let sent = browser
        .post(app.url.join(action).unwrap())
        .header("accept", "text/html")
        .header("referer", login.as_str())
        .header("origin", app.url.origin().ascii_serialization())
        .form(&[("email", "nobody@example.com"), ("password", "not the password"), ("next", "")])
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 302);
    assert_eq!(sent.headers()["location"], login.as_str(), "nothing of the error is in the address");

    let told = "Email and password do not match";
    let set = sent.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let cookie =
        set.filter_map(|set| set.split(';').next()).find(|cookie| cookie.starts_with("atelier-form=")).unwrap();
    let shown = get(&login, cookie).await;
    let mut taken_away = shown.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    assert!(taken_away.any(|set| set.starts_with("atelier-form=;") && set.contains("Max-Age=0")));
    assert!(shown.text().await.unwrap().contains(told));
    let other = app.url.join("/register").unwrap();
    assert!(!get(&other, cookie).await.text().await.unwrap().contains(told));

    let mut crafted = login;
    crafted.query_pairs_mut().append_pair("__path", action).append_pair("__err", "eyJraW5kIjoibm90X2ZvdW5kIn0=");
    let refused = get(&crafted, "").await;
    assert_eq!(refused.status(), 303);
    assert_eq!(refused.headers()["location"], "/login?next=%2Fworkspaces%2Fnew");
}
