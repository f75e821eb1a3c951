//! The image, with labels that say what it was built from.

use crate::process;
use anyhow::{Context, Result};

/// `docker build`; `arguments` are passed on.
///
/// # Errors
/// When git or docker is missing or fails.
pub fn build(arguments: &[String]) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    // The commit's time, not the clock's: the same commit makes the same labels.
    let labels = [
        ("VERSION", version.to_owned()),
        ("REVISION", git(&["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])?),
        ("CREATED", git(&["log", "-1", "--format=%cI"])?),
    ];
    let mut docker = process::command("docker");
    docker.args(["build", "--file=Dockerfile.prod", "--tag=atelier:latest"]).arg(format!("--tag=atelier:{version}"));
    for (name, value) in labels {
        docker.arg(format!("--build-arg={name}={value}"));
    }
    process::run(docker.args(arguments).arg("."))
}

fn git(arguments: &[&str]) -> Result<String> {
    let text = process::output(process::command("git").args(arguments));
    Ok(text.context("The image's labels name the commit that it is built from")?.trim().to_owned())
}
