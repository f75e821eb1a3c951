//! The session of each request.

use super::{
    AuthUser, ClientAddress, Identity, RequestAccounts, api_key,
    cookie::ReceivedTokens,
    jar::SessionJar,
    origin,
    people::Presence,
    refresh::Refreshed,
    token::{Claims, TokenError},
};
use crate::{
    AppState,
    http::{access::SeenUser, public},
};
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use domain::Error;
use http::{Extensions, HeaderMap, Method, header};
use std::{
    net::{IpAddr, SocketAddr},
    time::{SystemTime, UNIX_EPOCH},
};

/// A token with less time left than this is refreshed, so that it does not end while a page uses it.
const REFRESH_MARGIN_SECONDS: u64 = 90;

/// Why a request with good-looking credentials has no [`AuthUser`]: something does not answer, or an API key may not do
/// what it asks. Left in the request's extensions for the extractor (and the pages) to report, so that nobody is told to
/// sign in again for it.
#[derive(Clone, Debug)]
pub struct Unsettled(pub Error);

/// Left in the request's extensions instead of an [`AuthUser`] when the person has a second factor and has not given a
/// code of it in this session: nobody is signed in until then.
#[derive(Clone, Copy, Debug)]
pub struct NeedsSecondFactor;

/// Who is behind a request's credentials.
#[derive(Debug)]
enum Caller {
    Person(AuthUser),
    NeedsSecondFactor,
    Nobody,
}

/// Middleware for `axum::middleware::from_fn_with_state(state, session_layer)`, around every route.
///
/// It verifies the request's token, from `Authorization: Bearer` or from the cookies, refreshes the cookies' one when it
/// is about to end, and leaves in the request's extensions a [`RequestAccounts`], and an [`AuthUser`] if someone is
/// signed in. Requests of another site that change something get 403.
pub async fn session_layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if is_without_session(request.uri().path()) {
        return next.run(request).await;
    }
    let identity = &state.identity;
    let received = identity.cookies().read(request.headers());
    let bearer = bearer(request.headers());
    if bearer.is_none() && !origin::is_allowed(request.method(), request.headers(), identity.site(), received.any()) {
        return origin::refusal();
    }
    let address = address(request.extensions());
    let jar = SessionJar::new(received.clone(), identity.cookies().read_flows(request.headers(), now()));
    let accounts = RequestAccounts::new(state.clone(), jar.clone(), bearer.clone(), address);
    request.extensions_mut().insert(accounts);

    let caller = match bearer {
        // Whoever sends a token is judged by it alone: falling back to a cookie would let another site's page leave out
        // the check of its origin by sending nonsense.
        Some(token) => by_bearer(identity, &token, request.method(), request.uri().path()).await,
        None => by_cookies(identity, &received, &jar, address).await,
    };
    match caller {
        Ok(Caller::Person(user)) => {
            if let Some(seen) = request.extensions().get::<SeenUser>() {
                seen.set(user.id());
            }
            request.extensions_mut().insert::<AuthUser>(user);
        }
        Ok(Caller::NeedsSecondFactor) => {
            request.extensions_mut().insert(NeedsSecondFactor);
        }
        Ok(Caller::Nobody) => {}
        Err(error) => {
            request.extensions_mut().insert(Unsettled(error));
        }
    }
    let mut response = next.run(request).await;
    jar.write(identity, response.headers_mut());
    response
}

/// The embedded provider judges tokens itself; files and signs of life are the same for everybody.
fn is_without_session(path: &str) -> bool {
    public::is_for_everybody(path) || public::is_identity_provider(path)
}

async fn by_bearer(identity: &Identity, token: &str, method: &Method, path: &str) -> Result<Caller, Error> {
    if api_key::is_key(token) {
        let owner = api_key::owner(identity, token, method, path).await?;
        return Ok(owner.map_or(Caller::Nobody, Caller::Person));
    }
    match identity.verify(token).await {
        Ok(claims) => Ok(identity.presence(&claims, token).await?.into()),
        Err(error) => outcome_of(&error),
    }
}

async fn by_cookies(
    identity: &Identity,
    received: &ReceivedTokens,
    jar: &SessionJar,
    address: Option<IpAddr>,
) -> Result<Caller, Error> {
    let verified = match &received.access {
        Some(token) => Some((identity.verify(token).await, token.as_str())),
        None => None,
    };
    if let Some((Ok(claims), token)) = &verified
        && (!is_ending(claims) || received.refresh.is_none())
    {
        return settled(identity.presence(claims, token).await?, jar);
    }
    if let Some((Err(error @ TokenError::KeysUnavailable(_)), _)) = &verified {
        return outcome_of(error);
    }
    let Some(refresh_token) = &received.refresh else {
        // An access token that no longer counts, and nothing to renew it with.
        if received.any() {
            jar.clear();
        }
        return Ok(Caller::Nobody);
    };
    match identity.refresher().refresh(identity.client(), refresh_token, address).await {
        Refreshed::Tokens(tokens) => {
            let presence = identity.accept(&tokens).await?;
            jar.set(tokens);
            settled(presence, jar)
        }
        Refreshed::Ended => {
            jar.clear();
            Ok(Caller::Nobody)
        }
        // The old token may still have a minute.
        Refreshed::Unavailable => match verified {
            Some((Ok(claims), token)) => settled(identity.presence(&claims, token).await?, jar),
            _ => Err(Error::unavailable(
                "The sign-in service does not answer right now. You are still signed in; try again in a moment.",
            )),
        },
    }
}

/// A session that is over leaves no cookies.
fn settled(presence: Presence, jar: &SessionJar) -> Result<Caller, Error> {
    if matches!(presence, Presence::Ended) {
        jar.clear();
    }
    Ok(presence.into())
}

impl From<Presence> for Caller {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Person(user) => Self::Person(user),
            Presence::NeedsSecondFactor => Self::NeedsSecondFactor,
            Presence::Ended => Self::Nobody,
        }
    }
}

fn outcome_of(error: &TokenError) -> Result<Caller, Error> {
    match error {
        TokenError::KeysUnavailable(cause) => {
            tracing::error!(cause, "tokens cannot be verified");
            Err(Error::unavailable("The sign-in service does not answer right now. Try again in a moment."))
        }
        TokenError::Expired | TokenError::Invalid(_) => {
            tracing::debug!(%error, "a token was refused");
            Ok(Caller::Nobody)
        }
    }
}

fn is_ending(claims: &Claims) -> bool {
    claims.exp < now() + REFRESH_MARGIN_SECONDS
}

/// Unix time, seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
