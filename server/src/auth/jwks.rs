//! The provider's published signing keys, cached.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How long fetched keys count as fresh: what GoTrue itself says in `Cache-Control`.
const MAX_AGE: Duration = Duration::from_secs(600);
/// The least time between two fetches, whatever unknown keys tokens may name.
const MIN_INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(4);

/// A key with the only algorithm it may be used for.
pub(super) struct VerifyingKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Why a key was not found.
#[derive(Clone, Debug)]
pub(super) enum KeyError {
    /// The provider does not publish it.
    Unknown,
    /// The provider could not be asked; the cause.
    Unavailable(String),
}

/// A key set: fetched from an address, or given once.
#[derive(Debug)]
pub(super) struct Jwks {
    source: Option<Source>,
    cache: RwLock<Cache>,
    fetching: tokio::sync::Mutex<()>,
    max_age: Duration,
    min_interval: Duration,
}

#[derive(Debug)]
struct Source {
    http: reqwest::Client,
    url: String,
}

#[derive(Debug, Default)]
struct Cache {
    keys: HashMap<String, Arc<VerifyingKey>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    /// What the last try failed of.
    failure: Option<String>,
}

/// What the cache says about one key.
enum Lookup {
    Fresh(Arc<VerifyingKey>),
    /// Still serves, but a fetch is due.
    Stale(Arc<VerifyingKey>),
    Missing,
}

impl Jwks {
    /// Keys that are published at `url`; fetched when first needed.
    pub(super) fn remote(http: reqwest::Client, url: String) -> Self {
        Self::new(Some(Source { http, url }), Cache::default())
    }

    /// Keys that are known already, from the text of a JWKS.
    #[cfg(test)]
    pub(super) fn fixed(jwks: &serde_json::Value) -> Self {
        let keys = jwks.get("keys").and_then(|keys| keys.as_array()).cloned().unwrap_or_default();
        Self::new(None, Cache { keys: usable(keys), ..Cache::default() })
    }

    fn new(source: Option<Source>, cache: Cache) -> Self {
        Self {
            source,
            cache: RwLock::new(cache),
            fetching: tokio::sync::Mutex::new(()),
            max_age: MAX_AGE,
            min_interval: MIN_INTERVAL,
        }
    }

    /// Other times, for tests that cannot wait.
    #[cfg(test)]
    pub(super) fn with_times(mut self, max_age: Duration, min_interval: Duration) -> Self {
        self.max_age = max_age;
        self.min_interval = min_interval;
        self
    }

    /// The key with this id. One that is unknown causes a fetch, at most one in [`MIN_INTERVAL`]; while the provider
    /// does not answer, the keys that are known go on serving.
    pub(super) async fn find(&self, kid: &str) -> Result<Arc<VerifyingKey>, KeyError> {
        match self.look_up(kid) {
            Lookup::Fresh(key) => return Ok(key),
            Lookup::Stale(key) => {
                // Whoever comes while another fetches need not wait: the old key is good enough.
                if let Ok(_turn) = self.fetching.try_lock() {
                    self.fetch_if_due(kid).await;
                } else {
                    return Ok(key);
                }
            }
            Lookup::Missing => {
                let _turn = self.fetching.lock().await;
                self.fetch_if_due(kid).await;
            }
        }
        match self.look_up(kid) {
            Lookup::Fresh(key) | Lookup::Stale(key) => Ok(key),
            Lookup::Missing => Err(self.failure().map_or(KeyError::Unknown, KeyError::Unavailable)),
        }
    }

    /// How many usable keys there are, fetched if that is due.
    pub(super) async fn count(&self) -> Result<usize, String> {
        let fresh = self.read().fetched.is_some_and(|at| at.elapsed() < self.max_age);
        if !fresh && let Some(source) = &self.source {
            let _turn = self.fetching.lock().await;
            self.store(source.fetch().await);
        }
        let cache = self.read();
        match &cache.failure {
            Some(failure) if cache.keys.is_empty() => Err(failure.clone()),
            _ => Ok(cache.keys.len()),
        }
    }

    fn look_up(&self, kid: &str) -> Lookup {
        let cache = self.read();
        let fresh = self.source.is_none() || cache.fetched.is_some_and(|at| at.elapsed() < self.max_age);
        match cache.keys.get(kid) {
            Some(key) if fresh => Lookup::Fresh(key.clone()),
            Some(key) => Lookup::Stale(key.clone()),
            None => Lookup::Missing,
        }
    }

    /// To be called with the turn to fetch.
    async fn fetch_if_due(&self, kid: &str) {
        let Some(source) = &self.source else { return };
        let due = self.read().tried.is_none_or(|at| at.elapsed() >= self.min_interval);
        // Another may have fetched it while this one waited for its turn.
        if due && !matches!(self.look_up(kid), Lookup::Fresh(_)) {
            self.store(source.fetch().await);
        }
    }

    fn store(&self, fetched: Result<HashMap<String, Arc<VerifyingKey>>, String>) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.tried = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                cache.keys = keys;
                cache.fetched = Some(Instant::now());
                cache.failure = None;
            }
            Err(failure) => {
                tracing::warn!(
                    failure,
                    keys = cache.keys.len(),
                    "signing keys not fetched; the known ones go on serving"
                );
                cache.failure = Some(failure);
            }
        }
    }

    fn failure(&self) -> Option<String> {
        self.read().failure.clone()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Cache> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    async fn fetch(&self) -> Result<HashMap<String, Arc<VerifyingKey>>, String> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let response = self.http.get(&self.url).timeout(TIMEOUT).send().await.map_err(|error| error.to_string())?;
        let response = response.error_for_status().map_err(|error| error.to_string())?;
        let document: Document = response.json().await.map_err(|error| error.to_string())?;
        Ok(usable(document.keys))
    }
}

/// The keys that can verify; one that cannot be read must not cost the others.
fn usable(keys: Vec<serde_json::Value>) -> HashMap<String, Arc<VerifyingKey>> {
    keys.into_iter()
        .filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let kid = jwk.common.key_id.clone()?;
            Some((kid, Arc::new(verifying_key(&jwk)?)))
        })
        .collect()
}

/// The key with the one algorithm its type allows. Symmetric keys are never taken from a published set.
fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|stated| stated != named) {
        return None;
    }
    Some(VerifyingKey { algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

#[cfg(test)]
mod tests;
