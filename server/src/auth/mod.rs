//! Who asks: tokens verified, sessions kept in cookies, the identity provider behind one port.
//!
//! [`Identity`] is made once at start. [`session_layer`] runs before every handler: it verifies the request's token,
//! refreshes it when it is about to end, and leaves an [`AuthUser`] and a [`RequestAccounts`] in the request's
//! extensions. [`crate::session::UserSession`] is the extractor for handlers that need a signed-in person.

mod accounts;
mod api_key;
mod client;
mod cookie;
mod extract;
mod identity;
mod jar;
mod jwks;
mod layer;
mod local;
mod origin;
mod people;
#[cfg(test)]
mod recorded;
mod refresh;
mod standing;
mod token;

pub use accounts::RequestAccounts;
pub use api_key::{KeyLimit, TOKEN_PREFIX};
pub use identity::{ClientAddress, Identity, ProviderHealth};
pub(crate) use layer::address as client_address;
pub use layer::{NeedsSecondFactor, Unsettled, session_layer};
pub use local::{ACCOUNT_TABLES, KEYS_FOLDER, Rotated, embedded_schema, migrate_embedded, rotate_keys};

use domain::{Error, UserId, accounts::User};
use uuid::Uuid;

/// A person whose token has been verified. Its fields are private: only this module makes one.
#[derive(Clone, Debug)]
pub struct AuthUser {
    id: UserId,
    email: String,
    display_name: String,
    session_id: Option<Uuid>,
    /// Set when it was no person's token but a key that they made.
    key: Option<KeyLimit>,
}

impl AuthUser {
    pub const fn id(&self) -> UserId {
        self.id
    }

    /// The provider's session that the token belongs to.
    pub const fn session_id(&self) -> Option<Uuid> {
        self.session_id
    }

    /// What the API key allows that was sent instead of a person's token.
    pub const fn key(&self) -> Option<KeyLimit> {
        self.key
    }

    /// # Errors
    /// `Denied` for an API key.
    pub fn as_person(&self) -> Result<(), Error> {
        match self.key {
            None => Ok(()),
            Some(_) => Err(Error::denied("An API key cannot do that. Sign in and do it yourself.")),
        }
    }

    pub fn to_user(&self) -> User {
        User { id: self.id, email: self.email.clone(), display_name: self.display_name.clone() }
    }

    /// A person without a token, for tests of what lies behind the ports.
    #[cfg(test)]
    pub(crate) fn for_test(id: UserId, email: &str) -> Self {
        let display_name = email.split('@').next().unwrap_or_default().to_owned();
        Self { id, email: email.to_owned(), display_name, session_id: None, key: None }
    }
}
