//! What makes the provider send a mail.

use super::{Client, ClientError, session::SessionBody};
use crate::auth::cookie::SessionTokens;
use domain::text::Email;
use serde_json::{Value, json};
use std::net::IpAddr;
use url::form_urlencoded;

/// What a sign-up led to.
#[derive(Debug)]
pub(in crate::auth) enum SignUpOutcome {
    Session(SessionTokens),
    /// A user without a session: the address is to be confirmed first (or is taken, and nobody shall learn it).
    Unconfirmed,
}

/// Where a mail's link leads in the end, and the challenge (RFC 7636, S256) whose proof this browser keeps.
#[derive(Clone, Copy, Debug)]
pub(in crate::auth) struct Mailed<'a> {
    pub redirect_to: &'a str,
    pub challenge: &'a str,
}

impl Mailed<'_> {
    /// GoTrue reads `redirect_to` from the query, never from the body.
    pub(super) fn path(&self, path: &str) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("redirect_to", self.redirect_to).finish();
        format!("{path}?{query}")
    }

    pub(super) fn body(&self, mut body: Value) -> Value {
        body["code_challenge"] = self.challenge.into();
        body["code_challenge_method"] = "s256".into();
        body
    }
}

impl Client {
    pub(in crate::auth) async fn sign_up(
        &self,
        email: &Email,
        password: &str,
        mailed: Mailed<'_>,
        from: Option<IpAddr>,
    ) -> Result<SignUpOutcome, ClientError> {
        let body = mailed.body(json!({ "email": email.as_str(), "password": password }));
        let answer: Value = self.post(&mailed.path("/signup"), &body, from).await?;
        // With confirmation on, GoTrue answers with the bare user.
        Ok(serde_json::from_value::<SessionBody>(answer)
            .map_or(SignUpOutcome::Unconfirmed, |body| SignUpOutcome::Session(body.into())))
    }

    /// A link and a code to sign in with. It makes no account: that is what signing up is for.
    pub(in crate::auth) async fn send_sign_in_link(
        &self,
        email: &Email,
        mailed: Mailed<'_>,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let body = mailed.body(json!({ "email": email.as_str(), "create_user": false }));
        alike(self.post(&mailed.path("/otp"), &body, from).await)
    }

    pub(in crate::auth) async fn send_recovery(
        &self,
        email: &Email,
        mailed: Mailed<'_>,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let body = mailed.body(json!({ "email": email.as_str() }));
        alike(self.post(&mailed.path("/recover"), &body, from).await)
    }

    pub(in crate::auth) async fn resend_confirmation(
        &self,
        email: &Email,
        mailed: Mailed<'_>,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let body = mailed.body(json!({ "type": "signup", "email": email.as_str() }));
        alike(self.post(&mailed.path("/resend"), &body, from).await)
    }
}

/// GoTrue says of an unknown address that nobody may sign up so: here it gets the answer that a known one gets.
fn alike(answer: Result<Value, ClientError>) -> Result<(), ClientError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.code(), "user_not_found") => Ok(()),
        Err(ClientError::Refused(refusal))
            if refusal.code == "otp_disabled" && refusal.message.to_lowercase().contains("signups not allowed") =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
