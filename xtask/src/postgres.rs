//! A PostgreSQL with pgvector for tests and for checking queries: the one that `atelier` embeds, run by itself.

use crate::{
    process::{self, Running},
    site::{self, Profile},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

/// A running server; ended when dropped. It also ends by itself when this process does, because its input closes.
pub struct Postgres {
    running: Running,
    /// A superuser's URL.
    pub url: String,
}

impl Postgres {
    /// Starts one with a new, empty data folder below `folder`.
    ///
    /// # Errors
    /// When it does not start; with the end of its log.
    pub fn start(folder: &Path, major: Option<u32>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join("postgres.log");
        let mut atelier = process::command(site::binary(Profile::Debug));
        atelier.args(["postgres", "--volatile", "--data"]).arg(folder.join("postgres"));
        if let Some(major) = major {
            atelier.args(["--major", &major.to_string()]);
        }
        atelier.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut running = Running::start(&mut atelier)?;
        let mut lines = BufReader::new(running.child().stdout.take().context("no output")?).lines();
        let Some(url) = lines.next().transpose()?.filter(|line| line.starts_with("postgres")) else {
            bail!("PostgreSQL did not start:\n{}", last_lines(&log));
        };
        Ok(Self { running, url })
    }

    /// # Errors
    /// When it did not end well.
    pub fn stop(mut self) -> Result<()> {
        drop(self.running.child().stdin.take());
        let status = self.running.wait()?;
        if !status.success() {
            bail!("PostgreSQL did not end well ({status})");
        }
        Ok(())
    }
}

/// The last lines of a log, for a message.
pub fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
