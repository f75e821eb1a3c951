//! Traces of requests, jobs and calls of models, sent to an OpenTelemetry collector by OTLP over HTTP. A thread of its own
//! sends them in batches from a queue that drops what does not fit, so that a collector that is down or slow costs
//! nothing but traces.
//!
//! Only our own spans leave, and no events: what a library says may hold anything, and a line of the log is redacted
//! before it is written.

use crate::config::telemetry;
use async_trait::async_trait;
use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use secrecy::ExposeSecret;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, task::spawn_blocking};
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// How long the collector may take for a batch.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);
/// How long a stop waits for the last batch.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How often the log says that traces are lost.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Bytes of a collector's answer that are read: it says which spans it did not take.
const ANSWER: usize = 64 * 1024;

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("the client for the collector could not be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error("the exporter of traces could not be made: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Sends spans until it is stopped. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traces {
    pub(super) provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send; `runtime` does the sending.
    ///
    /// # Errors
    /// When the client or the exporter cannot be made; nothing is asked of the collector yet.
    pub fn start(config: &telemetry::Traces, runtime: &Handle) -> Result<Self, TracesError> {
        let http = reqwest::Client::builder()
            .timeout(EXPORT_LIMIT)
            // A redirect would carry the headers' keys to a place that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let headers = config.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.expose_secret().to_owned())).collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { http, runtime: runtime.clone(), told: Mutex::default() })
            .with_endpoint(format!("{}/v1/traces", config.endpoint.as_str().trim_end_matches('/')))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_LIMIT)
            .with_headers(headers)
            .build()?;
        let resource = Resource::builder_empty()
            .with_service_name(config.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler(config.sampler))
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// What makes traces of spans.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("atelier"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_ours))
    }

    /// Sends what is left, for two seconds at most.
    pub async fn stop(&self) {
        let provider = self.provider.clone();
        match spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_LIMIT)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && (metadata.target() == "server" || metadata.target().starts_with("server::"))
}

fn sampler(config: telemetry::Sampler) -> Sampler {
    let own = match config.share {
        share if share >= 1.0 => Sampler::AlwaysOn,
        share if share <= 0.0 => Sampler::AlwaysOff,
        share => Sampler::TraceIdRatioBased(share),
    };
    if config.parent_based { Sampler::ParentBased(Box::new(own)) } else { own }
}

/// Names the trace of a request, and returns its id, 32 hexadecimal digits; none when nothing makes traces of `span`.
/// `parent`: the headers of a request that came from a trusted proxy, whose `traceparent` is gone on with.
pub fn begin_request(span: &Span, name: String, parent: Option<&HeaderMap>) -> Option<String> {
    if let Some(headers) = parent {
        let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        let is_stated = context.span().span_context().is_valid();
        if is_stated && let Err(error) = span.set_parent(context) {
            tracing::debug!(%error, "a trace could not be gone on with");
        }
    }
    let context = span.context();
    let span = context.span();
    span.update_name(name);
    let id = span.span_context().trace_id();
    span.span_context().is_valid().then(|| id.to_string())
}

/// How a request was answered, by the names that OpenTelemetry gives that.
pub fn end_request(span: &Span, method: &str, route: &str, path: &str, status: u16) {
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("url.path", path.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// The way to the collector.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    /// When the log last said that traces are lost.
    told: Mutex<Option<Instant>>,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        // The thread that sends the batches has no runtime of its own.
        let sent = self.runtime.spawn(send(self.http.clone(), request)).await;
        let outcome = sent.map_err(HttpError::from).and_then(|answer| answer);
        match &outcome {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.tell(answer.status().as_str()),
            Err(error) => self.tell(&error.to_string()),
        }
        outcome
    }
}

impl Collector {
    fn tell(&self, reason: &str) {
        // The time is whole after any panic: each use of it is one step.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(reason, "the collector does not take traces; they are lost until it does");
        }
    }
}

async fn send(http: reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            return Err("the collector's answer does not end".into());
        }
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}
