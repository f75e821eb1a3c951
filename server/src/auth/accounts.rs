//! The port to the identity provider, for one request.

use super::{Identity, client::SignUpOutcome, layer::SessionJar};
use async_trait::async_trait;
use domain::{
    Error,
    accounts::{
        Account, Accounts, Arrival, Credentials, Enrolment, LinkKind, PasswordChange, SignInOptions, SignOutScope,
        SignedUp,
    },
    text::{Email, Name},
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

    async fn sign_up(&self, new: Credentials, _next: Option<&str>) -> Result<SignedUp, Error> {
        match self.identity.client().sign_up(new.email.as_str(), &new.password, self.address).await? {
            SignUpOutcome::Unconfirmed => Ok(SignedUp::ConfirmEmail),
            SignUpOutcome::Session(tokens) => {
                self.identity.accept(&tokens).await?;
                self.jar.set(tokens);
                Ok(SignedUp::SignedIn)
            }
        }
    }

    async fn sign_in(&self, credentials: Credentials) -> Result<Arrival, Error> {
        if credentials.password.is_empty() {
            return Err(Error::invalid("password", "Enter your password."));
        }
        let tokens =
            self.identity.client().sign_in(credentials.email.as_str(), &credentials.password, self.address).await?;
        self.identity.accept(&tokens).await?;
        self.jar.set(tokens);
        Ok(Arrival::SignedIn)
    }

    async fn sign_out(&self, scope: SignOutScope) -> Result<(), Error> {
        let scope = match scope {
            SignOutScope::Local => LogoutScope::Local,
            SignOutScope::Others => LogoutScope::Others,
            SignOutScope::Global => LogoutScope::Global,
        };
        let (access, refresh) = self.jar.current();
        self.jar.clear();
        if let Some(refresh) = refresh {
            self.identity.refresher().end(&refresh);
        }
        // The cookies go in any case; a provider that does not answer must not keep someone signed in here.
        if let Some(token) = self.bearer.clone().or(access)
            && let Err(error) = self.identity.client().sign_out(&token, &scope, self.address).await
            && !error.ends_session()
        {
            tracing::warn!(%error, "a session ended here, but the identity provider could not be told");
        }
        Ok(())
    }

    async fn send_sign_in_link(&self, _email: Email, _next: Option<&str>) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn send_recovery(&self, _email: Email) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn resend_confirmation(&self, _email: Email, _next: Option<&str>) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn verify_code(&self, _email: Email, _code: &str) -> Result<Arrival, Error> {
        Err(not_yet())
    }

    async fn verify_link(&self, _token_hash: &str, _kind: LinkKind) -> Result<Arrival, Error> {
        Err(not_yet())
    }

    async fn start_oauth(&self, _provider: &str, _next: Option<&str>) -> Result<String, Error> {
        Err(not_yet())
    }

    async fn finish_code(&self, _code: &str) -> Result<(Arrival, Option<String>), Error> {
        Err(not_yet())
    }

    async fn accept_tokens(&self, _access: &str, _refresh: &str, _kind: Option<LinkKind>) -> Result<Arrival, Error> {
        Err(not_yet())
    }

    async fn answer_second_factor(&self, _code: &str) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn account(&self) -> Result<Account, Error> {
        Err(not_yet())
    }

    async fn change_password(&self, _change: PasswordChange) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn change_email(&self, _email: Email) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn change_display_name(&self, _name: Name) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn enrol_second_factor(&self, _name: &str) -> Result<Enrolment, Error> {
        Err(not_yet())
    }

    async fn confirm_second_factor(&self, _factor_id: &str, _code: &str) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn remove_second_factor(&self, _factor_id: &str, _code: &str) -> Result<(), Error> {
        Err(not_yet())
    }

    async fn delete_account(&self, _confirmation: &str) -> Result<(), Error> {
        Err(not_yet())
    }
}

fn not_yet() -> Error {
    Error::unavailable("This is not built yet.")
}
