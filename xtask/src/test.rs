//! All tests: the checks, then unit and integration tests, then the browser's.

use crate::{
    check::{self, Outcome},
    postgres::{Postgres, last_lines},
    process::{self, Running},
    repository, site,
    site::Profile,
    tools::{self, TestTools, Tools},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long the server may take until it is ready: the first time it fetches Postgres and the embedding model.
const READY_LIMIT: Duration = Duration::from_secs(300);

#[derive(Default)]
pub struct Options {
    /// The major version of Postgres, when not the newest.
    postgres: Option<u32>,
    /// The container image that tests of their own servers run instead of the binary, when one is given.
    image: Option<String>,
    /// Only tests whose names contain one of these; the checks are left out then.
    filters: Vec<String>,
}

impl Options {
    /// # Errors
    /// When an option is not known or has no value.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--postgres" => {
                    let major = rest.next().context("--postgres needs a version, such as 16")?;
                    options.postgres = Some(major.parse().context("--postgres needs a version, such as 16")?);
                }
                "--image" => options.image = Some(rest.next().context("--image needs an image's name")?.to_owned()),
                option if option.starts_with('-') => bail!("`{option}` is no option of `cargo xtask test`"),
                filter => options.filters.push(filter.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Tests that were run.
#[derive(Clone, Copy, Default)]
struct Count {
    passed: u32,
    failed: u32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// # Errors
/// When the tests cannot be run at all.
pub fn run(options: &Options) -> Result<ExitCode> {
    let start = Instant::now();
    let mut count = Count::default();
    let mut outcome = Outcome::default();
    let tried = run_all(options, &mut outcome, &mut count);
    if let Err(error) = &tried {
        eprintln!("\n{error:#}");
    }
    let succeeded = tried.is_ok() && outcome.failures().is_empty() && count.failed == 0;
    if !outcome.failures().is_empty() {
        println!("\nFailed: {}", outcome.failures().join(", "));
    }
    println!("\nTook {} min {} s", start.elapsed().as_secs() / 60, start.elapsed().as_secs() % 60);
    // A step that failed without a failed test must not end in a line that says all is well.
    let failed = if succeeded { 0 } else { count.failed.max(1) };
    println!("{} passed, {failed} failed", count.passed);
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_all(options: &Options, outcome: &mut Outcome, count: &mut Count) -> Result<()> {
    let tools = tools::for_tests()?;
    let _lock = repository::lock()?;
    let folder = repository::target().join("test-run");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let everything = options.filters.is_empty();
    if everything {
        outcome.step("Formatting", || check::formatting(&tools.build));
        outcome.step("Licences and sources", || check::licences(&tools.build));
        outcome.step("Types of the browser tests", || check::types(&tools.build));
    }
    site::build(&tools.build, Profile::Debug)?;
    let postgres = Postgres::start(&folder, options.postgres)?;
    if everything {
        outcome.step("Lints and saved queries", || check::lints_and_queries(&tools.build, &postgres, &folder));
        outcome.step("Lints of the browser's side", || check::browser_lints(&tools.build));
    }
    outcome.step("Unit and integration tests", || cargo_test(&tools.build, &postgres.url, &options.filters, count));
    postgres.stop()?;
    outcome.step("Browser tests", || browser_tests(&tools, &folder, options, count));
    Ok(())
}

fn cargo_test(tools: &Tools, database: &str, filters: &[String], count: &mut Count) -> Result<()> {
    let mut cargo = tools.command("cargo");
    cargo
        .args(["test", "--lib", "--bins", "--tests", "--no-fail-fast", "--"])
        .args(filters)
        .env("TEST_DATABASE_URL", database)
        .stdout(Stdio::piped());
    let mut running = Running::start(site::offline_queries(&mut cargo))?;
    let output = running.child().stdout.take().context("no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some(result) = test_result(&line) {
            count.add(result);
        }
    }
    let status = running.wait()?;
    let mut own = tools.command("cargo");
    process::run(own.args(["test", "--quiet", "--package=xtask"]))?;
    if !status.success() {
        bail!("cargo test failed ({status})");
    }
    Ok(())
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
fn test_result(line: &str) -> Option<Count> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let before = &rest[..rest.find(word)?];
        before.split_whitespace().next_back()?.parse().ok()
    };
    Some(Count { passed: number(" passed")?, failed: number(" failed")? })
}

fn browser_tests(tools: &TestTools, folder: &Path, options: &Options, count: &mut Count) -> Result<()> {
    let mut plain = Served::start(folder, "atelier", options, &[])?;
    // The same where an address must be confirmed before it can sign in.
    let mut confirming = Served::start(folder, "atelier-confirm", options, &[("ATELIER_CONFIRM_EMAIL", "true")])?;
    plain.wait_until_ready()?;
    confirming.wait_until_ready()?;
    let played = playwright(tools, folder, &plain, &confirming, options, count);
    confirming.stop()?;
    plain.stop()?;
    played
}

/// A server that the browser tests speak to.
struct Served {
    running: Running,
    address: SocketAddr,
    data: PathBuf,
    log: PathBuf,
}

impl Served {
    /// With a data folder and a log of its own, named `name`.
    fn start(folder: &Path, name: &str, options: &Options, variables: &[(&str, &str)]) -> Result<Self> {
        let address = free_address()?;
        let (data, log) = (folder.join(format!("{name}-data")), folder.join(format!("{name}.log")));
        let mut serve = site::atelier(Profile::Debug);
        serve
            .arg("serve")
            .env("LEPTOS_SITE_ADDR", address.to_string())
            .env("ATELIER_DATA_DIR", &data)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        for variable in CONFIGURED {
            serve.env_remove(variable);
        }
        serve.envs(variables.iter().copied());
        if let Some(major) = options.postgres {
            serve.env("ATELIER_POSTGRES_MAJOR", major.to_string());
        }
        Ok(Self { running: Running::start(&mut serve)?, address, data, log })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        wait_until_ready(&mut self.running, self.address, &self.log)
    }

    fn stop(self) -> Result<()> {
        self.running.stop().with_context(|| format!("The server's log is {}", self.log.display()))
    }
}

/// The tests are of the product with nothing configured.
const CONFIGURED: &[&str] = &[
    "ATELIER_ENV",
    "ATELIER_PUBLIC_URL",
    "DATABASE_URL",
    "SUPABASE_URL",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SECRET_KEY",
    "SUPABASE_JWT_SECRET",
    "ATELIER_IDENTITY",
    "ATELIER_CONFIRM_EMAIL",
    "ATELIER_SIGN_UP",
    "SMTP_URL",
    "MAIL_FROM",
    "R2_ENDPOINT",
    "R2_ACCESS_KEY",
    "R2_SECRET_KEY",
    "R2_BUCKET",
    "R2_PUBLIC_URL",
    "LLM_API_KEY",
    "LLM_BASE_URL",
    "LLM_MODEL",
    "LLM_FIRST_TOKEN_SECONDS",
    "LLM_IDLE_SECONDS",
    "VISION_MODEL",
    "OPENROUTER_API_KEY",
    "EMBEDDING_BASE_URL",
    "EMBEDDING_API_KEY",
    "EMBEDDING_MODEL",
    "EMBEDDING_DIMENSIONS",
    "EMBEDDING_PREVIOUS_API_KEY",
    "RERANK_BASE_URL",
    "RERANK_API_KEY",
    "RERANK_MODEL",
    "CHAT_MAX_ITERATIONS",
    "TAVILY_API_KEY",
    "TAVILY_BASE_URL",
];

fn playwright(
    tools: &TestTools,
    folder: &Path,
    plain: &Served,
    confirming: &Served,
    options: &Options,
    count: &mut Count,
) -> Result<()> {
    let summary = folder.join("browser-tests.txt");
    let mut node = tools.build.command("node");
    node.arg("node_modules/@playwright/test/cli.js")
        .args(["test", "--pass-with-no-tests"])
        .current_dir(repository::root().join("end2end"))
        .env("ATELIER_URL", plain.url())
        .env("ATELIER_CONFIRM_URL", confirming.url())
        // For clients of the identity provider: their key is in it.
        .env("ATELIER_KEYS", plain.data.join("identity/keys.json"))
        .env("ATELIER_TEST_SUMMARY", &summary)
        .env("CHROMIUM", &tools.chromium);
    // What a test needs to start a server of its own.
    let atelier = site::atelier(Profile::Debug);
    node.env("ATELIER_BINARY", atelier.get_program());
    for (name, value) in atelier.get_envs() {
        if let Some(value) = value {
            node.env(name, value);
        }
    }
    for variable in CONFIGURED {
        node.env_remove(variable);
    }
    if let Some(image) = &options.image {
        node.env("ATELIER_IMAGE", image);
    }
    if !options.filters.is_empty() {
        node.args(["--grep", &options.filters.join("|")]);
    }
    let result = process::run(&mut node);
    count.add(read_summary(&summary)?);
    result
}

/// Two numbers, which end2end/summary-reporter.ts writes: tests passed and tests failed.
fn read_summary(file: &PathBuf) -> Result<Count> {
    let text = fs::read_to_string(file).context("Playwright ended without a summary")?;
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(passed)), Some(Ok(failed))) => Ok(Count { passed, failed }),
        _ => bail!("{} holds no two numbers", file.display()),
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn wait_until_ready(server: &mut Running, address: SocketAddr, log: &Path) -> Result<()> {
    let limit = Instant::now() + READY_LIMIT;
    while Instant::now() < limit {
        if let Some(status) = server.child().try_wait()? {
            bail!("atelier ended while starting ({status}):\n{}", last_lines(log));
        }
        if is_ready(address) {
            return Ok(());
        }
        sleep(Duration::from_millis(200));
    }
    bail!("atelier was not ready within {} s:\n{}", READY_LIMIT.as_secs(), last_lines(log))
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status == *b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::test_result;

    #[test]
    fn counts_the_lines_of_the_test_harness() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        let count = test_result(line).unwrap();
        assert_eq!((count.passed, count.failed), (12, 3));
        assert!(test_result("test tests::passed ... ok").is_none());
    }
}
