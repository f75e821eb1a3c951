//! The port to the identity provider, for one request.

mod deletion;
mod factors;
mod links;
mod settings;
#[cfg(test)]
mod supabase_tests;
#[cfg(test)]
mod tests;

use super::{
    AuthUser, Identity,
    client::SignUpOutcome,
    cookie::{FlowKind, SessionTokens},
    jar::SessionJar,
    people::Presence,
    token::{Claims, TokenError},
};
use crate::{
    AppState,
    events::{self, Notice},
    fault::Fault,
};
use async_trait::async_trait;
use domain::{
    Error, UserId,
    accounts::{
        Account, Accounts, Arrival, Credentials, Enrolment, LinkKind, PasswordChange, SignInOptions, SignOutScope,
        SignedUp,
    },
    text::{Email, Name},
};
use std::{net::IpAddr, sync::Arc};
use supabase_auth_rs::models::LogoutScope;

/// Signs up, in and out for one request. [`super::session_layer`] puts one into the request's extensions, and sets the
/// cookies that it wrote on the response. Also an axum extractor.
#[derive(Clone)]
pub struct RequestAccounts {
    state: AppState,
    jar: SessionJar,
    bearer: Option<String>,
    address: Option<IpAddr>,
}

impl std::fmt::Debug for RequestAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestAccounts").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The session of this request, which the provider still knows.
struct Present {
    token: String,
    claims: Arc<Claims>,
    user: AuthUser,
}

impl RequestAccounts {
    pub(super) fn new(state: AppState, jar: SessionJar, bearer: Option<String>, address: Option<IpAddr>) -> Self {
        Self { state, jar, bearer, address }
    }

    fn identity(&self) -> &Identity {
        &self.state.identity
    }

    /// The access token of this request, whatever it is worth.
    fn token(&self) -> Option<String> {
        self.bearer.clone().or_else(|| self.jar.current().0)
    }

    /// Keeps the session of `tokens`, which the provider has just given out.
    async fn arrive(&self, tokens: SessionTokens) -> Result<Arrival, Error> {
        let presence = self.identity().accept(&tokens).await?;
        let arrival = match presence {
            Presence::Person(_) => Arrival::SignedIn,
            Presence::NeedsSecondFactor => Arrival::SecondFactor,
            Presence::Ended => return Err(Error::Unauthenticated),
        };
        self.jar.set(tokens);
        Ok(arrival)
    }

    /// Who asks, looked up anew: what is done to an account is not done by a session that ended a moment ago.
    async fn present(&self) -> Result<Present, Error> {
        let token = self.token().ok_or(Error::Unauthenticated)?;
        let claims = self.verified(&token).await?;
        self.identity().people().forget_session(&claims);
        match self.identity().presence(&claims, &token).await? {
            Presence::Person(user) => Ok(Present { token, claims, user }),
            Presence::NeedsSecondFactor | Presence::Ended => Err(Error::Unauthenticated),
        }
    }

    async fn verified(&self, token: &str) -> Result<Arc<Claims>, Error> {
        self.identity().verify(token).await.map_err(|error| match error {
            TokenError::KeysUnavailable(_) => Fault::Identity(Box::new(error)).into(),
            TokenError::Expired | TokenError::Invalid(_) => Error::Unauthenticated,
        })
    }

    /// Tells every process that what it knows of the person's sessions is old. That they will notice by themselves
    /// within seconds makes a failure no error.
    async fn tell(&self, user: UserId) {
        self.identity().people().forget_person(user.into());
        let told = async {
            let mut tx = self.state.db.system().await?;
            events::notify(tx.conn(), &Notice::Person { user }).await?;
            tx.commit().await
        };
        if let Err(fault) = told.await {
            tracing::warn!(%fault, "other processes were not told of a change of sessions");
        }
    }
}

const fn scope_of(scope: SignOutScope) -> LogoutScope {
    match scope {
        SignOutScope::Local => LogoutScope::Local,
        SignOutScope::Others => LogoutScope::Others,
        SignOutScope::Global => LogoutScope::Global,
    }
}

#[async_trait]
impl Accounts for RequestAccounts {
    async fn options(&self) -> Result<SignInOptions, Error> {
        Ok(self.identity().options().await?)
    }

    async fn sign_up(&self, new: Credentials, next: Option<&str>) -> Result<SignedUp, Error> {
        let asked = self.ask_for(FlowKind::SignUp, next)?;
        let client = self.identity().client();
        match client.sign_up(&new.email, &new.password, asked.mailed(), self.address).await? {
            SignUpOutcome::Unconfirmed => {
                self.jar.begin(asked.flow);
                Ok(SignedUp::ConfirmEmail)
            }
            SignUpOutcome::Session(tokens) => {
                self.arrive(tokens).await?;
                Ok(SignedUp::SignedIn)
            }
        }
    }

