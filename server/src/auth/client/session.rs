//! Sessions: begun by a password, a link or a code, renewed, and ended.

use super::{Client, ClientError, done};
use crate::auth::cookie::SessionTokens;
use domain::{accounts::LinkKind, text::Email};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use supabase_auth_rs::models::LogoutScope;
use url::form_urlencoded;

/// A request's own part in a session's JSON; the rest of it is in the token.
#[derive(Deserialize)]
pub(super) struct SessionBody {
    access_token: String,
    refresh_token: String,
}

impl From<SessionBody> for SessionTokens {
    fn from(body: SessionBody) -> Self {
        Self { access: body.access_token, refresh: body.refresh_token }
    }
}

/// What a link or a code of a mail led to.
#[derive(Debug)]
pub(in crate::auth) enum Verified {
    Session(SessionTokens),
    /// The first of a change's two addresses is confirmed.
    Half,
}

impl Client {
    pub(in crate::auth) async fn sign_in(
        &self,
        email: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let body = json!({ "email": email, "password": password });
        Ok(self.post::<SessionBody>("/token?grant_type=password", &body, from).await?.into())
    }

    pub(in crate::auth) async fn refresh(
        &self,
        refresh_token: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let body = json!({ "refresh_token": refresh_token });
        Ok(self.post::<SessionBody>("/token?grant_type=refresh_token", &body, from).await?.into())
    }

    /// The end of PKCE: the code of a redirect, and the proof that it was asked for here.
    pub(in crate::auth) async fn exchange_code(
        &self,
        code: &str,
        verifier: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let body = json!({ "auth_code": code, "code_verifier": verifier });
        Ok(self.post::<SessionBody>("/token?grant_type=pkce", &body, from).await?.into())
    }

    pub(in crate::auth) async fn verify_link(
        &self,
        token_hash: &str,
        kind: LinkKind,
        from: Option<IpAddr>,
    ) -> Result<Verified, ClientError> {
        self.verify(json!({ "type": kind.as_str(), "token_hash": token_hash }), from).await
    }

    /// The digits of any mail that signs in: `email` covers sign-ups, links and recoveries.
    pub(in crate::auth) async fn verify_code(
        &self,
        email: &Email,
        code: &str,
        from: Option<IpAddr>,
    ) -> Result<Verified, ClientError> {
        self.verify(json!({ "type": "email", "email": email.as_str(), "token": code }), from).await
    }

    /// A link that was asked for with PKCE gives a session here all the same: GoTrue leaves the code out on POST, since
    /// whoever posts the token has it (verifyPost in its verify.go).
    async fn verify(&self, body: Value, from: Option<IpAddr>) -> Result<Verified, ClientError> {
        let answer: Value = self.post("/verify", &body, from).await?;
        if answer.get("code").is_some_and(|code| code == "200" || code == 200) {
            return Ok(Verified::Half);
        }
        let session: SessionBody = serde_json::from_value(answer)
            .map_err(|_| ClientError::Unreachable("an answer of another shape".to_owned()))?;
        Ok(Verified::Session(session.into()))
    }

    /// Ends sessions of the token's owner. GoTrue reads the scope from the query only.
    pub(in crate::auth) async fn sign_out(
        &self,
        access_token: &str,
        scope: &LogoutScope,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let scope = match scope {
            LogoutScope::Global => "global",
            LogoutScope::Local => "local",
            LogoutScope::Others => "others",
        };
        let request = self.http.post(self.url(&format!("/logout?scope={scope}"))).bearer_auth(access_token);
        done(self.identified(request, from).send().await?).await
    }

    /// Where the browser goes to sign in with another provider, which sends it back to `redirect_to`.
    pub(in crate::auth) fn authorize_url(&self, provider: &str, redirect_to: &str, challenge: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("provider", provider)
            .append_pair("redirect_to", redirect_to)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "s256")
            .finish();
        self.url(&format!("/authorize?{query}"))
    }
}
