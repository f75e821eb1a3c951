//! `atelier bench`: figures of this machine, each in a file of its own. A new one is a file, a line in [`Figure`] and a
//! line in [`measure`]. Never run as a test: a busy machine is slow, not wrong.

mod embedding;
mod ingestion;
mod retrieval;
mod streams;

use crate::{config::Config, fault::Fault, startup::Running};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::{fmt, path::PathBuf, time::Duration};
use uuid::Uuid;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// Embedding throughput against what the cores' matrix multiplication allows.
    Embedding,
    /// Reading text files and cutting them, on one core.
    Ingestion,
    /// Filtered vector search among 100,000 chunks: recall and latency.
    Retrieval,
    /// Two hundred answers streamed at once: order, memory, delay.
    Streams,
}

impl Figure {
    const ALL: [Self; 4] = [Self::Embedding, Self::Ingestion, Self::Retrieval, Self::Streams];

    const fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Ingestion => "ingestion",
            Self::Retrieval => "retrieval",
            Self::Streams => "streams",
        }
    }
}

/// Everything that was measured; its `Display` is a table and, on the last line, one JSON object.
#[derive(Clone, Debug)]
pub struct Report(Vec<(Figure, Vec<Measure>)>);

/// One number with its unit.
#[derive(Clone, Debug)]
struct Measure {
    name: String,
    value: f64,
    unit: &'static str,
}

fn measure_of(name: impl Into<String>, value: f64, unit: &'static str) -> Measure {
    Measure { name: name.into(), value, unit }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut object = Map::new();
        object.insert("cores".to_owned(), json!(cores()));
        writeln!(f, "| figure | measure | value |\n|---|---|---|")?;
        for (figure, measures) in &self.0 {
            let mut values = Map::new();
            for Measure { name, value, unit } in measures {
                writeln!(f, "| {} | {name} | {} {unit} |", figure.name(), shown(*value))?;
                values.insert(format!("{name}, {unit}").trim_end_matches(", ").to_owned(), json!(value));
            }
            object.insert(figure.name().to_owned(), Value::Object(values));
        }
        write!(f, "\n{}", Value::Object(object))
    }
}

fn shown(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Measures what is asked for, or everything, on embedded parts in a folder that is removed afterwards.
///
/// # Errors
/// When the embedded parts do not start, or a measurement fails.
pub async fn run(mut config: Config, figures: &[Figure]) -> Result<Report, Box<dyn std::error::Error>> {
    let figures = if figures.is_empty() { &Figure::ALL } else { figures };
    let folder = Folder::make()?;
    config.paths.data = folder.0.clone();
    config.database.url = None;
    config.store = crate::config::store::Store::Embedded { limit_bytes: 1 << 34 };
    let running = Running::start(config).await?;
    let mut report = Vec::new();
    let mut failure = None;
    for &figure in figures {
        tracing::info!(figure = figure.name(), "measuring");
        match measure(&running, figure).await {
            Ok(measures) => report.push((figure, measures)),
            Err(fault) => {
                failure = Some(fault);
                break;
            }
        }
    }
    running.stop().await;
    match failure {
        Some(fault) => Err(fault.into()),
        None => Ok(Report(report)),
    }
}

async fn measure(running: &Running, figure: Figure) -> Result<Vec<Measure>, Fault> {
    match figure {
        Figure::Embedding => embedding::measure(&running.state).await,
        Figure::Ingestion => ingestion::measure().await,
        Figure::Retrieval => retrieval::measure(&running.state).await,
        Figure::Streams => streams::measure().await,
    }
}

struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Fault> {
        let path = std::env::temp_dir().join(format!("atelier-bench-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the folder of the benchmark remains");
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The value below which `part` of the times are, in milliseconds.
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let place = ((times.len() as f64 * part).ceil() as usize).clamp(1, times.len().max(1)) - 1;
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_medians_are_those_of_the_textbook() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((quantile(&mut times, 0.95) - 95.0).abs() < 1e-9);
        assert!((quantile(&mut times, 0.5) - 50.0).abs() < 1e-9);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn a_report_is_a_table_and_one_line_of_json() {
        let report = Report(vec![(Figure::Embedding, vec![measure_of("throughput", 2400.0, "tokens/s")])]);
        let text = report.to_string();
        assert!(text.contains("| embedding | throughput | 2400 tokens/s |"));
        let json: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default();
        assert_eq!(json["embedding"]["throughput, tokens/s"], 2400.0);
    }
}
