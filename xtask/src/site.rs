//! Building the server with its site, and starting it.

use crate::{
    process, repository,
    tools::{self, Tools},
};
use anyhow::{Context, Result};
use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The server's binary, built or not.
pub fn binary(profile: Profile) -> PathBuf {
    repository::target().join(profile.folder()).join("atelier")
}

/// Builds the binary and the site.
///
/// # Errors
/// When cargo-leptos or gzip fails.
pub fn build(tools: &Tools, profile: Profile) -> Result<()> {
    println!("==> Building atelier and its site ({})", profile.folder());
    process::run(leptos(tools, profile).args(["--project", "atelier"]))?;
    process::run(leptos(tools, profile).args(["--project", "entrance", "--frontend-only"]))?;
    add_entrance()?;
    if profile == Profile::Debug { compress_wasm() } else { Ok(()) }
}

fn leptos(tools: &Tools, profile: Profile) -> Command {
    let mut leptos = tools.command("cargo-leptos");
    leptos.args(["leptos", "build"]);
    if profile == Profile::Release {
        small_views(leptos.args(["--release", "--precompress"]));
    }
    offline_queries(&mut leptos);
    leptos
}

/// Copies what the entrance brings into the site: cargo-leptos empties a project's folder before it fills it.
fn add_entrance() -> Result<()> {
    let (from, into) =
        (repository::target().join("entrance/pkg/entrance"), repository::target().join("site/pkg/entrance"));
    fs::create_dir_all(&into).with_context(|| format!("{} cannot be made", into.display()))?;
    for file in files(&from)? {
        if let Some(name) = file.file_name() {
            fs::copy(&file, into.join(name)).with_context(|| format!("{} cannot be copied", file.display()))?;
        }
    }
    Ok(())
}

/// The unoptimised modules are 24 MB and half of that. The server would compress them anew for each browser that has not
/// seen them, which took 8 s of each browser test on a busy machine; it serves what lies compressed beside them as it is.
fn compress_wasm() -> Result<()> {
    for folder in ["site/pkg", "site/pkg/entrance"] {
        for file in files(&repository::target().join(folder))? {
            if file.extension().is_some_and(|extension| extension == "wasm") {
                process::run(process::command("gzip").args(["--fast", "--keep", "--force"]).arg(file))?;
            }
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let entries: Vec<PathBuf> = entries.with_context(|| format!("{} cannot be read", folder.display()))?;
    Ok(entries.into_iter().filter(|path| path.is_file()).collect())
}

/// Optimised builds erase the types of views, which makes the WASM a third smaller. Server and browser must agree, as the
/// markers between the parts of a page differ; Dockerfile.prod says the same. Debug builds share their artifacts with
/// `cargo test` instead.
fn small_views(command: &mut Command) -> &mut Command {
    let inherited = std::env::var("RUSTFLAGS").unwrap_or_default();
    command.env("RUSTFLAGS", format!("{inherited} --cfg erase_components").trim_start())
}

/// The SQL queries are checked against .sqlx, not against whatever database `.env` names, unless the user wants that.
pub fn offline_queries(command: &mut Command) -> &mut Command {
    if std::env::var_os("SQLX_OFFLINE").is_none() {
        command.env("SQLX_OFFLINE", "true");
    }
    command
}

/// The binary, told where its site is.
pub fn atelier(profile: Profile) -> Command {
    let mut atelier = process::command(binary(profile));
    atelier
        .env("LEPTOS_OUTPUT_NAME", "atelier")
        .env("LEPTOS_SITE_ROOT", repository::root().join("target/site"))
        .env("LEPTOS_SITE_PKG_DIR", "pkg")
        .env("LEPTOS_HASH_FILES", "true")
        .env("LEPTOS_HASH_FILE_NAME", binary(profile).with_file_name("hash.txt"));
    atelier
}

/// Builds, then becomes the server: signals reach it directly, and its exit code is this process's.
///
/// # Errors
/// When the build fails or the server cannot be started.
pub fn run(profile: Profile) -> Result<ExitCode> {
    let tools = tools::for_development()?;
    {
        let _lock = repository::lock()?;
        build(&tools, profile)?;
    }
    println!("==> Starting atelier");
    Err(atelier(profile).arg("serve").exec()).context("atelier cannot be started")
}

/// `atelier bench` in an optimised build. Only some figures want the site, and the browser that its clicks are measured in.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub fn bench(arguments: &[String]) -> Result<ExitCode> {
    let mut bench = atelier(Profile::Release);
    bench.arg("bench").args(arguments);
    if wants_site(arguments) {
        let (tools, chromium) = match tools::for_tests() {
            Ok(tools) => (tools.build, Some(tools.chromium)),
            Err(error) => {
                println!("==> Without a browser: {error:#}");
                (tools::for_builds()?, None)
            }
        };
        let _lock = repository::lock()?;
        build(&tools, Profile::Release)?;
        if let Some(chromium) = chromium {
            bench.env("PATH", tools.path()).env("CHROMIUM", chromium);
            bench.arg("--browser").arg(repository::root().join("end2end"));
        }
    } else {
        let _lock = repository::lock()?;
        let mut cargo = process::command("cargo");
        process::run(small_views(offline_queries(cargo.args(["build", "--release", "--bin", "atelier"]))))?;
    }
    Err(bench.exec()).context("atelier cannot be started")
}

/// Whether something is asked of `atelier bench` that is measured on the built site: that figure, or all of them.
fn wants_site(arguments: &[String]) -> bool {
    let is = |name: &str| arguments.iter().any(|argument| argument == name);
    // Neither an option nor its number.
    let names_figures = arguments.iter().any(|argument| argument.starts_with(|first: char| first.is_ascii_lowercase()));
    is("first_load") || !(names_figures || is("--help") || is("-h"))
}

#[cfg(test)]
mod tests {
    use super::wants_site;

    #[test]
    fn the_site_is_built_for_what_is_measured_on_it() {
        let wants = |words: &str| wants_site(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(wants(""));
        assert!(wants("--minutes 3"));
        assert!(wants("streams first_load"));
        assert!(!wants("streams --minutes 3"));
        assert!(!wants("--help"));
    }
}
