//! Every route there is, found in the router itself: it is on the list of public ones, or refuses without a login.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{openapi, public, rate, ssr::STUDIO};
use crate::testing::{Client, TestApp};
use app::Part;
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Method, header};
use std::collections::BTreeSet;
use uuid::Uuid;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The templates of all routes. axum gives out no list, but its `Debug` output has one: `RouteId(3): "/workspaces"`.
fn registered(app: &TestApp) -> BTreeSet<String> {
    let shown = format!("{:?}", super::routes(&app.state));
    // Behind it comes the fallback: files, and the page that says that there is none.
    let (shown, _) = shown.split_once("fallback_router").expect("axum shows its router");
    let paths = shown.split("RouteId(").filter_map(|rest| {
        let (_, path) = rest.split_once("): \"")?;
        // An entry of the other map, of the routes themselves, has no path right behind its number.
        rest.split_once(')').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        path.split_once('"').map(|(path, _)| path.to_owned())
    });
    paths.filter(|path| path.starts_with('/')).collect()
}

fn pages() -> BTreeSet<String> {
    // Leptos writes a parameter as `:id`, axum as `{id}`.
    let template = |path: &str| {
        let parts =
            path.split('/').map(|part| part.strip_prefix(':').map_or(part.to_owned(), |name| format!("{{{name}}}")));
        parts.collect::<Vec<_>>().join("/")
    };
    let studio = STUDIO.iter().map(|page| template(page.path()));
    studio.chain(app::entrance::PATHS.map(ToOwned::to_owned)).collect()
}

#[test]
fn each_page_is_of_the_part_that_its_path_says() {
    for path in app::entrance::PATHS {
        assert_eq!(Part::of(path), Part::Entrance, "{path}");
    }
    assert!(STUDIO.len() > 10);
    for page in STUDIO.iter() {
        assert_eq!(Part::of(page.path()), Part::Studio, "{}", page.path());
    }
}

fn filled(template: &str) -> String {
    let parts = template
        .split('/')
        .map(|part| if part.starts_with('{') { Uuid::now_v7().to_string() } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_walk_sees_every_route() {
    let app = TestApp::start().await;
    let registered = registered(&app);
    let described = openapi::document().paths.paths.keys().cloned();
    let functions = server_fn_paths().map(|(path, _)| path.to_owned());
    let known: BTreeSet<String> = pages().into_iter().chain(described).chain(functions).collect();
    assert!(known.len() > 50, "{known:?}");
    let missing: Vec<&String> = known.difference(&registered).collect();
    assert!(missing.is_empty(), "not in the router as axum shows it: {missing:?}");
    let stale: Vec<&str> = public::all().filter(|path| !registered.contains(*path)).collect();
    assert!(stale.is_empty(), "public, but no route: {stale:?}");
    // What is neither page, API nor function is public, and so has been thought about.
    let other: Vec<&String> = registered.difference(&known).filter(|path| !public::is_public(path)).collect();
    assert!(other.is_empty(), "routes of no known kind: {other:?}");
}

#[tokio::test]
async fn every_route_is_public_or_needs_a_login() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    let pages = pages();
    let mut walked = 0;
    for route in registered(&app).iter().filter(|route| !public::is_public(route)) {
        let path = filled(route);
        for method in &METHODS {
            for credentials in
                [None, Some((header::COOKIE, "atelier-access=a.b.c")), Some((header::AUTHORIZATION, "Bearer a.b.c"))]
            {
                let mut request = anyone.request(method.clone(), &path).header("sec-fetch-site", "same-origin");
                if let Some((name, value)) = credentials.clone() {
                    request = request.header(name, value);
                }
                let answer = anyone.send(request).await;
                if pages.contains(route) {
                    assert_eq!(answer.status, 302, "{method} {path}: {}", answer.text());
                    assert!(answer.header("location").starts_with("/login"), "{method} {path}");
                } else {
                    assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
                }
                walked += 1;
            }
        }
    }
    assert!(walked > 500, "{walked}");
}

#[tokio::test]
async fn whoever_is_sent_to_the_login_page_comes_back() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    let html = |method: Method, path: &str| anyone.request(method, path).header(header::ACCEPT, "text/html");
    let page = anyone.send(html(Method::GET, "/workspaces/new?a=b&c=d")).await;
    assert_eq!((page.status, page.header("location")), (302, "/login?next=/workspaces/new%3Fa%3Db%26c%3Dd"));
    assert_eq!(page.header("cache-control"), "no-store");

    let function = server_fn_paths().map(|(path, _)| path).find(|path| path.contains("create_workspace")).unwrap();
    let referer = app.url.join("workspaces/new").unwrap();
    let form = |fields: &[(&str, &str)]| {
        anyone.send(html(Method::POST, function).header(header::REFERER, referer.as_str()).form(fields))
    };
    // What was typed stands on a page that can send it again; a secret is written into no page.
    let typed = form(&[("name", "Nord & Söhne")]).await;
    assert_eq!(typed.status, 401, "{}", typed.text());
    for kept in ["Nord &amp; Söhne", &format!("action=\"{function}\""), "href=\"/login?next=/workspaces/new\""] {
        assert!(typed.text().contains(kept), "{kept} is not in {}", typed.text());
    }
    let secret = form(&[("name", "Nord"), ("password", "hunter2")]).await;
    assert_eq!((secret.status, secret.header("location")), (302, "/login?next=/workspaces/new"));
    let called = anyone.request(Method::POST, function).header(header::REFERER, referer.as_str());
    let called = anyone.send(called.form(&[("name", "Nord")])).await;
    let error: serde_json::Value = called.json(401);
    assert_eq!(error, serde_json::json!({ "kind": "unauthenticated" }));
    assert_eq!(called.header("location"), "/login?next=/workspaces/new");
    assert!(called.headers.contains_key("serverfnredirect") && called.header("serverfnerror") == function);
}

