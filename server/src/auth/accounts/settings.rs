//! What a person sees and changes of their account.

use super::{Present, RequestAccounts};
use crate::{
    auth::{client::ClientError, cookie::FlowKind, layer},
    fault::Fault,
};
use domain::{
    Error,
    accounts::{Account, PasswordChange, SecondFactor},
    text::{Email, Name},
};
use supabase_auth_rs::models::LogoutScope;
use uuid::Uuid;

/// How long after opening a link of a mail a password can be set without knowing the one before.
const RECOVERY_SECONDS: u64 = 15 * 60;
/// GoTrue's names for having opened a mail: by our own page `otp`, by a redirect with PKCE what the mail was for.
const BY_MAIL: &[&str] = &["otp", "recovery", "magiclink", "invite", "email/signup"];
const ACCOUNT_PAGE: &str = "/account";

impl RequestAccounts {
    pub(super) async fn show(&self) -> Result<Account, Error> {
        let Present { token, user, .. } = self.present().await?;
        let profile = self.identity().client().profile(&token).await?;
        let second_factors = profile
            .factors
            .iter()
            .filter(|factor| factor.is_totp() && factor.is_verified())
            .map(|factor| SecondFactor {
                id: factor.id.to_string(),
                name: factor.friendly_name.clone().unwrap_or_default(),
                created_at: factor.created_at,
            })
            .collect();
        Ok(Account {
            user: user.to_user(),
            new_email: profile.new_email.filter(|email| !email.is_empty()),
            providers: profile.identities.into_iter().map(|identity| identity.provider).collect(),
            second_factors,
        })
    }

    pub(super) async fn set_password(&self, change: PasswordChange) -> Result<(), Error> {
        let present = self.present().await?;
        if change.new.is_empty() {
            return Err(Error::invalid("password", "Enter a new password."));
        }
        // The token is signed by the provider, and tells when the person opened its mail: nothing of it is ours to forge.
        let came_by_mail = present.claims.proved_within(BY_MAIL, RECOVERY_SECONDS, layer::now());
        let current = change.current.as_deref().filter(|current| !current.is_empty());
        match current {
            Some(current) => self.check_password(&present, current).await?,
            None if came_by_mail => {}
            None => {
                return Err(Error::invalid(
                    "current",
                    "Enter your present password. If you have none, or forgot it, ask for a link by mail.",
                ));
            }
        }
        let client = self.identity().client();
        client.change_password(&present.token, &change.new, current, self.address).await?;
        // GoTrue ends them by itself; whoever else speaks its protocol may not.
        if let Err(error) = client.sign_out(&present.token, &LogoutScope::Others, self.address).await {
            tracing::warn!(%error, "other sessions were not ended after a change of password");
        }
        self.tell(present.user.id()).await;
        Ok(())
    }

    /// Signs in with it, and out again: not every project checks it with the change.
    async fn check_password(&self, present: &Present, current: &str) -> Result<(), Error> {
        let client = self.identity().client();
        let email = present.claims.email.as_deref().unwrap_or_default();
        let tokens = client.sign_in(email, current, self.address).await.map_err(ClientError::at_current)?;
        if let Err(error) = client.sign_out(&tokens.access, &LogoutScope::Local, self.address).await {
            tracing::warn!(%error, "the session that checked a password was not ended");
        }
        Ok(())
    }

    pub(super) async fn begin_email_change(&self, email: &Email) -> Result<(), Error> {
        let present = self.present().await?;
        let is_own = present.claims.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email.as_str()));
        if is_own {
            return Err(Error::invalid("email", "This is your address already."));
        }
        let asked = self.ask_for(FlowKind::EmailChange, Some(ACCOUNT_PAGE))?;
        self.identity().client().change_email(&present.token, email, asked.mailed(), self.address).await.map_err(
            |error| match error.code() {
                "email_exists" => Error::invalid("email", "Another account has this address. Choose another one."),
                _ => error.into(),
            },
        )?;
        self.jar.begin(asked.flow);
        Ok(())
    }

    pub(super) async fn set_display_name(&self, name: &Name) -> Result<(), Error> {
        let present = self.present().await?;
        self.write_display_name(&present, name).await?;
        self.tell(present.user.id()).await;
        Ok(())
    }

    async fn write_display_name(&self, present: &Present, name: &Name) -> Result<(), Fault> {
        let mut scope = self.state.db.scope(&present.user).await?;
        // Not updated_at: it tells how new the address is.
        sqlx::query!("update users set display_name = $2 where id = $1", Uuid::from(present.user.id()), name.as_str())
            .execute(scope.conn())
            .await?;
        scope.commit().await
    }
}
