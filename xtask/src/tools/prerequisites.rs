//! What must be on the machine before anything else, because no registry of ours carries it.

use crate::process::{self, find};
use anyhow::{Result, bail};

/// The oldest Node.js that Playwright runs on.
const NODE_MAJOR: u32 = 18;

/// What building needs.
///
/// # Errors
/// One sentence for each thing that is missing, with what to type.
pub fn for_builds() -> Result<()> {
    all_there(missing_for_builds())
}

/// What building, running and testing need. An image is built without the rest, so builds do not ask for it.
///
/// # Errors
/// One sentence for each thing that is missing, with what to type.
pub fn for_development() -> Result<()> {
    let mut missing = missing_for_builds();
    if find("rustfmt").is_none() || find("cargo-clippy").is_none() {
        missing.push("rustfmt or clippy is missing: type `rustup component add rustfmt clippy`.".to_owned());
    }
    if process::output(process::command("python3").args(["-m", "pip", "--version"])).is_err() {
        missing.push("Python 3 with pip is missing: type `sudo apt-get install python3-pip`.".to_owned());
    }
    all_there(missing)
}

fn all_there(missing: Vec<String>) -> Result<()> {
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    Ok(())
}

fn missing_for_builds() -> Vec<String> {
    let mut missing = Vec::new();
    if find("cc").is_none() {
        missing.push("A C compiler is missing: type `sudo apt-get install build-essential`.".to_owned());
    }
    match node_major() {
        Some(major) if major >= NODE_MAJOR => {}
        Some(major) => {
            missing.push(format!("Node.js {major} is too old: install Node.js {NODE_MAJOR} or newer, with npm."));
        }
        None => missing.push("Node.js is missing: type `sudo apt-get install nodejs npm`.".to_owned()),
    }
    if find("npm").is_none() {
        missing.push("npm is missing: type `sudo apt-get install npm`.".to_owned());
    }
    missing
}

fn node_major() -> Option<u32> {
    let version = process::output(process::command("node").arg("--version")).ok()?;
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
