//! The time until a click works, in a real browser: `end2end/figures`, which writes what it finds into a file.

use crate::{
    bench::{Folder, Measure, measure_of, median, server::Workspace},
    fault::Fault,
};
use serde::Deserialize;
use std::{path::Path, process::Stdio};
use tokio::process::Command;
use url::Url;

/// Milliseconds of each round.
#[derive(Debug, Deserialize)]
struct Clicks {
    login: Vec<f64>,
    project: Vec<f64>,
}

pub(super) async fn measure(
    folder: &Path,
    site: &Url,
    workspace: &Workspace,
    project: &str,
) -> Result<Vec<Measure>, Fault> {
    let results = Folder::make()?;
    let file = results.0.join("clicks.json");
    let output = Command::new("node")
        .args(["node_modules/@playwright/test/cli.js", "test", "--config", "playwright.figures.config.ts"])
        .current_dir(folder)
        .env("ATELIER_URL", site.as_str().trim_end_matches('/'))
        .env("ATELIER_FIGURES", &file)
        .env("ATELIER_PROJECT", project)
        .env("ATELIER_COOKIE", workspace.cookie())
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        return Err(Fault::while_doing("measure in a browser")(said));
    }
    let found = std::fs::read(&file)?;
    let Clicks { login, project } =
        serde_json::from_slice(&found).map_err(Fault::while_doing("read what the browser found"))?;
    Ok(vec![
        measure_of("login page: until a click works", median(login), "ms"),
        measure_of("project page: until a click works", median(project), "ms"),
    ])
}
