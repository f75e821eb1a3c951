#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::testing::{Answer, Client, TestApp};
use app::{auth::api::SignOut, members::api::SignOutForInvitation, theme::SetTheme};

/// A visitor from `address`, as the trusted proxy on this machine says.
async fn post(from: &Client, address: &str, path: &str, accept: &str, form: &[(&str, &str)]) -> Answer {
    let request = from.request(Method::POST, path).header("x-forwarded-for", address).header("accept", accept);
    from.send(request.form(form)).await
}

async fn app(variables: &[(&str, &str)]) -> TestApp {
    let mut all = vec![("ATELIER_TRUSTED_PROXIES", "127.0.0.1")];
    all.extend_from_slice(variables);
    TestApp::start_with(&all).await
}

#[test]
fn every_public_function_that_is_worth_trying_is_counted() {
    // They tell nothing that the visitor does not know.
    let harmless = [
        SetTheme::PATH,
        SignOut::PATH,
        SignOutForInvitation::PATH,
        // Counted by a limit of its own.
        OpenShare::PATH,
    ];
    for path in public::SERVER_FUNCTIONS {
        assert!(TRIES.contains(path) != harmless.contains(path), "{path}: count it, or say why not");
    }
}

#[tokio::test]
async fn one_address_tries_so_often_and_another_is_not_held_up() {
    let app = app(&[("ATELIER_SIGN_IN_LIMIT_PER_MINUTE", "1")]).await;
    let anyone = app.anonymous();
    let sign_in = async |address: &str, number: usize, accept: &str| {
        let email = format!("nobody{number}@example.com");
        let form = [("email", email.as_str()), ("password", "wrong")];
        post(&anyone, address, SignIn::PATH, accept, &form).await
    };
    for number in 0..3 {
        sign_in("192.0.2.1", number, "*/*").await.expect(422);
    }
    let refused = sign_in("192.0.2.1", 3, "*/*").await;
    let error: serde_json::Value = refused.json(429);
    assert_eq!(error["kind"], "rate_limited", "as the page's script reads it: {error}");
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // The same for a form without JavaScript, as a page with a way back.
    let request = anyone.request(Method::POST, SignIn::PATH).header("x-forwarded-for", "192.0.2.1");
    let request =
        request.header("accept", "text/html").header("referer", app.url.join("login?next=/x").unwrap().as_str());
    let page = anyone.send(request.form(&[("email", "a@example.com"), ("password", "wrong")])).await;
    page.expect(429);
    assert!(
        page.text().contains("Too many tries. Wait") && page.text().contains("href=\"/login?next=/x\""),
        "{}",
        page.text()
    );
    assert!(!page.header("retry-after").is_empty() && page.header("cache-control") == "no-store");
    // Somebody else is not held up, nor is this one with anything else.
    sign_in("192.0.2.2", 4, "*/*").await.expect(422);
    sign_in("2001:db8::1", 5, "*/*").await.expect(422);
    post(&anyone, "192.0.2.1", SetTheme::PATH, "*/*", &[("theme", "dark")]).await.expect(200);
    // One who invents addresses behind an untrusted proxy is one address.
    let direct = TestApp::start_with(&[("ATELIER_SIGN_IN_LIMIT_PER_MINUTE", "1")]).await;
    let own = direct.anonymous();
    post(&own, "192.0.2.9", SignIn::PATH, "*/*", &[("email", "a@example.com"), ("password", "x")]).await.expect(422);
}

#[tokio::test]
async fn one_account_is_tried_so_often_from_wherever() {
    let app = app(&[("ATELIER_SIGN_IN_LIMIT_PER_MINUTE", "1000")]).await;
    let anyone = app.anonymous();
    // Refused before any provider is asked: an address that is none costs nothing to count.
    let sign_in = async |number: u32, email: &str| {
        let address = format!("192.0.2.{number}");
        post(&anyone, &address, SignIn::PATH, "*/*", &[("email", email), ("password", "")]).await
    };
    for number in 0..ACCOUNT_TRIES.get() {
        let written = if number % 2 == 0 { "Ada@Example.com" } else { " ada@example.com " };
        sign_in(number, written).await.expect(422);
    }
    sign_in(200, "ada@example.com").await.expect(429);
    sign_in(200, "bo@example.com").await.expect(422);
}

#[tokio::test]
async fn one_client_cannot_starve_the_others() {
    let app = app(&[("ATELIER_RATE_LIMIT_PER_MINUTE", "60")]).await;
    let anyone = app.anonymous();
    let get = async |address: &str, path: &str| {
        anyone.send(anyone.request(Method::GET, path).header("x-forwarded-for", address)).await
    };
    let mut refused = 0;
    for _ in 0..20 {
        refused += usize::from(get("192.0.2.1", "/api/v1/me").await.status == 429);
    }
    assert!((6..=8).contains(&refused), "12 at once, then one a second: {refused}");
    let problem = get("192.0.2.1", "/api/v1/me").await;
    assert!(problem.problem(429)["type"].as_str().unwrap().ends_with("rate-limited"));
    assert!(!problem.header("retry-after").is_empty());
    for (path, status) in [("/healthz", 200), ("/pkg/nothing.js", 404)] {
        get("192.0.2.1", path).await.expect(status);
    }
    get("192.0.2.2", "/api/v1/me").await.expect(401);
    // Without the header it is this machine itself, which is not counted in development.
    for _ in 0..20 {
        anyone.get("/api/v1/me").await.expect(401);
    }
}

#[tokio::test]
async fn one_address_opens_so_many_shares() {
    let app = app(&[]).await;
    let anyone = app.anonymous();
    let open = async |address: &str, path: &str| {
        anyone.send(anyone.request(Method::GET, path).header("x-forwarded-for", address)).await.status
    };
    let mut refused = 0;
    for number in 0..SHARED_PER_MINUTE {
        let path = if number % 2 == 0 { "/shared/guessed/file" } else { "/shared/guessed" };
        match open("192.0.2.1", path).await {
            404 => {}
            429 => refused += 1,
            other => panic!("{path}: {other}"),
        }
    }
    assert!(refused > 20, "{refused}");
    assert_eq!(open("192.0.2.2", "/shared/guessed").await, 404);
    assert_eq!(open("192.0.2.1", "/login").await, 200);
}
