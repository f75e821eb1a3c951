//! .sqlx: what the database says about each SQL query, saved so that builds need no database.
//!
//! The macros of sqlx write it while they compile against a live database whose schema is that of `migrations/`.

use crate::{
    cache,
    postgres::Postgres,
    process::{self, find},
    repository,
    site::{self, Profile},
    tools::Tools,
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// Refreshes .sqlx.
///
/// # Errors
/// When there is no database to ask, a migration fails, or the code does not compile.
pub fn prepare(tools: &Tools) -> Result<()> {
    let folder = repository::target().join("prepare");
    let postgres = start_postgres(tools, &folder)?;
    let database = Schema::apply(&postgres)?;
    let fresh = folder.join("sqlx");
    describe(tools, &database, &fresh)?;
    postgres.stop()?;
    let saved = repository::root().join(".sqlx");
    let before = read(&saved)?;
    let after = read(&fresh)?;
    fs::create_dir_all(&saved)?;
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        fs::remove_file(saved.join(name))?;
    }
    for (name, text) in &after {
        if before.get(name) != Some(text) {
            fs::write(saved.join(name), text)?;
        }
    }
    println!("{} queries in .sqlx", after.len());
    Ok(())
}

/// How .sqlx differs from what the database says, one line each; empty if it is fresh.
pub fn differences(fresh: &Path) -> Result<Vec<String>> {
    let saved = read(&repository::root().join(".sqlx"))?;
    let fresh = read(fresh)?;
    let missing = fresh.keys().filter(|name| !saved.contains_key(*name)).map(|name| format!("missing: {name}"));
    let stale = saved.keys().filter(|name| !fresh.contains_key(*name)).map(|name| format!("no longer used: {name}"));
    let changed = fresh
        .iter()
        .filter(|(name, text)| saved.get(*name).is_some_and(|saved| saved != *text))
        .map(|(name, _)| format!("described differently: {name}"));
    Ok(missing.chain(stale).chain(changed).collect())
}

/// A command that lints the workspace's default members (the server's side), checks each query against `database` and describes it in the
/// folder `into`.
pub fn lint_command(tools: &Tools, database: &str, into: &Path) -> Result<Command> {
    if into.exists() {
        fs::remove_dir_all(into)?;
    }
    fs::create_dir_all(into)?;
    let nonce = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut clippy = tools.command("cargo");
    clippy
        .args(["clippy", "--all-targets", "--"])
        // Clippy looks again when its own arguments change, so that every query is expanded, and artifacts of other
        // commands stay valid.
        .args(["--cfg", &format!("queries_described_at=\"{nonce}\"")])
        .env("DATABASE_URL", database)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", into);
    Ok(clippy)
}

fn describe(tools: &Tools, database: &str, into: &Path) -> Result<()> {
    println!("==> Checking the queries against the database");
    process::run(&mut lint_command(tools, database, into)?)
}

/// From the binary as it can be built now, else from the one built last: new queries cannot compile before their
/// descriptions are there, and an older binary's Postgres is as good.
fn start_postgres(tools: &Tools, folder: &Path) -> Result<Postgres> {
    if !site::binary(Profile::Debug).is_file() {
        let mut cargo = tools.command("cargo");
        cargo.args(["build", "--package=server", "--bin=atelier"]);
        process::run(site::offline_queries(&mut cargo)).context(
            "The embedded Postgres comes with the binary `atelier`, which does not compile yet: build it once from a \
             state whose .sqlx is complete (`git stash`, `cargo xtask build`, `git stash pop`)",
        )?;
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Postgres::start(folder, None)
}

/// The folders of migrations in the order in which they are applied. The first is the embedded identity provider's: the
/// product's own come after, because they put a trigger on its table of users.
const MIGRATIONS: &[&str] = &["server/src/auth/local/migrations", "migrations"];

/// The schema in a new database, by psql, so that it does not matter which migrations are compiled into the binary that
/// runs.
pub struct Schema;

impl Schema {
    /// Returns the new database's URL.
    ///
    /// # Errors
    /// When psql is not to be found, or a migration fails.
    pub fn apply(postgres: &Postgres) -> Result<String> {
        let psql = psql()?;
        let name = "queries";
        sql(&psql, &postgres.url, &["--command".into(), format!("create database {name}").into()])?;
        let database = with_database(&postgres.url, name);
        sql(&psql, &database, &["--command".into(), "create schema auth".into()])?;
        for folder in MIGRATIONS {
            for file in migrations(&repository::root().join(folder))? {
                // Said as sqlx has it, of what Postgres refuses inside of a transaction.
                let alone = std::fs::read_to_string(&file)?.starts_with("-- no-transaction");
                let transaction = (!alone).then(|| "--single-transaction".into());
                let arguments: Vec<OsString> = transaction.into_iter().chain(["--file".into(), file.into()]).collect();
                sql(&psql, &database, &arguments)?;
            }
        }
        Ok(database)
    }
}

fn sql(psql: &Path, database: &str, arguments: &[OsString]) -> Result<()> {
    let mut command = process::command(psql);
    command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", database]).args(arguments);
    process::output(&mut command).map(drop)
}

fn migrations(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    Ok(files)
}

/// psql beside the embedded Postgres's other programs, or one that is installed.
fn psql() -> Result<PathBuf> {
    let embedded = fs::read_dir(cache::folder()?.join("postgres")).into_iter().flatten().filter_map(Result::ok);
    embedded
        .map(|entry| entry.path().join("bin/psql"))
        .find(|path| path.is_file())
        .or_else(|| find("psql"))
        .context("psql is missing: type `sudo apt-get install postgresql-client`")
}

/// The URL with another database's name, its parameters kept.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let server_end = address.find("://").map_or(0, |scheme| scheme + 3);
    let path = address[server_end..].find('/').map_or(address.len(), |slash| server_end + slash);
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{}/{name}{parameters}", &address[..path])
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn replaces_the_database_and_keeps_the_rest() {
        assert_eq!(with_database("postgres://u@h:1/postgres", "q"), "postgres://u@h:1/q");
        assert_eq!(with_database("postgres://u@h:1", "q"), "postgres://u@h:1/q");
        assert_eq!(with_database("postgresql://u@/postgres?host=/run", "q"), "postgresql://u@/q?host=/run");
    }
}
