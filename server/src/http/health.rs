//! `/readyz`: everything that the process depends on answers, each part with its state and latency. `/healthz`: it was
//! ready once, and the process answers; whoever restarts what is ill asks this, because no restart mends a database that
//! is away, and a new version that was never ready replaces none.

use crate::{AppState, auth::Identity, db::Db, rag, storage::ObjectStore};
use axum::{
    Extension, Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer serves: whoever asks often shall not burden what is asked about.
const FRESH: Duration = Duration::from_secs(1);
/// How long [`ask`] waits: longer than the parts may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// Older ones lack the iterative scans that filtered search relies on, or have known faults.
pub const OLDEST_PGVECTOR: (u32, u32, u32) = (0, 8, 0);

/// Cancelled when the server begins to stop: it takes no new work, so it is not ready. `serve` puts it into each
/// request's extensions.
#[derive(Clone, Debug, Default)]
pub struct Stopping(pub CancellationToken);

/// How one part is.
#[derive(Clone, Debug, Serialize)]
pub struct PartHealth {
    pub state: PartState,
    pub latency_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is wrong and how to mend it; for the log and the terminal, not for whoever asks over the network.
    #[serde(skip)]
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    Ok,
    Failed,
}

/// How everything is.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    pub status: &'static str,
    pub parts: BTreeMap<&'static str, PartHealth>,
}

impl Health {
    fn of(parts: BTreeMap<&'static str, PartHealth>) -> Self {
        let ready = parts.values().all(|part| part.state == PartState::Ok);
        Self { status: if ready { "ready" } else { "not ready" }, parts }
    }

    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// What was found last, and whether everything was well at any time.
#[derive(Clone, Debug, Default)]
struct Remembered {
    latest: Arc<Mutex<Option<(Instant, Health)>>>,
    was_ready: Arc<AtomicBool>,
}

impl Remembered {
    async fn health(&self, state: &AppState) -> Health {
        // Held while asking, so that many who ask at once cause one round.
        let mut latest = self.latest.lock().await;
        if let Some((at, health)) = &*latest
            && at.elapsed() < FRESH
        {
            return health.clone();
        }
        let health = Health::of(examine(&state.db, &state.store, &state.identity).await);
        for (name, part) in &health.parts {
            if let Some(problem) = &part.problem {
                tracing::warn!(part = name, problem, "not ready");
            }
        }
        if health.is_ready() {
            self.was_ready.store(true, Ordering::Relaxed);
        }
        latest.insert((Instant::now(), health)).1.clone()
    }
}

pub fn router() -> Router<AppState> {
    let remembered = Extension(Remembered::default());
    Router::new().route("/healthz", get(alive).layer(remembered.clone())).route("/readyz", get(ready).layer(remembered))
}

async fn alive(State(state): State<AppState>, Extension(remembered): Extension<Remembered>) -> Response {
    if !remembered.was_ready.load(Ordering::Relaxed) {
        let health = remembered.health(&state).await;
        if !health.is_ready() {
            return answer(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "starting", ..health });
        }
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "status": "alive" }))).into_response()
}

/// Asks the server that listens on `addr` for `/healthz`; for `atelier healthcheck`. What it says, if it is well.
///
/// # Errors
/// What it says instead, or why it says nothing.
pub async fn ask(addr: SocketAddr) -> Result<String, String> {
    let host = if addr.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, addr.port()).into() } else { addr };
    let url = format!("http://{host}/healthz");
    let no_answer = |error: reqwest::Error| format!("No answer from {url}: {error}");
    let client = reqwest::Client::builder().timeout(ASK_LIMIT).no_proxy().build().map_err(no_answer)?;
    let answer = client.get(&url).send().await.map_err(no_answer)?;
    let is_well = answer.status().is_success();
    let said = answer.text().await.map_err(no_answer)?;
    if is_well { Ok(said) } else { Err(said) }
}

async fn ready(
    State(state): State<AppState>,
    Extension(remembered): Extension<Remembered>,
    stopping: Option<Extension<Stopping>>,
) -> Response {
    if stopping.is_some_and(|Extension(stopping)| stopping.0.is_cancelled()) {
        return answer(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "stopping", parts: BTreeMap::new() });
    }
    let health = remembered.health(&state).await;
    answer(if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &health)
}

fn answer(status: StatusCode, health: &Health) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(health)).into_response()
}

