//! Logs on stderr: a line for a person, or one JSON object in production; and traces for a collector, where one is
//! configured.

mod redact;
#[cfg(test)]
mod tests;
pub mod traces;

use crate::config::log::{Log, LogFormat};
use redact::Redacted;
use std::io::{self, IsTerminal};
use traces::Traces;
use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Installs the logs of this process, and its traces if there are any; a second call changes nothing.
pub fn start(config: &Log, traces: Option<&Traces>) {
    if dispatch(config, traces, io::stderr).try_init().is_ok() {
        // As an event, so that a panic is in the same format, with the request's id.
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
    }
}

/// Where events go: each line to `writer`, each span to the collector.
fn dispatch<W>(config: &Log, traces: Option<&Traces>, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Whatever LOG says: it writes what it could not read, which is the words of an answer (async-openai 0.43, error.rs).
    let filter = match "async_openai::error=off".parse() {
        Ok(off) => filter.add_directive(off),
        Err(_) => filter,
    };
    let lines = lines(config.format, Redacted(writer)).with_filter(filter);
    let registry = tracing_subscriber::registry().with(lines);
    // No empty layer: it would have every place that is switched off ask again each time.
    match traces {
        Some(traces) => Dispatch::new(registry.with(traces.layer())),
        None => Dispatch::new(registry),
    }
}

fn lines<W>(format: LogFormat, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer::<Registry>().with_writer(writer);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_target(false).with_ansi(io::stderr().is_terminal()).boxed(),
    }
}
