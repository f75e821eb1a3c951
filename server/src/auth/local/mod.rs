//! The embedded identity provider: GoTrue's protocol under `/auth/v1`, over the same Postgres, for whoever runs Atelier
//! without a Supabase project. supabase-js works against what it covers: sign-up with and without confirmation, password,
//! links and codes by mail, PKCE, refresh, changes of the account, a second factor, logout, settings, health and JWKS.
//!
//! Our own client reaches it like any other, by HTTP, over a listener on loopback.

mod admin;
mod error;
mod factors;
mod flow;
mod grant;
mod keys;
mod letters;
mod limits;
mod mailing;
mod one_time;
mod password;
mod protocol;
mod redirect;
mod routes;
mod schema;
mod sessions;
mod sign_up;
mod signing;
#[cfg(test)]
mod tests;
mod user;
mod users;
mod verify;

pub use schema::{ACCOUNT_TABLES, applied as embedded_schema, migrate as migrate_embedded};
pub use signing::{Rotated, rotate as rotate_keys};

use super::{jwks::Jwks, token::Verifier};
use crate::{
    config::{Config, Environment, identity::Embedded},
    db::Db,
    fault::Fault,
    mail::Mailer,
};
use axum::Router;
use keys::Keys;
use limits::Limits;
use password::Passwords;
use secrecy::SecretString;
use std::{net::Ipv4Addr, net::SocketAddr, sync::Arc};
use tokio::task::AbortHandle;
use url::Url;

/// Below the data folder.
pub const KEYS_FOLDER: &str = "identity";

/// What every endpoint works with.
#[derive(Debug)]
struct Provider {
    db: Db,
    keys: Keys,
    issuer: String,
    verifier: Verifier,
    passwords: Passwords,
    limits: Limits,
    mailer: Mailer,
    /// The configured address of the site: links are made from it, never from a request.
    site: Url,
    settings: Settings,
}

/// What the configuration says.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// Whether an address must be confirmed before it can sign in.
    confirm_email: bool,
    sign_up_closed: bool,
    development: bool,
}

/// The running provider.
#[derive(Debug)]
pub(super) struct LocalProvider {
    provider: Arc<Provider>,
    url: String,
    listener: AbortHandle,
}

impl LocalProvider {
    /// Makes the schema, the keys and the listener where they are missing.
    pub(super) async fn start(
        db: &Db,
        config: &Config,
        embedded: &Embedded,
        issuer: String,
        mailer: &Mailer,
    ) -> Result<Self, Fault> {
        schema::migrate(db, None).await?;
        let mut keys = keys::load_or_make(&config.paths.data.join(KEYS_FOLDER)).await?;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        // Like everybody else, so that a new key is known here as soon as it is published.
        let http = reqwest::Client::builder().no_proxy().build();
        let http = http.map_err(Fault::while_doing("make the identity provider's client"))?;
        let jwks = Jwks::remote(http, format!("{url}/auth/v1/.well-known/jwks.json"));
        let verifier = Verifier::new(issuer.clone(), jwks, embedded.jwt_secret.as_ref());
        if let Some(secret) = &embedded.jwt_secret {
            keys.sign_with(secret);
        }
        let passwords = Passwords::new().await?;
        let development = config.environment == Environment::Development;
        let provider = Arc::new(Provider {
            db: db.clone(),
            keys,
            issuer,
            verifier,
            passwords,
            limits: Limits::new(development),
            mailer: mailer.clone(),
            site: config.site.public_url.clone(),
            settings: Settings {
                confirm_email: embedded.confirm_email,
                sign_up_closed: embedded.sign_up_closed,
                development,
            },
        });
        let service = Router::new().nest("/auth/v1", routes::router(Arc::clone(&provider)));
        let serving = tokio::spawn(async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "on loopback, for this process alone: a slow client is ourselves"
            )]
            let served = axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the embedded identity provider stopped listening");
            }
        });
        Ok(Self { provider, url, listener: serving.abort_handle() })
    }

    /// Of the listener on loopback, without `/auth/v1`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn routes(&self) -> Router {
        routes::router(Arc::clone(&self.provider))
    }

    pub(super) fn publishable_key(&self) -> SecretString {
        self.provider.keys.publishable_key()
    }

    pub(super) fn secret_key(&self) -> SecretString {
        self.provider.keys.secret_key()
    }

    pub(super) fn stop(&self) {
        self.listener.abort();
    }
}

impl Drop for LocalProvider {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
