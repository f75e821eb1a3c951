//! The talk with the identity provider: Supabase, or the embedded one behind the same protocol.
//!
//! The crate `supabase-auth` serves where nothing is lost by it (settings, health, and its types). It drops `error_code`
//! and `weak_password.reasons`, sends the scope of a logout where the server does not look, and can pass on no address,
//! so requests that need one of these are our own.

mod error;
mod factors;
mod mail;
mod session;
#[cfg(test)]
mod tests;
mod user;

pub(super) use error::{ClientError, Refusal};
pub(super) use mail::{Mailed, SignUpOutcome};
pub(super) use session::Verified;
pub(super) use user::Factor;

use error::{describe, refused};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::{net::IpAddr, time::Duration};
use supabase_auth_rs::models::{AuthClient, AuthServerHealth, AuthServerSettings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Hashing a password takes the provider a while, a queue of them longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For what only reads.
const SHORT_TIMEOUT: Duration = Duration::from_secs(4);

/// The proof that belongs to a link is kept where the link was asked for.
pub(super) const OTHER_BROWSER: &str =
    "This link was asked for in another browser. Open it there, or ask for a new one here.";

/// Where the provider is, and how it is asked.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Without `/auth/v1` and without a trailing slash.
    base: String,
    publishable_key: SecretString,
    /// Lets a visitor's address be passed on, and accounts be deleted.
    secret_key: Option<SecretString>,
    /// None for a provider on loopback: the crate's HTTP client cannot be told to leave out the machine's proxy.
    sdk: Option<AuthClient>,
}

impl Client {
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(
        base: &str,
        publishable_key: SecretString,
        secret_key: Option<SecretString>,
        loopback: bool,
    ) -> Result<Self, reqwest::Error> {
        let base = base.trim_end_matches('/').to_owned();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")));
        if loopback {
            http = http.no_proxy();
        }
        let sdk = (!loopback).then(|| AuthClient::new(&base, publishable_key.expose_secret(), ""));
        Ok(Self { http: http.build()?, base, publishable_key, secret_key, sdk })
    }

    pub(super) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/auth/v1{path}", self.base)
    }

    pub(super) async fn settings(&self) -> Result<AuthServerSettings, ClientError> {
        match &self.sdk {
            Some(sdk) => within(sdk.get_settings()).await,
            None => self.get("/settings").await,
        }
    }

    pub(super) async fn health(&self) -> Result<AuthServerHealth, ClientError> {
        match &self.sdk {
            Some(sdk) => within(sdk.get_health()).await,
            None => self.get("/health").await,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self.http.get(self.url(path)).timeout(SHORT_TIMEOUT);
        read(self.identified(request, None).send().await?).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        from: Option<IpAddr>,
    ) -> Result<T, ClientError> {
        let request = self.http.post(self.url(path)).json(body);
        read(self.identified(request, from).send().await?).await
    }

    /// Adds the key. A visitor's address counts only with the secret key; without it all visitors share the rate limit
    /// of our own address.
    fn identified(&self, request: reqwest::RequestBuilder, from: Option<IpAddr>) -> reqwest::RequestBuilder {
        match (&self.secret_key, from) {
            (Some(secret), Some(address)) => {
                request.header("apikey", secret.expose_secret()).header("Sb-Forwarded-For", address.to_string())
            }
            _ => request.header("apikey", self.publishable_key.expose_secret()),
        }
    }
}

/// A call of the crate, which knows no time limit.
async fn within<T>(call: impl Future<Output = Result<T, supabase_auth_rs::error::Error>>) -> Result<T, ClientError> {
    use supabase_auth_rs::error::Error as Sdk;
    match tokio::time::timeout(SHORT_TIMEOUT, call).await {
        Err(_) => Err(ClientError::Unreachable(format!("nothing within {} seconds", SHORT_TIMEOUT.as_secs()))),
        Ok(Ok(value)) => Ok(value),
        // Its "error" may be a success that it could not read, with the whole body as message: none of that to the log.
        Ok(Err(Sdk::AuthError { status, .. })) if status.is_success() => {
            Err(ClientError::Unreachable("an answer of another shape".to_owned()))
        }
        Ok(Err(Sdk::AuthError { status, message })) => Err(ClientError::Refused(Refusal {
            status: status.as_u16(),
            code: String::new(),
            message: message.chars().take(200).collect(),
            weak_password: Vec::new(),
            retry_after_seconds: None,
        })),
        Ok(Err(other)) => Err(ClientError::Unreachable(describe(&other))),
    }
}

async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, ClientError> {
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    // The cause may quote the body, which may hold tokens.
    response.json().await.map_err(|_| ClientError::Unreachable("an answer of another shape".to_owned()))
}

async fn done(response: reqwest::Response) -> Result<(), ClientError> {
    if response.status().is_success() { Ok(()) } else { Err(refused(response).await) }
}
