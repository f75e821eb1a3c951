//! The commands of this repository: fetching tools, building, running, checking, testing.
//!
//! Kept to three small crates, because it is compiled before anything else a newcomer types.

// A command line tool: the terminal is where its output belongs.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cache;
mod check;
mod image;
mod postgres;
mod process;
mod queries;
mod repository;
mod site;
mod test;
mod tools;

use anyhow::{Context, Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask tools [--build]       fetch what builds and tests need (or builds alone), once, into the user's cache folder
cargo xtask build [--release]     build the binary `atelier` and the site
cargo xtask run [--release]       build, then start everything and print the address
cargo xtask check                 formatting, lints, saved queries, licences, the domain's tests
cargo xtask test [--postgres 16] [--image atelier] [filter…]
                                  everything: check, unit and integration tests, browser tests; with --image those
                                  of a release and of the compose file run that image
cargo xtask prepare               refresh .sqlx, the saved descriptions of the SQL queries
cargo xtask bench [arguments…]    run `atelier bench` in an optimised build, with the site and a browser where they are measured
cargo xtask image [arguments…]    build the image by docker, labelled; `--build-arg LOCAL_MODEL=yes` is such an argument";

enum Task {
    Tools { only_for_builds: bool },
    Build { release: bool },
    Run { release: bool },
    Check,
    Test(test::Options),
    Prepare,
    Bench { arguments: Vec<String> },
    Image { arguments: Vec<String> },
    Help,
}

fn main() -> ExitCode {
    process::stop_children_on_signals();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match parse(&arguments).and_then(perform) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Task> {
    let Some((name, rest)) = arguments.split_first() else { return Ok(Task::Help) };
    let task = match name.as_str() {
        "tools" => Task::Tools { only_for_builds: only_flag(rest, &["--build"])? },
        "build" => Task::Build { release: only_flag(rest, RELEASE)? },
        "run" => Task::Run { release: only_flag(rest, RELEASE)? },
        "check" => nothing_more(rest, Task::Check)?,
        "test" => Task::Test(test::Options::parse(rest)?),
        "prepare" => nothing_more(rest, Task::Prepare)?,
        "bench" => Task::Bench { arguments: rest.to_vec() },
        "image" => Task::Image { arguments: rest.to_vec() },
        "help" | "--help" | "-h" => Task::Help,
        other => bail!("There is no task `{other}`.\n\n{USAGE}"),
    };
    Ok(task)
}

fn nothing_more(rest: &[String], task: Task) -> Result<Task> {
    match rest.first() {
        None => Ok(task),
        Some(other) => bail!("`{other}` means nothing here.\n\n{USAGE}"),
    }
}

/// The spellings of one flag.
const RELEASE: &[&str] = &["--release", "-r"];

/// Whether the flag is given; nothing else may be.
fn only_flag(rest: &[String], spellings: &[&str]) -> Result<bool> {
    match rest {
        [] => Ok(false),
        [flag] if spellings.contains(&flag.as_str()) => Ok(true),
        _ => bail!("Only {} can follow.\n\n{USAGE}", spellings.first().unwrap_or(&"nothing")),
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    if matches!(task, Task::Help) {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    std::env::set_current_dir(repository::root()).context("The repository's folder cannot be entered")?;
    match task {
        Task::Tools { only_for_builds } => {
            if only_for_builds {
                tools::for_builds()?;
            } else {
                tools::for_tests()?;
            }
            println!("Everything is there.");
        }
        Task::Build { release } => {
            let tools = tools::for_builds()?;
            let _lock = repository::lock()?;
            site::build(&tools, site::Profile::of(release))?;
        }
        Task::Run { release } => return site::run(site::Profile::of(release)),
        Task::Check => {
            let tools = tools::for_development()?;
            let _lock = repository::lock()?;
            return Ok(check::all(&tools)?.exit_code());
        }
        Task::Test(options) => return test::run(&options),
        Task::Prepare => {
            let tools = tools::for_development()?;
            let _lock = repository::lock()?;
            queries::prepare(&tools)?;
        }
        Task::Bench { arguments } => return site::bench(&arguments),
        Task::Image { arguments } => image::build(&arguments)?,
        Task::Help => {}
    }
    Ok(ExitCode::SUCCESS)
}
