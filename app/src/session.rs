//! Who asks: the session and the identity provider of this request, which the server puts into the Leptos context.

use crate::{error::ApiError, redirect};
use domain::{Error, Session, accounts::Accounts};
use leptos::prelude::use_context;
use std::sync::Arc;

/// Why it is not known who asks, though the browser sent a session: the identity provider does not answer.
#[derive(Clone, Debug)]
pub struct Unsettled(pub Error);

/// Left where a session would be: the person still has to give a code of their second factor.
#[derive(Clone, Copy, Debug)]
pub struct NeedsSecondFactor;

/// The ports, for the person who is signed in. Without a login the browser is sent to the login page, or to the one that
/// asks for the second factor.
///
/// # Errors
/// `Unauthenticated` without a login; `Unavailable` while that cannot be told, because whoever may still be signed in
/// is not asked to do so again.
pub fn session() -> Result<Arc<dyn Session>, ApiError> {
    if let Some(Unsettled(error)) = use_context::<Unsettled>() {
        return Err(error.into());
    }
    use_context::<Arc<dyn Session>>().ok_or_else(|| {
        if use_context::<NeedsSecondFactor>().is_some() {
            redirect::to_second_factor();
        } else {
            redirect::to_login();
        }
        Error::Unauthenticated.into()
    })
}

/// Whether somebody is signed in, for pages that are open to all.
pub fn is_signed_in() -> bool {
    use_context::<Arc<dyn Session>>().is_some()
}

/// The address of whoever is signed in, for pages that are open to all.
pub fn signed_in_as() -> Option<String> {
    use_context::<Arc<dyn Session>>().map(|session| session.user().email.clone())
}

/// The identity provider, for pages that are open to all.
///
/// # Errors
/// `Unavailable` when the server gave none.
pub fn accounts() -> Result<Arc<dyn Accounts>, ApiError> {
    use_context::<Arc<dyn Accounts>>()
        .ok_or_else(|| Error::unavailable("Signing in is not set up on this server.").into())
}