    async fn sign_in(&self, credentials: Credentials) -> Result<Arrival, Error> {
        if credentials.password.is_empty() {
            return Err(Error::invalid("password", "Enter your password."));
        }
        let client = self.identity().client();
        let tokens = client.sign_in(credentials.email.as_str(), &credentials.password, self.address).await?;
        self.arrive(tokens).await
    }

    async fn sign_out(&self, scope: SignOutScope) -> Result<(), Error> {
        let (access, refresh) = self.jar.current();
        let token = self.bearer.clone().or(access);
        if scope == SignOutScope::Others {
            let Some(token) = token else { return Err(Error::Unauthenticated) };
            let claims = self.verified(&token).await?;
            self.identity().client().sign_out(&token, &scope_of(scope), self.address).await?;
            self.tell(claims.sub.into()).await;
            return Ok(());
        }
        self.jar.clear();
        if let Some(refresh) = refresh {
            self.identity().refresher().end(&refresh);
        }
        let Some(token) = token else { return Ok(()) };
        // The cookies go in any case; a provider that does not answer must not keep someone signed in here.
        if let Err(error) = self.identity().client().sign_out(&token, &scope_of(scope), self.address).await
            && !error.ends_session()
        {
            tracing::warn!(%error, "a session ended here, but the identity provider could not be told");
        }
        if let Ok(claims) = self.identity().verify(&token).await {
            self.tell(claims.sub.into()).await;
        }
        Ok(())
    }

    async fn send_sign_in_link(&self, email: Email, next: Option<&str>) -> Result<(), Error> {
        let asked = self.ask_for(FlowKind::SignIn, next)?;
        self.identity().client().send_sign_in_link(&email, asked.mailed(), self.address).await?;
        self.jar.begin(asked.flow);
        Ok(())
    }

    async fn send_recovery(&self, email: Email) -> Result<(), Error> {
        let asked = self.ask_for(FlowKind::Recovery, None)?;
        self.identity().client().send_recovery(&email, asked.mailed(), self.address).await?;
        self.jar.begin(asked.flow);
        Ok(())
    }

    async fn resend_confirmation(&self, email: Email, next: Option<&str>) -> Result<(), Error> {
        let asked = self.ask_for(FlowKind::SignUp, next)?;
        self.identity().client().resend_confirmation(&email, asked.mailed(), self.address).await?;
        self.jar.begin(asked.flow);
        Ok(())
    }

    async fn verify_code(&self, email: Email, code: &str) -> Result<Arrival, Error> {
        self.open_by_code(&email, code).await
    }

    async fn verify_link(&self, token_hash: &str, kind: LinkKind) -> Result<Arrival, Error> {
        self.open_link(token_hash, kind).await
    }

    async fn start_oauth(&self, provider: &str, next: Option<&str>) -> Result<String, Error> {
        self.begin_oauth(provider, next).await
    }

    async fn finish_code(&self, code: &str) -> Result<(Arrival, Option<String>), Error> {
        self.exchange(code).await
    }

    async fn accept_tokens(&self, access: &str, refresh: &str, kind: Option<LinkKind>) -> Result<Arrival, Error> {
        self.take_over(access, refresh, kind).await
    }

    async fn answer_second_factor(&self, code: &str) -> Result<(), Error> {
        self.answer_factor(code).await
    }

    async fn account(&self) -> Result<Account, Error> {
        self.show().await
    }

    async fn change_password(&self, change: PasswordChange) -> Result<(), Error> {
        self.set_password(change).await
    }

    async fn change_email(&self, email: Email) -> Result<(), Error> {
        self.begin_email_change(&email).await
    }

    async fn change_display_name(&self, name: Name) -> Result<(), Error> {
        self.set_display_name(&name).await
    }

    async fn enrol_second_factor(&self, name: &str) -> Result<Enrolment, Error> {
        self.enrol_factor(name).await
    }

    async fn confirm_second_factor(&self, factor_id: &str, code: &str) -> Result<(), Error> {
        self.confirm_factor(factor_id, code).await
    }

    async fn remove_second_factor(&self, factor_id: &str, code: &str) -> Result<(), Error> {
        self.remove_factor(factor_id, code).await
    }

    async fn delete_account(&self, confirmation: &str) -> Result<(), Error> {
        self.delete(confirmation).await
    }
}
