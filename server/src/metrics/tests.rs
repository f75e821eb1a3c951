#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The real server is used, and then asked for its figures as Prometheus asks. They are the whole process's, so other
//! tests add to them meanwhile: what is looked at is what has been added at least.

use super::endpoint;
use crate::{
    http::{health::Stopping, serve},
    testing::TestApp,
};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

/// A port with an app's figures.
struct Port {
    url: String,
    stopping: Stopping,
}

impl Port {
    async fn of(app: &TestApp) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let stopping = Stopping::default();
        let router = endpoint::router(app.state.clone());
        tokio::spawn(serve::serve(listener, router, stopping.clone(), Duration::from_secs(1)));
        Self { url, stopping }
    }

    async fn figures(&self) -> Figures {
        let answer = reqwest::get(&self.url).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Figures(answer.text().await.unwrap())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stopping.0.cancel();
    }
}

struct Figures(String);

impl Figures {
    /// The sum of all series of that name with these labels; none where there is no such series.
    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let of_the_name = self.0.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, rest) = series.split_once('{').unwrap_or((series, ""));
            let fits = found == name && labels.iter().all(|(key, value)| rest.contains(&format!("{key}=\"{value}\"")));
            fits.then(|| value.parse::<f64>().unwrap())
        });
        of_the_name.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or(0.0)
    }
}

fn path_of(function: &str) -> &'static str {
    let path = server_fn_paths().map(|(path, _)| path).find(|path| path.starts_with(&format!("/api/{function}")));
    path.expect("a server function of that name")
}

