#![allow(clippy::unwrap_used, clippy::expect_used)]
//! The real server with a collector at the network's edge, and with a log that is read. What logs and traces is the
//! test's own thread, on which everything runs.

use super::{dispatch, traces::Traces};
use crate::{
    config::log::{Log, LogFormat},
    testing::TestApp,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as AnyValue},
    trace::v1::{ResourceSpans, Span},
};
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::runtime::Handle;
use tracing::dispatcher::{DefaultGuard, set_default};
use uuid::Uuid;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Logs as in production until the guard is dropped.
    fn begin(&self, filter: &str, traces: Option<&Traces>) -> DefaultGuard {
        let config = Log { filter: filter.to_owned(), format: LogFormat::Json, access: true };
        let lines = self.clone();
        set_default(&dispatch(&config, traces, move || lines.clone()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn access(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is one JSON object"));
        lines.filter(|line| line["target"] == "server::access").collect()
    }

    /// The line of a request. It is written when the last byte has been sent, which the client may see before.
    async fn access_of(&self, id: &str) -> Value {
        for _ in 0..200 {
            if let Some(line) = self.access().into_iter().find(|line| line["id"] == id) {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no line of {id} in\n{}", self.text());
    }
}

#[tokio::test]
async fn every_request_has_a_line_without_query_and_without_token() {
    let app = TestApp::start_with(&[("ATELIER_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let lines = Lines::default();
    let _guard = lines.begin("info", None);

    let path = format!("/api/v1/workspaces/{workspace}?limit=5&hunter2=hunter3");
    let request = ada.request(Method::GET, &path).header("x-forwarded-for", "192.0.2.7, 127.0.0.1");
    let answer = ada.send(request).await;
    let line = lines.access_of(answer.header("x-request-id")).await;
    assert_eq!(line["message"], "answered");
    assert_eq!(line["level"], "INFO");
    assert_eq!((line["method"].as_str(), line["status"].as_u64()), (Some("GET"), Some(200)));
    assert_eq!(line["route"], "/api/v1/workspaces/{id}");
    assert_eq!(line["path"], format!("/api/v1/workspaces/{workspace}"));
    assert_eq!(line["user"], ada.user_id().to_string());
    assert_eq!(line["client"], "192.0.2.7");
    assert!(line["bytes"].as_u64().unwrap() > 20 && line["milliseconds"].is_u64(), "{line}");
    assert!(line.get("trace_id").is_none(), "{line}");

    let anyone = app.anonymous();
    for path in [
        "/invite/hunter2",
        "/shared/hunter2",
        "/shared/hunter2/file",
        "/auth/callback?code=hunter2",
        "/login?next=/x&token=hunter2",
        "/?email=hunter2@example.com",
    ] {
        let answer = anyone.send(anyone.request(Method::GET, path).header("authorization", "Bearer hunter2")).await;
        let line = lines.access_of(answer.header("x-request-id")).await;
        assert!(line.get("user").is_none(), "{line}");
    }
    assert!(!lines.text().contains("hunter"), "{}", lines.text());
    // Signs of life are many.
    anyone.get("/healthz").await.expect(200);
    let last = anyone.get("/api/v1/me").await;
    lines.access_of(last.header("x-request-id")).await;
    assert!(lines.access().iter().all(|line| line["path"] != "/healthz"), "{}", lines.text());
}

#[tokio::test]
async fn the_lines_can_be_switched_off() {
    let app = TestApp::start_with(&[("ATELIER_ACCESS_LOG", "false")]).await;
    let lines = Lines::default();
    let _guard = lines.begin("debug", None);
    let anyone = app.anonymous();
    anyone.get("/login").await.expect(200);
    anyone.get("/api/v1/me").await.expect(401);
    // What fails on our side is told in any case.
    let _ = tokio::time::timeout(Duration::from_secs(1), app.state.db.close()).await;
    let failed = anyone.get("/readyz").await;
    let line = lines.access_of(failed.header("x-request-id")).await;
    assert_eq!((line["status"].as_u64(), line["level"].as_str()), (Some(503), Some("WARN")));
    assert_eq!(lines.access().len(), 1, "{}", lines.text());
}

async fn collector(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

fn traces_of(app: &TestApp) -> Traces {
    Traces::start(app.state.config.telemetry.traces.as_ref().unwrap(), &Handle::current()).unwrap()
}

/// What the collector was sent, as it decodes it.
async fn received(collector: &MockServer) -> (Vec<Request>, Vec<ResourceSpans>) {
    let requests = collector.received_requests().await.unwrap();
    let decoded = requests.iter().flat_map(|request| {
        assert_eq!(request.url.path(), "/v1/traces");
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        ExportTraceServiceRequest::decode(request.body.as_slice()).expect("OTLP").resource_spans
    });
    let decoded = decoded.collect();
    (requests, decoded)
}

fn spans(resources: &[ResourceSpans]) -> Vec<&Span> {
    resources.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect()
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => Some(json!(text)),
        AnyValue::IntValue(number) => Some(json!(number)),
        AnyValue::BoolValue(value) => Some(json!(value)),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const OUTSIDE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_collector_gets_requests_jobs_and_calls_of_models_and_no_secret() {
    let collector = collector(ResponseTemplate::new(200)).await;
    let app = TestApp::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=of%20the%20collector"),
        ("OTEL_SERVICE_NAME", "studio"),
    ])
    .await;
    let ada = app.user("ada").await;
    let project = ada.new_project(ada.new_workspace("Nord").await, "Nordlys").await;
    let (traces, lines) = (traces_of(&app), Lines::default());
    // Traces do not depend on what is logged.
    let guard = lines.begin("warn,server::access=info", Some(&traces));

    // Nobody trusts this client, so that its trace is not gone on with.
    let request = ada.request(Method::GET, &format!("/api/v1/projects/{project}?hunter2=hunter2"));
    let answer = ada.send(request.header("traceparent", format!("00-{OUTSIDE}-b7ad6b7169203331-01"))).await;
    answer.expect(200);
    let line = lines.access_of(answer.header("x-request-id")).await;
    ada.get(&format!("/shared/hunter2-{}", Uuid::now_v7())).await;
    ada.new_document(project, "amber.md", "The hunter2 of amber is a secret of zimtstern.").await;
    app.start_worker().await;
    let mut found = Vec::new();
    for _ in 0..600 {
        let results: Value = ada.get(&format!("/api/v1/projects/{project}/documents")).await.json(200);
        found = results["items"].as_array().unwrap().iter().map(|document| document["state"].clone()).collect();
        if found == ["ready"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(found, ["ready"]);
    // The job's span ends a moment after the document is ready.
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(guard);
    traces.stop().await;

    let (requests, resources) = received(&collector).await;
    assert!(requests.iter().all(|request| request.headers["x-key"] == "of the collector"));
    let resource = resources[0].resource.as_ref().unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name"), Some(json!("studio")));
    let all = spans(&resources);
    let of_request = all.iter().find(|span| span.name == "GET /api/v1/projects/{id}").expect("the request's span");
    assert_eq!(of_request.kind, 2, "a server's");
    let expected = [
        ("http.route", json!("/api/v1/projects/{id}")),
        ("http.response.status_code", json!(200)),
        ("url.path", json!(format!("/api/v1/projects/{project}"))),
    ];
    for (key, value) in expected {
        assert_eq!(attribute(&of_request.attributes, key), Some(value), "{key}");
    }
    // One id for the response, the log and the trace.
    assert_eq!(hex(&of_request.trace_id), answer.header("x-request-id"));
    assert_eq!(line["id"], answer.header("x-request-id"));
    assert_ne!(hex(&of_request.trace_id), OUTSIDE);

    let job = all.iter().find(|span| span.name == "job").expect("the job's span");
    assert_eq!(attribute(&job.attributes, "kind"), Some(json!("ingest_document")));
    assert_eq!(attribute(&job.attributes, "outcome"), Some(json!("done")));
    let call = all.iter().find(|span| span.name == "model call" && span.trace_id == job.trace_id);
    let call = call.expect("the call of the embedding model, within the job");
    assert_eq!(attribute(&call.attributes, "kind"), Some(json!("embed")));
    for request in requests {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        for secret in ["hunter2", "zimtstern", "ada@example.com", "Nordlys", "of the collector", &ada.cookie()[15..]] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxys_trace_is_gone_on_with() {
    let collector = collector(ResponseTemplate::new(200)).await;
    let app = TestApp::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri()),
        ("ATELIER_TRUSTED_PROXIES", "127.0.0.1"),
    ])
    .await;
    let (traces, lines) = (traces_of(&app), Lines::default());
    let guard = lines.begin("info", Some(&traces));
    let anyone = app.anonymous();
    let get = |sampled: &str, id: &str| {
        let request = anyone.request(Method::GET, "/api/v1/me").header("x-request-id", id);
        anyone.send(request.header("traceparent", format!("00-{OUTSIDE}-b7ad6b7169203331-{sampled}")))
    };
    let answer = get("01", "from-the-proxy-1").await;
    assert_eq!(answer.header("x-request-id"), "from-the-proxy-1");
    let line = lines.access_of("from-the-proxy-1").await;
    assert_eq!(line["trace_id"], OUTSIDE);
    // What the proxy does not trace we do not either.
    get("00", "from-the-proxy-2").await.expect(401);
    lines.access_of("from-the-proxy-2").await;
    drop(guard);
    traces.stop().await;
    let (_, resources) = received(&collector).await;
    let all = spans(&resources);
    let of_requests: Vec<_> = all.iter().filter(|span| span.name == "GET /api/v1/me").collect();
    assert_eq!(of_requests.len(), 1);
    assert_eq!(hex(&of_requests[0].trace_id), OUTSIDE);
    assert_eq!(hex(&of_requests[0].parent_span_id), "b7ad6b7169203331");
}

#[tokio::test]
async fn a_collector_that_is_down_or_says_nothing_costs_nothing_but_traces() {
    let silent = collector(ResponseTemplate::new(200).set_delay(Duration::from_secs(600))).await;
    let refusing = collector(ResponseTemplate::new(503)).await;
    for endpoint in [silent.uri(), refusing.uri(), "http://127.0.0.1:9".to_owned()] {
        let app = TestApp::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
        let (traces, lines) = (traces_of(&app), Lines::default());
        let guard = lines.begin("info", Some(&traces));
        let anyone = app.anonymous();
        let first = anyone.get("/api/v1/me").await;
        lines.access_of(first.header("x-request-id")).await;
        // The first batch is on its way from here on, and does not arrive.
        let provider = traces.provider.clone();
        let flush = tokio::task::spawn_blocking(move || provider.force_flush());
        for _ in 0..20 {
            let begun = Instant::now();
            anyone.get("/api/v1/me").await.expect(401);
            assert!(begun.elapsed() < Duration::from_secs(4), "{endpoint}: {:?}", begun.elapsed());
        }
        drop(guard);
        let begun = Instant::now();
        traces.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{endpoint}: {:?}", begun.elapsed());
        assert!(flush.await.unwrap().is_err(), "{endpoint}");
    }
}
