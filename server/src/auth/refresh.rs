//! One refresh at a time per session: a page's many requests arrive together with the same expired token, and a refresh
//! token may be used once.

use super::{
    client::{Client, ClientError},
    cookie::SessionTokens,
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long an outcome serves requests that were sent with the old token before the browser had the new one.
const KEPT: Duration = Duration::from_secs(30);

/// How a refresh ended.
#[derive(Clone, Debug)]
pub(super) enum Refreshed {
    Tokens(SessionTokens),
    /// The provider says that the session is over.
    Ended,
    /// The provider could not be asked; the session may still be good.
    Unavailable,
}

type Key = [u8; 32];

/// One refresh, running or done.
#[derive(Debug)]
struct Flight {
    started: Instant,
    outcome: tokio::sync::OnceCell<Refreshed>,
}

/// The refreshes of this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Refresher {
    flights: Arc<Mutex<HashMap<Key, Arc<Flight>>>>,
}

impl Refresher {
    /// The session's new tokens; requests with the same refresh token share one call to the provider.
    pub(super) async fn refresh(&self, client: &Arc<Client>, refresh_token: &str, from: Option<IpAddr>) -> Refreshed {
        let key = key(refresh_token);
        let flight = self.flight(key);
        let (client, token, flights) = (Arc::clone(client), refresh_token.to_owned(), self.clone());
        // In a task of its own: a visitor who goes away in the middle must not lose the tokens for the others.
        let landed = tokio::spawn(async move {
            let outcome = flight.outcome.get_or_init(|| call(&client, &token, from)).await.clone();
            if matches!(outcome, Refreshed::Unavailable) {
                flights.forget(key, &flight);
            }
            outcome
        });
        landed.await.unwrap_or(Refreshed::Unavailable)
    }

    /// After signing out: whoever still comes with the old token does not get the session back.
    pub(super) fn end(&self, refresh_token: &str) {
        let over = |flight: &Flight| matches!(flight.outcome.get(), Some(Refreshed::Tokens(tokens)) if tokens.refresh == refresh_token);
        for flight in self.lock().values_mut().filter(|flight| over(flight)) {
            *flight = Arc::new(Flight {
                started: Instant::now(),
                outcome: tokio::sync::OnceCell::new_with(Some(Refreshed::Ended)),
            });
        }
    }

    fn flight(&self, key: Key) -> Arc<Flight> {
        let mut flights = self.lock();
        flights.retain(|_, flight| !flight.outcome.initialized() || flight.started.elapsed() < KEPT);
        let fresh = || Arc::new(Flight { started: Instant::now(), outcome: tokio::sync::OnceCell::new() });
        Arc::clone(flights.entry(key).or_insert_with(fresh))
    }

    /// So that the next request asks again.
    fn forget(&self, key: Key, flight: &Arc<Flight>) {
        let mut flights = self.lock();
        if flights.get(&key).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            flights.remove(&key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call(client: &Client, refresh_token: &str, from: Option<IpAddr>) -> Refreshed {
    match client.refresh(refresh_token, from).await {
        Ok(tokens) => Refreshed::Tokens(tokens),
        Err(error) if error.ends_session() => {
            if let ClientError::Refused(refusal) = &error {
                tracing::info!(status = refusal.status, code = refusal.code, "the session is over");
            }
            Refreshed::Ended
        }
        Err(error) => {
            tracing::warn!(%error, "a session could not be refreshed");
            Refreshed::Unavailable
        }
    }
}

/// Keys of the map are hashes, so that a memory dump of it shows no tokens that are still good.
fn key(refresh_token: &str) -> Key {
    Sha256::digest(refresh_token.as_bytes()).into()
}