#[tokio::test]
async fn every_kind_of_request_is_counted_under_its_route() {
    let app = TestApp::start().await;
    let (anyone, ada) = (app.anonymous(), app.user("ada").await);
    let workspace = ada.new_workspace("Nord").await;
    let port = Port::of(&app).await;
    let before = port.figures().await;

    anyone.get("/login").await.expect(200);
    ada.get(&format!("/api/v1/workspaces/{workspace}")).await.expect(200);
    let function = path_of("get_workspace_settings");
    ada.send(ada.request(Method::POST, function).form(&[("id", workspace.to_string())])).await;
    anyone.get(&format!("/{}", Uuid::now_v7())).await.expect(404);
    ada.get(&format!("/api/v1/workspaces/{}", Uuid::now_v7())).await.expect(404);
    anyone.get("/api/v1/me").await.expect(401);

    let after = port.figures().await;
    for (verb, route, status) in [
        ("GET", "/login", "2xx"),
        ("GET", "/api/v1/workspaces/{id}", "2xx"),
        ("POST", "/api/get_workspace_settings", "2xx"),
        ("GET", "other", "4xx"),
        ("GET", "/api/v1/workspaces/{id}", "4xx"),
        ("GET", "/api/v1/me", "4xx"),
    ] {
        let labels = [("method", verb), ("route", route), ("status", status)];
        let added = |name: &str, labels: &[(&str, &str)]| after.get(name, labels) - before.get(name, labels);
        assert!(added("atelier_http_requests_total", &labels) >= 1.0, "{verb} {route} {status}\n{}", after.0);
        assert!(added("atelier_http_request_duration_seconds_count", &labels[..2]) >= 1.0, "{verb} {route}");
    }
    assert!(after.get("atelier_database_acquire_duration_seconds_count", &[]) > 0.0);
    assert!(after.get("atelier_database_connections", &[("state", "idle")]) >= 1.0);
    assert_eq!(after.get("atelier_database_connections_max", &[]), 8.0);
    assert_eq!(after.get("atelier_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
}

#[tokio::test]
async fn nothing_that_somebody_makes_up_becomes_a_label() {
    let app = TestApp::start().await;
    let ada = app.user("zimtstern").await;
    let workspace = ada.new_workspace("Zimtstern workspace").await;
    let invented = Uuid::now_v7().simple().to_string();
    for path in ["", "api/", "api/v1/", "pkg/", "invite/", "shared/", "auth/v1/"] {
        ada.get(&format!("/{path}{invented}?token={invented}")).await;
    }
    ada.get(&format!("/api/v1/workspaces/{workspace}")).await.expect(200);
    ada.send(ada.request(Method::from_bytes(b"ZIMTSTERN").unwrap(), "/login")).await;
    let figures = Port::of(&app).await.figures().await;
    let secrets = [invented, workspace.to_string(), ada.user_id().to_string(), ada.cookie()];
    for secret in secrets.iter().map(String::as_str).chain(["zimtstern", "ZIMTSTERN", "Zimtstern", "@example.com"]) {
        assert!(!figures.0.contains(secret), "{secret}");
    }
    assert!(figures.get("atelier_http_requests_total", &[("method", "other")]) >= 1.0);
}

#[tokio::test]
async fn the_site_itself_has_no_figures() {
    let app = TestApp::start().await;
    app.anonymous().get("/metrics").await.expect(404);
}

/// An embedder at the network's edge.
async fn embedder() -> MockServer {
    let server = MockServer::start().await;
    let respond = |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let data: Vec<Value> = (0..body["input"].as_array().unwrap().len())
            .map(|index| json!({ "object": "embedding", "index": index, "embedding": [1.0, 0.5, 0.25, 0.125] }))
            .collect();
        ResponseTemplate::new(200).set_body_json(
            json!({ "object": "list", "model": "measured", "data": data, "usage": { "prompt_tokens": 1, "total_tokens": 1 } }),
        )
    };
    Mock::given(method("POST")).respond_with(respond).mount(&server).await;
    server
}

#[tokio::test]
async fn ingestion_is_counted_from_the_queue_to_the_store() {
    let embedder = embedder().await;
    let app = TestApp::start_with(&[
        ("EMBEDDING_BASE_URL", &embedder.uri()),
        ("EMBEDDING_MODEL", "measured"),
        ("EMBEDDING_DIMENSIONS", "4"),
    ])
    .await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Nordlys").await;
    let port = Port::of(&app).await;
    let begun = Instant::now();
    let empty = port.figures().await;
    assert_eq!(empty.find("atelier_jobs_waiting", &[("kind", "ingest_document")]), Some(0.0));
    let id = ada.new_document(project, "amber.md", "Amber is the resin of trees that are long gone.").await;

    // Another port asks anew: this one keeps what it has found for ten seconds.
    let waiting = Port::of(&app).await.figures().await;
    assert_eq!(waiting.get("atelier_jobs_waiting", &[("kind", "ingest_document")]), 1.0);
    assert!(waiting.find("atelier_jobs_oldest_waiting_seconds", &[("kind", "ingest_document")]).unwrap() >= 0.0);
    let kept = port.figures().await.get("atelier_jobs_waiting", &[("kind", "ingest_document")]);
    assert!(kept == 0.0 || begun.elapsed() > Duration::from_secs(9));

    app.start_worker().await;
    let path = format!("/api/v1/documents/{id}");
    for _ in 0..600 {
        if ada.get(&path).await.json::<Value>(200)["state"] == "ready" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The job ends a moment after its document is ready.
    let done = [("kind", "ingest_document"), ("outcome", "done")];
    let mut after = port.figures().await;
    for _ in 0..100 {
        if after.get("atelier_jobs_total", &done) > waiting.get("atelier_jobs_total", &done) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        after = port.figures().await;
    }
    let grown: &[(&str, &[(&str, &str)])] = &[
        ("atelier_jobs_total", &done),
        ("atelier_job_duration_seconds_count", &done[..1]),
        ("atelier_documents_ingested_total", &[("outcome", "ready")]),
        ("atelier_ingestion_stage_duration_seconds_count", &[("stage", "extract")]),
        ("atelier_ingestion_stage_duration_seconds_count", &[("stage", "embed")]),
        ("atelier_ingestion_stage_duration_seconds_count", &[("stage", "finish")]),
        ("atelier_chunks_embedded_total", &[("source", "model")]),
        ("atelier_storage_operations_total", &[("operation", "GetObject"), ("outcome", "done")]),
        ("atelier_storage_operation_duration_seconds_count", &[("operation", "GetObject")]),
        ("atelier_model_calls_total", &[("kind", "embed"), ("model", "measured"), ("outcome", "done")]),
    ];
    for (name, labels) in grown {
        assert!(after.get(name, labels) > waiting.get(name, labels), "{name} {labels:?}\n{}", after.0);
    }
    assert_eq!(Port::of(&app).await.figures().await.get("atelier_jobs_waiting", &[("kind", "ingest_document")]), 0.0);
}

#[tokio::test]
async fn an_open_stream_is_counted() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Nordlys").await;
    let port = Port::of(&app).await;
    let stream = ada.request(Method::GET, &format!("/api/v1/projects/{project}/events")).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(port.figures().await.get("atelier_event_streams", &[]) >= 1.0);
}

#[tokio::test]
async fn there_are_figures_while_the_database_is_away() {
    let app = TestApp::start().await;
    let port = Port::of(&app).await;
    // The pool gives no more connections from here on; those in use need not come back for that.
    let _ = tokio::time::timeout(Duration::from_secs(1), app.state.db.close()).await;
    let figures = port.figures().await;
    assert_eq!(figures.find("atelier_jobs_waiting", &[]), None);
    assert!(figures.get("process_resident_memory_bytes", &[]) > 0.0);
    assert!(figures.get("process_cpu_seconds_total", &[]) > 0.0);
}

/// A file of the repository.
fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Everything in a text that looks like one of our names.
fn names_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.starts_with("atelier_") || word.starts_with("process_")).collect()
}

#[tokio::test]
async fn the_dashboard_and_the_guide_know_just_what_is_exported() {
    let app = TestApp::start().await;
    let names = endpoint::names(app.state.clone());
    let exported: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(exported.len(), names.len(), "a name twice: {names:?}");

    let guide = file("docs/operate.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let explained: BTreeSet<&str> = rows.filter(|name| names_in(name).contains(name)).collect();
    assert_eq!(explained, exported);

    let dashboard: Value = serde_json::from_str(&file("docs/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        for target in panel["targets"].as_array().unwrap() {
            let used = names_in(target["expr"].as_str().unwrap());
            assert!(!used.is_empty(), "{title}");
            for name in used {
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
                let known = exported.get(name).or_else(|| exported.get(base?));
                shown.insert(*known.unwrap_or_else(|| panic!("{title}: nobody exports {name}")));
            }
        }
    }
    let left_out: Vec<_> = exported.difference(&shown).collect();
    assert!(left_out.is_empty(), "no panel shows {left_out:?}");
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}
