//! The identity provider of this process, whichever is configured.

use crate::{config::Config, db::Db, fault::Fault};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// The address of the person behind a request, as far as the trusted proxies let one know. Whoever listens puts it into
/// the request's extensions; without it, `ConnectInfo<SocketAddr>` serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// What the provider says of itself; see [`Identity::check`].
#[derive(Clone, Debug)]
pub struct ProviderHealth {
    /// `Supabase Auth v2.180.0` or `embedded`.
    pub version: String,
    pub latency: Duration,
}

/// The identity provider: Supabase, or the embedded one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity(Arc<()>);

impl Identity {
    /// Connects to the configured provider. The embedded one makes its schema `auth` here, so this comes before
    /// [`Db::migrate`], whose trigger then finds `auth.users`; and after the site's address is known, which the
    /// tokens' issuer is made from.
    ///
    /// # Errors
    /// When the embedded provider cannot make its schema, its keys or its loopback listener. A Supabase that does not
    /// answer is no error here: see [`Self::check`].
    pub async fn start(_config: &Config, _db: &Db) -> Result<Self, Fault> {
        Ok(Self(Arc::new(())))
    }

    /// The embedded provider's endpoints, to be nested at `/auth/v1`, so that supabase-js reaches them from outside;
    /// `None` with Supabase.
    pub fn routes(&self) -> Option<axum::Router> {
        None
    }

    /// Asks the provider for a sign of life and for keys to verify with. Ends within five seconds.
    ///
    /// # Errors
    /// A sentence that says what is wrong and how to mend it.
    pub async fn check(&self) -> Result<ProviderHealth, String> {
        Err(String::new())
    }

    /// Ends the embedded provider's listener.
    pub fn stop(&self) {}
}
