//! What can be said about the code without running it, and the domain's unit tests.

use crate::{
    postgres::Postgres,
    process,
    queries::{self, Schema},
    repository, site,
    tools::{Tools, playwright},
};
use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode, time::Instant};

/// What each step came to.
#[derive(Default)]
pub struct Outcome {
    failures: Vec<String>,
}

impl Outcome {
    /// Runs a step; a failure is told at once and does not keep the next step from running.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        println!("==> {name}");
        let start = Instant::now();
        match work() {
            Ok(()) => println!("    {name}: {} s", start.elapsed().as_secs()),
            Err(error) => {
                eprintln!("    {name} failed: {error:#}");
                self.failures.push(name.to_owned());
            }
        }
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    pub fn exit_code(&self) -> ExitCode {
        if self.failures.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("\nFailed: {}", self.failures.join(", "));
        ExitCode::FAILURE
    }
}

/// All checks, with a Postgres of their own.
///
/// # Errors
/// When the checks cannot be run at all.
pub fn all(tools: &Tools) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.step("Formatting", || formatting(tools));
    outcome.step("Building atelier", || {
        let mut cargo = tools.command("cargo");
        cargo.args(["build", "--package=server", "--bin=atelier"]);
        process::run(site::offline_queries(&mut cargo))
    });
    let folder = repository::target().join("check");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    outcome.step("Lints and saved queries", || {
        let postgres = Postgres::start(&folder, None)?;
        lints_and_queries(tools, &postgres, &folder)?;
        postgres.stop()
    });
    outcome.step("Lints of the browser's side", || browser_lints(tools));
    outcome.step("Licences and sources", || licences(tools));
    outcome.step("Types of the browser tests", || {
        playwright::ensure()?;
        types(tools)
    });
    outcome.step("Tests of the domain", || {
        process::run(tools.command("cargo").args(["test", "--quiet", "--package=domain", "--package=xtask"]))
    });
    Ok(outcome)
}

/// # Errors
/// When a file is not as rustfmt writes it.
pub fn formatting(tools: &Tools) -> Result<()> {
    process::run(tools.command("cargo").args(["fmt", "--all", "--check"]))
}

/// Lints the server side while checking every query against the schema, so that both cost one pass.
///
/// # Errors
/// When clippy finds something, or .sqlx is not what the database says.
pub fn lints_and_queries(tools: &Tools, postgres: &Postgres, folder: &Path) -> Result<()> {
    let database = Schema::apply(postgres)?;
    let fresh = folder.join("sqlx");
    process::run(queries::lint_command(tools, &database, &fresh)?.args(["-D", "warnings"]))?;
    process::run(tools.command("cargo").args(["clippy", "--package=xtask", "--all-targets", "--", "-D", "warnings"]))?;
    let differences = queries::differences(&fresh)?;
    if !differences.is_empty() {
        bail!(".sqlx is not what the database says: type `cargo xtask prepare`\n{}", differences.join("\n"));
    }
    Ok(())
}

/// In the folder and with the profile of cargo-leptos, so that both use the same build scripts and macros.
///
/// # Errors
/// When clippy finds something.
pub fn browser_lints(tools: &Tools) -> Result<()> {
    let target = repository::target().join("front");
    let mut clippy = tools.command("cargo");
    clippy
        .args([
            "clippy",
            "--package=entrance",
            "--package=frontend",
            "--lib",
            "--target=wasm32-unknown-unknown",
            "--profile=wasm-dev",
        ])
        .arg("--target-dir")
        .arg(target)
        .args(["--", "-D", "warnings"]);
    process::run(&mut clippy)
}

/// Playwright runs the browser tests without looking at their types. Their packages are installed by then.
///
/// # Errors
/// When the TypeScript of end2end/package.json finds something.
pub fn types(tools: &Tools) -> Result<()> {
    let mut tsc = tools.command("node");
    tsc.args(["node_modules/typescript/bin/tsc", "--noEmit"]).current_dir(repository::root().join("end2end"));
    process::run(&mut tsc)
}

/// Only where cargo-deny is installed: it is not needed to build or test, and takes minutes to install.
///
/// # Errors
/// When a dependency's licence, source or version is not allowed by deny.toml.
pub fn licences(tools: &Tools) -> Result<()> {
    if process::find("cargo-deny").is_none() {
        println!("    skipped: cargo-deny is not installed (`cargo install cargo-deny`)");
        return Ok(());
    }
    process::run(tools.command("cargo").args(["deny", "check", "bans", "licenses", "sources"]))
}
