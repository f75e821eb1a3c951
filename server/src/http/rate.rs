//! How often one address, and one account, may ask: so that one client cannot starve the others, and nobody tries
//! passwords and codes by the thousand. In memory: several servers allow as many times as much.
//!
//! Supabase and the embedded provider have limits of their own. These hold for both, and before either is asked.

use super::{error::HttpError, public, transport::Caller};
use crate::{
    AppState,
    auth::{Identity, client_address},
    config::{Config, Environment},
    rate_limit::{RateLimit, network, refusal},
};
use app::{
    auth::api::{
        AcceptTokens, AnswerSecondFactor, ConfirmLink, FinishCode, ResendConfirmation, SendRecovery, SendSignInLink,
        SignIn, SignUp, StartOauth, VerifyCode,
    },
    members::api::{AcceptInvitation, GetInvitation},
    shares::api::OpenShare,
};
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::Error;
use ipnet::IpNet;
use leptos::server_fn::ServerFn;
use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use url::form_urlencoded;

/// What proves who one is or has a mail sent: what is worth trying often. A test holds it against the public functions.
pub(super) const TRIES: &[&str] = &[
    SignIn::PATH,
    SignUp::PATH,
    SendSignInLink::PATH,
    ResendConfirmation::PATH,
    SendRecovery::PATH,
    VerifyCode::PATH,
    ConfirmLink::PATH,
    StartOauth::PATH,
    FinishCode::PATH,
    AcceptTokens::PATH,
    AnswerSecondFactor::PATH,
    GetInvitation::PATH,
    AcceptInvitation::PATH,
    "/api/v1/invitations/accept",
];

/// Openings of shares by one address: somebody who reads, not somebody who copies, or tries tokens.
const SHARED_PER_MINUTE: u32 = 120;
/// Half a minute's worth at once: a page, its file, and the pages of somebody who turns them fast.
const SHARED_PERIOD: Duration = Duration::from_secs(30);

/// Tries for one account, from wherever they come: GoTrue's figure for codes, 30 in five minutes.
const ACCOUNT_TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
const ACCOUNT_PERIOD: Duration = Duration::from_secs(300);
/// A page with its files and calls is 20 requests: this much of a minute's worth may come at once.
const REQUESTS_PERIOD: Duration = Duration::from_secs(12);
/// An office behind one address in the morning: this much worth of tries at once.
const TRIES_PERIOD: Duration = Duration::from_secs(180);
/// A form of [`TRIES`] has an address, a password, a token and a path.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// The counts of this process.
pub(super) struct Rates {
    requests: RateLimit<IpAddr>,
    tries: RateLimit<IpAddr>,
    shared: RateLimit<IpAddr>,
    /// By a hash, so that no key is longer than another.
    accounts: RateLimit<u64>,
    hasher: RandomState,
    /// In development everybody comes from this machine: the browser, its tests, and whoever measures.
    spare_loopback: bool,
    told_of_proxy: AtomicBool,
}

impl Rates {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            requests: RateLimit::new(in_period(limits.requests_per_minute, REQUESTS_PERIOD), REQUESTS_PERIOD),
            tries: RateLimit::new(in_period(limits.sign_ins_per_minute, TRIES_PERIOD), TRIES_PERIOD),
            shared: RateLimit::new(in_period(SHARED_PER_MINUTE, SHARED_PERIOD), SHARED_PERIOD),
            accounts: RateLimit::new(ACCOUNT_TRIES, ACCOUNT_PERIOD),
            hasher: RandomState::new(),
            spare_loopback: config.environment == Environment::Development,
            told_of_proxy: AtomicBool::new(false),
        }
    }

    fn count_address(&self, address: IpAddr, kind: Kind) -> Result<(), Error> {
        if self.spare_loopback && address.is_loopback() {
            return Ok(());
        }
        let network = network(address);
        self.requests.count(&network).map_err(refusal)?;
        match kind {
            Kind::Try => self.tries.count(&network).map_err(refusal),
            Kind::Shared => self.shared.count(&network).map_err(refusal),
            Kind::Other => Ok(()),
        }
    }

    fn count_account(&self, account: impl Hash) -> Result<(), Error> {
        self.accounts.count(&self.hasher.hash_one(account)).map_err(refusal)
    }

    /// Behind a proxy that is not trusted all visitors share one count: the operator is told, once.
    fn tell_of_proxy(&self, request: &Request, trusted: &[IpNet]) {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else { return };
        let peer = peer.ip().to_canonical();
        let is_near = match peer {
            IpAddr::V4(address) => address.is_private() || address.is_loopback(),
            IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
        };
        if is_near
            && request.headers().contains_key("x-forwarded-for")
            && !trusted.iter().any(|network| network.contains(&peer))
            && !self.told_of_proxy.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                proxy = %peer,
                "requests come through a proxy that is not in ATELIER_TRUSTED_PROXIES: all its visitors share one rate limit"
            );
        }
    }
}

/// What a request counts as, besides as a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Try,
    Shared,
    Other,
}

impl Kind {
    fn of(method: &Method, path: &str) -> Self {
        if method == Method::POST && TRIES.contains(&path) {
            Self::Try
        } else if public::is_shared(path) || path == OpenShare::PATH {
            Self::Shared
        } else {
            Self::Other
        }
    }
}

/// How many come in a period at so many a minute; one at least.
fn in_period(per_minute: u32, period: Duration) -> NonZeroU32 {
    let count = u64::from(per_minute) * period.as_secs() / 60;
    NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
}

/// Counts every request but those for files; an event stream counts once, however long it lasts.
pub(super) async fn count(
    State((state, rates)): State<(AppState, Arc<Rates>)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if public::is_for_everybody(path) {
        return next.run(request).await;
    }
    rates.tell_of_proxy(&request, &state.config.site.trusted_proxies);
    let kind = Kind::of(request.method(), path);
    // Nobody is without an address but in tests of parts; they share one.
    let address = client_address(request.extensions()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if let Err(error) = rates.count_address(address, kind) {
        return refuse(&state, &Caller::of(&request), error);
    }
    if kind != Kind::Try {
        return next.run(request).await;
    }
    let caller = Caller::of(&request);
    match account(&state.identity, request).await {
        Ok((request, Some(account))) => match rates.count_account(account) {
            Ok(()) => next.run(request).await,
            Err(error) => refuse(&state, &caller, error),
        },
        Ok((request, None)) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn refuse(state: &AppState, caller: &Caller, error: Error) -> Response {
    tracing::info!(%error, "a client asks too often");
    caller.refuse(&state.site, error)
}

/// Whose account a try is about: that of the address in the form, or that of the session which waits for a second
/// factor. The request comes back whole.
async fn account(identity: &Identity, request: Request) -> Result<(Request, Option<String>), HttpError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_FORM_BYTES)
        .await
        .map_err(|_| HttpError::request(StatusCode::PAYLOAD_TOO_LARGE, "Send a smaller form."))?;
    let email = form_urlencoded::parse(&body).find(|(name, _)| name == "email");
    let account = email
        .map(|(_, email)| email.trim().to_lowercase())
        .filter(|email| !email.is_empty())
        .or_else(|| identity.presented_session(&parts.headers));
    Ok((Request::from_parts(parts, Body::from(body)), account))
}

#[cfg(test)]
mod tests;
