//! Where Postgres is.

use super::reader::Reader;
use crate::embedded::postgres::Major;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;

/// How many connections the pool has to a database elsewhere, unless it is told.
const CONNECTIONS: u32 = 15;

/// To the embedded one, which shares the machine's cores: with fifteen its processes took them from one another, and a project's
/// page was served a fifth less often, with a p99 half as long again (docs/benchmarks.md).
const CONNECTIONS_HERE: u32 = 8;

#[derive(Clone, Debug)]
pub struct Database {
    /// Without one, the embedded Postgres.
    pub url: Option<SecretString>,
    pub max_connections: u32,
    /// A folder with `initdb` and `postgres` to use for the embedded Postgres instead of the fetched one.
    pub postgres_bin: Option<PathBuf>,
    pub postgres_major: Major,
}

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let postgres_bin = reader.text("ATELIER_POSTGRES_BIN").map(PathBuf::from);
        let postgres_major = match reader.text("ATELIER_POSTGRES_MAJOR").as_deref() {
            None | Some("18") => Major::V18,
            Some("16") => Major::V16,
            Some(_) => {
                reader.mistake("ATELIER_POSTGRES_MAJOR", "use 18 or 16");
                return None;
            }
        };
        let url = reader.secret("DATABASE_URL");
        let usual = if url.is_some() { CONNECTIONS } else { CONNECTIONS_HERE };
        let max_connections =
            reader.number("DATABASE_MAX_CONNECTIONS", usual.into(), 3..=500).try_into().unwrap_or(usual);
        match &url {
            None if reader.production() => {
                reader.missing("DATABASE_URL", "required in production");
                return None;
            }
            None => {}
            Some(url) => {
                if let Err(fix) = check(url.expose_secret()) {
                    reader.mistake("DATABASE_URL", fix);
                    return None;
                }
            }
        }
        Some(Self { url, max_connections, postgres_bin, postgres_major })
    }
}

/// Options for a pool from a URL that [`Database::read`] has let through.
///
/// # Errors
/// When sqlx does not understand one of the URL's parameters.
pub fn connect_options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(url.expose_secret().parse::<PgConnectOptions>()?.application_name("atelier"))
}

fn check(text: &str) -> Result<(), &'static str> {
    let url = url::Url::parse(text)
        .map_err(|_| "use a URL such as postgres://user:password@host:5432/database, with special characters of the password percent-encoded")?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err("use a URL that begins with postgres://");
    }
    // Supabase's transaction pooler: LISTEN and prepared statements do not outlive a transaction there.
    if url.port() == Some(6543) {
        return Err(
            "port 6543 is Supabase's transaction pooler, which has no LISTEN and no prepared statements; use the \
                    `Session pooler` or `Direct connection` string of the dashboard's Connect dialog (port 5432)",
        );
    }
    Ok(())
}
