//! The port to the identity provider, for one request.

use super::{Identity, client::SignUpOutcome, layer::SessionJar};
use async_trait::async_trait;
use domain::{
    Error,
    accounts::{Accounts, Credentials, SignInOptions, SignedUp},
};
use std::net::IpAddr;
use supabase_auth_rs::models::LogoutScope;

/// Signs up, in and out for one request. [`super::session_layer`] puts one into the request's extensions, and sets the
/// cookies that it wrote on the response. Also an axum extractor.
#[derive(Clone)]
pub struct RequestAccounts {
    identity: Identity,
    jar: SessionJar,
    bearer: Option<String>,
    address: Option<IpAddr>,
}

impl std::fmt::Debug for RequestAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestAccounts").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RequestAccounts {
    pub(super) fn new(identity: Identity, jar: SessionJar, bearer: Option<String>, address: Option<IpAddr>) -> Self {
        Self { identity, jar, bearer, address }
    }
}

#[async_trait]
impl Accounts for RequestAccounts {
    async fn options(&self) -> Result<SignInOptions, Error> {
        Ok(self.identity.options().await?)
    }

    async fn sign_up(&self, new: Credentials) -> Result<SignedUp, Error> {
        match self.identity.client().sign_up(new.email.as_str(), &new.password, self.address).await? {
            SignUpOutcome::Unconfirmed => Ok(SignedUp::ConfirmEmail),
            SignUpOutcome::Session(tokens) => {
                self.identity.accept(&tokens).await?;
                self.jar.set(tokens);
                Ok(SignedUp::SignedIn)
            }
        }
    }

    async fn sign_in(&self, credentials: Credentials) -> Result<(), Error> {
        if credentials.password.is_empty() {
            return Err(Error::invalid("password", "Enter your password."));
        }
        let tokens =
            self.identity.client().sign_in(credentials.email.as_str(), &credentials.password, self.address).await?;
        self.identity.accept(&tokens).await?;
        self.jar.set(tokens);
        Ok(())
    }

    async fn sign_out(&self) -> Result<(), Error> {
        let (access, refresh) = self.jar.current();
        self.jar.clear();
        if let Some(refresh) = refresh {
            self.identity.refresher().end(&refresh);
        }
        // The cookies go in any case; a provider that does not answer must not keep someone signed in here.
        if let Some(token) = self.bearer.clone().or(access)
            && let Err(error) = self.identity.client().sign_out(&token, &LogoutScope::Local, self.address).await
            && !error.ends_session()
        {
            tracing::warn!(%error, "a session ended here, but the identity provider could not be told");
        }
        Ok(())
    }
}
