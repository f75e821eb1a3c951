//! Rust's standard library for WebAssembly: from rustup, or built from Debian's package of Rust's sources where the
//! toolchain's own download site cannot be reached.

use super::{announce, apt::ForeignSuite};
use crate::{
    cache,
    process::{self, find, run_within},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// rustup waits long for a site that does not answer. Its download is 20 MB.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Debian's suites that carry recent versions of `rust-src`, most likely first.
const SUITES: &[&str] = &["trixie-backports", "sid"];

/// # Errors
/// What is missing and what to type.
pub fn ensure() -> Result<()> {
    let sysroot = sysroot()?;
    if is_installed(&sysroot) {
        return Ok(());
    }
    announce(&format!("Adding the target {TARGET} to Rust"));
    let by_rustup = match find("rustup") {
        Some(rustup) => run_within(process::command(rustup).args(["target", "add", TARGET]), RUSTUP_LIMIT),
        None => Err(anyhow::anyhow!("rustup is not on PATH")),
    };
    let Err(no_rustup) = by_rustup else {
        if is_installed(&sysroot) {
            return Ok(());
        }
        bail!("rustup added {TARGET}, but not to {}: type `rustup target add {TARGET}`", sysroot.display());
    };
    println!("    rustup could not add it; building it from Debian's package of Rust's sources instead");
    build_from_debian_sources(&sysroot).map_err(|no_debian| {
        anyhow::anyhow!(
            "Rust's standard library for {TARGET} is missing: type `rustup target add {TARGET}`.\n\
             rustup: {no_rustup:#}\nDebian's sources: {no_debian:#}"
        )
    })
}

fn sysroot() -> Result<PathBuf> {
    let path = process::output(process::command("rustc").args(["--print", "sysroot"]))
        .context("Rust is missing: install it with rustup")?;
    Ok(PathBuf::from(path.trim()))
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET)
}

fn is_installed(sysroot: &Path) -> bool {
    let Ok(entries) = fs::read_dir(library(sysroot).join("lib")) else { return false };
    entries.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn build_from_debian_sources(sysroot: &Path) -> Result<()> {
    let version = rustc_version()?;
    refuse_read_only(sysroot)?;
    let scratch = cache::scratch("wasm-target")?;
    let sources = fetch_sources(&version, scratch.path())?;
    let built = scratch.path().join("built");
    let mut cargo = process::command("cargo");
    cargo
        .args(["build", "--release", "--manifest-path", "sysroot/Cargo.toml", "--target", TARGET])
        .args(["--features", "panic-unwind compiler-builtins-mem", "--target-dir"])
        .arg(&built)
        // As the compiler's own build does it: the standard library uses unstable features.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_DEFAULT_LIB_METADATA", "stablestd")
        .env("RUSTFLAGS", "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked -Cdebuginfo=0")
        .current_dir(sources.join("library"));
    process::run(&mut cargo)?;
    install(&built.join(TARGET).join("release/deps"), &library(sysroot))
}

/// `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn rustc_version() -> Result<String> {
    let line = process::output(process::command("rustc").arg("--version"))?;
    line.split_whitespace().nth(1).map(str::to_owned).context("rustc does not say its version")
}

fn refuse_read_only(sysroot: &Path) -> Result<()> {
    let probe = sysroot.join("lib/rustlib/.atelier-probe");
    match fs::write(&probe, "") {
        Ok(()) => Ok(fs::remove_file(probe)?),
        Err(_) => bail!(
            "{} belongs to another user: type `rustup toolchain install stable` for a toolchain of your own, or run \
             `cargo xtask tools` once as its owner",
            sysroot.display()
        ),
    }
}

/// The folder that holds `library/` of exactly this version.
fn fetch_sources(version: &str, folder: &Path) -> Result<PathBuf> {
    let mut reasons = Vec::new();
    for suite in SUITES {
        match fetch_from(suite, version, folder) {
            Ok(sources) => return Ok(sources),
            Err(reason) => reasons.push(format!("{suite}: {reason:#}")),
        }
    }
    bail!("no sources of Rust {version} ({})", reasons.join("; "))
}

fn fetch_from(suite: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let packages = ForeignSuite::open(suite, folder)?;
    let offered = packages.versions("rust-src")?;
    let exact = offered.iter().find(|offer| is_version(offer, version)).with_context(|| {
        format!("only {} on offer", if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") })
    })?;
    let root = packages.unpack("rust-src", exact)?;
    let sources = root.join("usr/src").join(format!("rustc-{version}"));
    if !sources.join("library/sysroot/Cargo.toml").is_file() {
        bail!("the package has no library/sysroot");
    }
    Ok(sources)
}

/// Whether a package's version, such as `1.95.0+dfsg1-2~bpo13+1`, is that of the compiler, such as `1.95.0`.
fn is_version(offer: &str, version: &str) -> bool {
    offer.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '~', '-']))
}

/// Puts the libraries in place in one step, so that an interruption leaves no half of them.
fn install(built: &Path, destination: &Path) -> Result<()> {
    let prepared = destination.with_extension("unfinished");
    if prepared.exists() {
        fs::remove_dir_all(&prepared)?;
    }
    fs::create_dir_all(prepared.join("lib"))?;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rlib")
            && let Some(name) = path.file_name()
        {
            fs::copy(&path, prepared.join("lib").join(name))?;
        }
    }
    if destination.exists() {
        fs::remove_dir_all(destination)?;
    }
    fs::rename(&prepared, destination)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn only_exactly_this_version_serves() {
        assert!(is_version("1.95.0+dfsg1-2~bpo13+1", "1.95.0"));
        assert!(!is_version("1.95.01+dfsg1", "1.95.0"));
        assert!(!is_version("1.96.1+dfsg1-2~bpo13+1", "1.95.0"));
    }
}
