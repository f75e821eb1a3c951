//! `atelier bench`: figures of this machine, each in a file of its own. A new one is a file, a line in [`Figure`] and a
//! line in [`measure`]. Never run as a test: a busy machine is slow, not wrong.

mod embedding;
mod first_load;
mod idle_streams;
mod image;
mod ingestion;
mod load;
mod pages;
mod retrieval;
mod server;
mod start;
mod streams;
mod transfer;

use crate::{AppState, config::Config, fault::Fault, startup::Running};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::{fmt, path::PathBuf, time::Duration};
use uuid::Uuid;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Figure {
    /// Embedding throughput against what the cores' matrix multiplication allows.
    Embedding,
    /// Reading text files and cutting them, on one core.
    Ingestion,
    /// Filtered vector search among 100,000 chunks: recall and latency.
    Retrieval,
    /// Two hundred answers streamed at once: order, memory, delay.
    Streams,
    /// Pages and calls of the API a second, at 32 connections.
    Pages,
    /// Start to ready on an existing database; memory idle, under load, and after minutes of it.
    Start,
    /// A file up and down through the product.
    Transfer,
    /// A thousand event streams on which nothing happens: memory.
    IdleStreams,
    /// What a browser loads that was never here, in brotli, and the time until a click works.
    FirstLoad,
    /// The compressed size of the image `atelier`.
    Image,
}

impl Figure {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What to measure, and how.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only these figures.
    figures: Vec<Figure>,
    /// Minutes of load before the memory is looked at again. A session lasts an hour.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=50))]
    minutes: u64,
    /// The folder of the browser tests, when a browser is there; `cargo xtask bench` gives it.
    #[arg(long, hide = true)]
    browser: Option<PathBuf>,
}

/// Everything that was measured; its `Display` is a table and, on the last line, one JSON object.
#[derive(Clone, Debug)]
pub struct Report(Vec<(Figure, Vec<Measure>)>);

impl Report {
    /// Whether everything could be measured that was asked for.
    pub fn is_whole(&self) -> bool {
        self.0.iter().flat_map(|(_, measures)| measures).all(|measure| measure.name != FAILED)
    }
}

/// The name of a note in place of a figure.
const FAILED: &str = "failed";
const LEFT_OUT: &str = "left out";

/// One number with its unit, or what is to be said instead.
#[derive(Clone, Debug)]
struct Measure {
    name: String,
    found: Found,
}

#[derive(Clone, Debug)]
enum Found {
    Number { value: f64, unit: &'static str },
    Note(String),
}

fn measure_of(name: impl Into<String>, value: f64, unit: &'static str) -> Measure {
    Measure { name: name.into(), found: Found::Number { value, unit } }
}

fn note_of(name: impl Into<String>, note: impl Into<String>) -> Measure {
    Measure { name: name.into(), found: Found::Note(note.into()) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut object = Map::new();
        object.insert("cores".to_owned(), json!(cores()));
        writeln!(f, "| figure | measure | value |\n|---|---|---|")?;
        for (figure, measures) in &self.0 {
            let figure = figure.name();
            let mut values = Map::new();
            for Measure { name, found } in measures {
                let (key, value) = match found {
                    Found::Number { value, unit } => {
                        writeln!(f, "| {figure} | {name} | {} {unit} |", shown(*value))?;
                        (format!("{name}, {unit}").trim_end_matches(", ").to_owned(), json!(value))
                    }
                    Found::Note(note) => {
                        writeln!(f, "| {figure} | {name} | {note} |")?;
                        (name.clone(), json!(note))
                    }
                };
                values.insert(key, value);
            }
            object.insert(figure, Value::Object(values));
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

/// Measures what is asked for, or everything, on embedded parts in folders that are removed afterwards. A figure that
/// fails says so in its place: the others took long enough.
pub async fn run(config: Config, options: &Options) -> Report {
    let figures = if options.figures.is_empty() { Figure::value_variants() } else { options.figures.as_slice() };
    let mut embedded = Embedded { config, started: None };
    let mut report = Vec::new();
    for &figure in figures {
        tracing::info!(figure = figure.name(), "measuring");
        let measured = measure(&mut embedded, figure, options).await.unwrap_or_else(|fault| {
            tracing::error!(figure = figure.name(), %fault, "not measured");
            vec![note_of(FAILED, fault.to_string())]
        });
        report.push((figure, measured));
    }
    embedded.stop().await;
    Report(report)
}

async fn measure(embedded: &mut Embedded, figure: Figure, options: &Options) -> Result<Vec<Measure>, Fault> {
    match figure {
        Figure::Embedding => embedding::measure(embedded.state().await?).await,
        Figure::Ingestion => ingestion::measure().await,
        Figure::Retrieval => retrieval::measure(embedded.state().await?).await,
        Figure::Streams => streams::measure().await,
        Figure::Pages => pages::measure().await,
        Figure::Start => start::measure(options.minutes).await,
        Figure::Transfer => transfer::measure().await,
        Figure::IdleStreams => idle_streams::measure().await,
        Figure::FirstLoad => first_load::measure(options.browser.as_deref()).await,
        Figure::Image => image::measure().await,
    }
}

/// Embedded parts in this process, for figures without a server of their own; started when the first of them comes.
struct Embedded {
    config: Config,
    started: Option<(Running, Folder)>,
}

impl Embedded {
    async fn state(&mut self) -> Result<&AppState, Fault> {
        let started = match self.started.take() {
            Some(started) => started,
            None => {
                let folder = Folder::make()?;
                let mut config = self.config.clone();
                config.paths.data = folder.0.clone();
                config.database.url = None;
                config.store = crate::config::store::Store::Embedded { limit_bytes: 1 << 34 };
                let running = Running::start(config).await;
                (running.map_err(Fault::while_doing("start the embedded parts"))?, folder)
            }
        };
        Ok(&self.started.insert(started).0.state)
    }

    async fn stop(self) {
        if let Some((running, _folder)) = self.started {
            running.stop().await;
        }
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
        assert!(report.is_whole());
    }

    #[test]
    fn what_is_not_measured_says_why() {
        let left_out = (Figure::Image, vec![note_of(LEFT_OUT, "docker does not answer")]);
        let failed = (Figure::IdleStreams, vec![note_of(FAILED, "no server")]);
        let report = Report(vec![left_out.clone(), failed]);
        let text = report.to_string();
        assert!(text.contains("| image | left out | docker does not answer |"), "{text}");
        let json: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default();
        assert_eq!(json["idle_streams"]["failed"], "no server");
        assert_eq!(json["image"]["left out"], "docker does not answer");
        assert!(!report.is_whole());
        assert!(Report(vec![left_out]).is_whole());
    }
}