#[tokio::test]
async fn another_spelling_of_an_address_is_no_way_in() {
    let app = TestApp::start().await;
    let raw = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for path in [
        "//workspaces",
        "/workspaces/",
        "/%77orkspaces",
        "/Workspaces",
        "/workspaces;a",
        "/login/workspaces",
        "/pkg/workspaces",
        "/api/v1/me/",
        "/api/v1//me",
        "/api/v1/%6de",
        "/API/v1/me",
        "/auth/v1/workspaces",
        "/healthz/api/v1/me",
    ] {
        let anyone = app.anonymous();
        // Not joined as a link would be, which makes `//workspaces` a host.
        let url = format!("{}{path}", app.url.as_str().trim_end_matches('/'));
        let answer = anyone.send(raw.get(url)).await;
        assert!(matches!(answer.status, 302 | 401 | 404), "{path}: {} {}", answer.status, answer.text());
    }
}

/// Requests of a signed-in browser that another site's page has caused.
#[tokio::test]
async fn another_site_changes_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let described = serde_json::to_value(openapi::document()).unwrap();
    let mut unsafe_routes: Vec<(Method, String)> =
        server_fn_paths().map(|(path, _)| (Method::POST, path.to_owned())).collect();
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods =
            METHODS.iter().filter(|method| !method.is_safe() && item[method.as_str().to_lowercase()].is_object());
        unsafe_routes.extend(methods.map(|method| (method.clone(), filled(path))));
    }
    assert!(unsafe_routes.len() > 30);
    let sources: [&[(&str, &str)]; 7] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("referer", "https://evil.example/")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", app.url.as_str().trim_end_matches('/'))],
        &[],
    ];
    for (number, (method, path)) in unsafe_routes.iter().enumerate() {
        // What is worth trying often is counted, for one session too.
        let is_counted = rate::TRIES.contains(&path.as_str());
        let ada = if is_counted { app.user(&format!("ada{number}")).await } else { ada.clone() };
        for source in sources {
            assert_eq!(from(&app, &ada, method, path, source).await, (403, true), "{method} {path} from {source:?}");
        }
        let (_, refused) = from(&app, &ada, method, path, &[("sec-fetch-site", "same-origin")]).await;
        assert!(!refused, "{method} {path} from our own page");
    }
}

/// The status, and whether it is for the request's origin.
async fn from(app: &TestApp, who: &Client, method: &Method, path: &str, source: &[(&str, &str)]) -> (u16, bool) {
    let browser = app.anonymous();
    let mut request = browser.request(method.clone(), path).header(header::COOKIE, who.cookie());
    for (name, value) in source {
        request = request.header(*name, *value);
    }
    let answer = browser.send(request).await;
    (answer.status, answer.text().contains("This request came from another site"))
}