/// Asks every part at the same time.
pub async fn examine(db: &Db, store: &ObjectStore, identity: &Identity) -> BTreeMap<&'static str, PartHealth> {
    let (postgres, pgvector, migrations, index, objects, provider) = tokio::join!(
        part(postgres(db)),
        part(pgvector(db)),
        part(migrations(db)),
        part(search_index(db)),
        part(async { store.check().await.map(|()| None).map_err(|fault| fault.to_string()) }),
        part(async { identity.check().await.map(|health| Some(health.version)) }),
    );
    BTreeMap::from([
        ("postgres", postgres),
        ("pgvector", pgvector),
        ("migrations", migrations),
        ("search_index", index),
        ("object_store", objects),
        ("identity", provider),
    ])
}

async fn part(check: impl Future<Output = Result<Option<String>, String>>) -> PartHealth {
    let begun = Instant::now();
    let found = tokio::time::timeout(PATIENCE, check).await;
    let found = found.unwrap_or_else(|_| Err(format!("no answer within {} seconds", PATIENCE.as_secs())));
    let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match found {
        Ok(version) => PartHealth { state: PartState::Ok, latency_ms, version, problem: None },
        Err(problem) => PartHealth { state: PartState::Failed, latency_ms, version: None, problem: Some(problem) },
    }
}

async fn postgres(db: &Db) -> Result<Option<String>, String> {
    let mut system = db.system().await.map_err(|fault| fault.to_string())?;
    let version = sqlx::query_scalar!("select current_setting('server_version')").fetch_one(system.conn()).await;
    version.map_err(|error| error.to_string())
}

async fn pgvector(db: &Db) -> Result<Option<String>, String> {
    let mut system = db.system().await.map_err(|fault| fault.to_string())?;
    let version = sqlx::query_scalar!("select extversion from pg_extension where extname = 'vector'");
    let version = version.fetch_optional(system.conn()).await.map_err(|error| error.to_string())?;
    let version = version.ok_or("the extension is not installed: type `create extension vector` in the database")?;
    let (major, minor, patch) = OLDEST_PGVECTOR;
    if parse_version(&version) < OLDEST_PGVECTOR {
        return Err(format!("pgvector {version} is too old: update it to {major}.{minor}.{patch} or newer"));
    }
    Ok(Some(version))
}

async fn migrations(db: &Db) -> Result<Option<String>, String> {
    let mut system = db.system().await.map_err(|fault| fault.to_string())?;
    let applied = system.applied_migration().await.map_err(|fault| fault.to_string())?;
    let newest = Db::newest_migration();
    // A newer release may have migrated already: each migration is safe for the release before it.
    if applied < newest {
        let applied = applied.map_or_else(|| "none".to_owned(), |version| version.to_string());
        let newest = newest.unwrap_or_default();
        return Err(format!("the newest migration is {newest}, applied is {applied}: type `atelier migrate`"));
    }
    Ok(applied.map(|version| version.to_string()))
}

/// Its `version` is the model, and how far the next one is while it is being built; searches go on meanwhile.
async fn search_index(db: &Db) -> Result<Option<String>, String> {
    rag::index::describe(db).await.map_err(|fault| fault.to_string())
}

fn parse_version(version: &str) -> (u32, u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(parse_version("0.8.5") > parse_version("0.8.0"));
        assert!(parse_version("0.10.0") > parse_version("0.9.9"));
        assert!(parse_version("0.7.4") < OLDEST_PGVECTOR);
        assert_eq!(parse_version("0.8"), (0, 8, 0));
    }

    #[tokio::test]
    async fn a_part_that_does_not_answer_fails_in_time() {
        let begun = tokio::time::Instant::now();
        let found = part(std::future::pending()).await;
        assert_eq!(found.state, PartState::Failed);
        assert!(begun.elapsed() <= PATIENCE + Duration::from_secs(1));
    }

    #[test]
    fn what_is_wrong_is_not_told_over_the_network() {
        let failed = PartHealth {
            state: PartState::Failed,
            latency_ms: 3,
            version: None,
            problem: Some("at 10.0.0.3".to_owned()),
        };
        let health = Health::of(BTreeMap::from([("postgres", failed)]));
        assert!(!health.is_ready());
        let json = serde_json::json!({ "status": "not ready", "parts": { "postgres": { "state": "failed", "latency_ms": 3 } } });
        assert!(serde_json::to_value(&health).is_ok_and(|value| value == json));
    }
}
