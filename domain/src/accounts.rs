//! Signing up, in and out. Tokens never appear here: the server keeps them in HttpOnly cookies.

use crate::{Error, UserId, text::Email};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    pub email: String,
    /// What others see; the part of the address before the `@` until the person sets one.
    pub display_name: String,
}

/// An address and a password. `Debug` leaves the password out.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    pub email: Email,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What follows from a sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedUp {
    /// The session's cookies are set.
    SignedIn,
    /// A confirmation mail is under way (or, so that nobody can probe for addresses, seems to be).
    ConfirmEmail,
}

/// What the identity provider allows, for the login and register pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOptions {
    pub sign_up_open: bool,
    /// OAuth providers that are enabled, by their GoTrue names (`google`, `github`, …).
    pub oauth: Vec<String>,
}

/// Port to the identity provider, for one request: what it changes in the session reaches the browser as cookies of
/// that request's response.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn options(&self) -> Result<SignInOptions, Error>;
    /// # Errors
    /// `Invalid` with field `email` (taken, refused) or `password` (too weak).
    async fn sign_up(&self, new: Credentials) -> Result<SignedUp, Error>;
    /// # Errors
    /// `Invalid` with field `password` when address and password do not match an account.
    async fn sign_in(&self, credentials: Credentials) -> Result<(), Error>;
    /// Ends this device's session. Signing out without a session is no error.
    async fn sign_out(&self) -> Result<(), Error>;
}
