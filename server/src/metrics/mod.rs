//! Figures for Prometheus: what is counted while it happens ([`recorded`]), what is looked up when somebody asks
//! ([`sampled`]), and the port where they ask ([`endpoint`]). Labels are bounded by the code and the configuration: no id,
//! no name that a person has given, no path as it was asked for.

pub mod endpoint;
mod process;
pub mod recorded;
mod sampled;
#[cfg(test)]
mod tests;

use prometheus_client::{
    encoding::prometheus_text,
    metrics::MetricType,
    registry::{Metric, Registry},
};
use std::fmt;

/// Everything that is exported, by name.
#[derive(Debug, Default)]
struct Catalogue {
    registry: Registry,
    names: Vec<String>,
}

impl Catalogue {
    /// `name` is without the ending that its type gets.
    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        let suffix = match metric.metric_type() {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        let exported = format!("{name}{suffix}");
        debug_assert!(!self.names.contains(&exported), "{exported} is there already");
        self.names.push(exported);
        self.registry.register(name, help, metric);
    }

    /// All of it, as Prometheus reads it.
    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
