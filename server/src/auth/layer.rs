//! The session of each request.

use super::{
    AuthUser, ClientAddress, Identity, RequestAccounts, api_key,
    cookie::{ReceivedTokens, SessionTokens},
    origin,
    refresh::Refreshed,
    token::{Claims, TokenError},
};
use crate::http::public;
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use domain::Error;
use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// A token with less time left than this is refreshed, so that it does not end while a page uses it.
const REFRESH_MARGIN_SECONDS: u64 = 90;

/// Why a request with good-looking credentials has no [`AuthUser`]: something does not answer, or an API key may not do
/// what it asks. Left in the request's extensions for the extractor (and the pages) to report, so that nobody is told to
/// sign in again for it.
#[derive(Clone, Debug)]
pub struct Unsettled(pub Error);

/// The session cookies of one request: what came, and what its response shall set.
#[derive(Clone, Debug)]
pub(super) struct SessionJar(Arc<Mutex<JarState>>);

#[derive(Debug)]
struct JarState {
    received: ReceivedTokens,
    change: Option<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Set(SessionTokens),
    Clear,
}

impl SessionJar {
    fn new(received: ReceivedTokens) -> Self {
        Self(Arc::new(Mutex::new(JarState { received, change: None })))
    }

    pub(super) fn set(&self, tokens: SessionTokens) {
        self.lock().change = Some(Change::Set(tokens));
    }

    pub(super) fn clear(&self) {
        self.lock().change = Some(Change::Clear);
    }

    /// The tokens as they are now: those that came, unless this request has changed them.
    pub(super) fn current(&self) -> (Option<String>, Option<String>) {
        let state = self.lock();
        match &state.change {
            Some(Change::Set(tokens)) => (Some(tokens.access.clone()), Some(tokens.refresh.clone())),
            Some(Change::Clear) => (None, None),
            None => (state.received.access.clone(), state.received.refresh.clone()),
        }
    }

    fn write(&self, identity: &Identity, headers: &mut HeaderMap) {
        let state = self.lock();
        let cookies = match &state.change {
            None => return,
            Some(Change::Set(tokens)) => identity.cookies().set(tokens, &state.received),
            Some(Change::Clear) => identity.cookies().clear(&state.received),
        };
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        // No cache may hand one person's session to another.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JarState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Middleware for `axum::middleware::from_fn_with_state(state.identity.clone(), session_layer)`, around every route.
///
/// It verifies the request's token, from `Authorization: Bearer` or from the cookies, refreshes the cookies' one when it
/// is about to end, and leaves in the request's extensions a [`RequestAccounts`], and an [`AuthUser`] if someone is
/// signed in. Requests of another site that change something get 403.
pub async fn session_layer(State(identity): State<Identity>, mut request: Request, next: Next) -> Response {
    if is_without_session(request.uri().path()) {
        return next.run(request).await;
    }
    let received = identity.cookies().read(request.headers());
    let bearer = bearer(request.headers());
    if bearer.is_none() && !origin::is_allowed(request.method(), request.headers(), identity.site(), received.any()) {
        return origin::refusal();
    }
    let address = address(request.extensions());
    let jar = SessionJar::new(received.clone());
    let accounts = RequestAccounts::new(identity.clone(), jar.clone(), bearer.clone(), address);
    request.extensions_mut().insert(accounts);

    let person = match bearer {
        // Whoever sends a token is judged by it alone: falling back to a cookie would let another site's page leave out
        // the check of its origin by sending nonsense.
        Some(token) => by_bearer(&identity, &token, request.method(), request.uri().path()).await,
        None => by_cookies(&identity, &received, &jar, address).await,
    };
    match person {
        Ok(Some(user)) => {
            request.extensions_mut().insert::<AuthUser>(user);
        }
        Ok(None) => {}
        Err(error) => {
            request.extensions_mut().insert(Unsettled(error));
        }
    }
    let mut response = next.run(request).await;
    jar.write(&identity, response.headers_mut());
    response
}

/// The embedded provider judges tokens itself; files and signs of life are the same for everybody.
fn is_without_session(path: &str) -> bool {
    public::is_for_everybody(path) || public::is_identity_provider(path)
}

async fn by_bearer(identity: &Identity, token: &str, method: &Method, path: &str) -> Result<Option<AuthUser>, Error> {
    if api_key::is_key(token) {
        return api_key::owner(identity, token, method, path).await;
    }
    match identity.verify(token).await {
        Ok(claims) => Ok(Some(identity.person(&claims).await?)),
        Err(error) => outcome_of(&error),
    }
}

async fn by_cookies(
    identity: &Identity,
    received: &ReceivedTokens,
    jar: &SessionJar,
    address: Option<IpAddr>,
) -> Result<Option<AuthUser>, Error> {
    let verified = match &received.access {
        Some(token) => Some(identity.verify(token).await),
        None => None,
    };
    if let Some(Ok(claims)) = &verified
        && (!is_ending(claims) || received.refresh.is_none())
    {
        return Ok(Some(identity.person(claims).await?));
    }
    if let Some(Err(error @ TokenError::KeysUnavailable(_))) = &verified {
        return outcome_of(error);
    }
    let Some(refresh_token) = &received.refresh else {
        // An access token that no longer counts, and nothing to renew it with.
        if received.any() {
            jar.clear();
        }
        return Ok(None);
    };
    match identity.refresher().refresh(identity.client(), refresh_token, address).await {
        Refreshed::Tokens(tokens) => match identity.accept(&tokens).await {
            Ok(user) => {
                jar.set(tokens);
                Ok(Some(user))
            }
            Err(fault) => Err(fault.into()),
        },
        Refreshed::Ended => {
            jar.clear();
            Ok(None)
        }
        // The old token may still have a minute.
        Refreshed::Unavailable => match verified {
            Some(Ok(claims)) => Ok(Some(identity.person(&claims).await?)),
            _ => Err(Error::unavailable(
                "The sign-in service does not answer right now. You are still signed in; try again in a moment.",
            )),
        },
    }
}

fn outcome_of(error: &TokenError) -> Result<Option<AuthUser>, Error> {
    match error {
        TokenError::KeysUnavailable(cause) => {
            tracing::error!(cause, "tokens cannot be verified");
            Err(Error::unavailable("The sign-in service does not answer right now. Try again in a moment."))
        }
        TokenError::Expired | TokenError::Invalid(_) => {
            tracing::debug!(%error, "a token was refused");
            Ok(None)
        }
    }
}

fn is_ending(claims: &Claims) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    claims.exp < now + REFRESH_MARGIN_SECONDS
}

/// The token of `Authorization: Bearer`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The address of whoever sent the request.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let known = extensions.get::<ClientAddress>().map(|address| address.0);
    known
        .or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
