//! Second factors: authenticator apps.

use super::{Client, ClientError, done, read, session::SessionBody};
use crate::auth::cookie::SessionTokens;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::net::IpAddr;
use uuid::Uuid;

/// A factor that counts once a code of it was given.
#[derive(Deserialize)]
pub(in crate::auth) struct Enrolled {
    pub id: Uuid,
    pub totp: Totp,
}

/// GoTrue's QR code is left out: we draw our own.
#[derive(Deserialize)]
pub(in crate::auth) struct Totp {
    pub secret: String,
    pub uri: String,
}

#[derive(Deserialize)]
struct Challenge {
    id: String,
}

impl Client {
    pub(in crate::auth) async fn enrol(
        &self,
        access_token: &str,
        name: &str,
        from: Option<IpAddr>,
    ) -> Result<Enrolled, ClientError> {
        let body = json!({ "factor_type": "totp", "friendly_name": name, "issuer": "Atelier" });
        self.post_as(access_token, "/factors", &body, from).await
    }

    /// Proves a factor by a code of it; what comes back is the session at its higher level.
    pub(in crate::auth) async fn prove(
        &self,
        access_token: &str,
        factor: Uuid,
        code: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let challenge: Challenge =
            self.post_as(access_token, &format!("/factors/{factor}/challenge"), &json!({}), from).await?;
        let body = json!({ "challenge_id": challenge.id, "code": code });
        let session: SessionBody =
            self.post_as(access_token, &format!("/factors/{factor}/verify"), &body, from).await?;
        Ok(session.into())
    }

    pub(in crate::auth) async fn remove_factor(
        &self,
        access_token: &str,
        factor: Uuid,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let url = self.url(&format!("/factors/{factor}"));
        done(self.identified(self.http.delete(url).bearer_auth(access_token), from).send().await?).await
    }

    async fn post_as<T: DeserializeOwned>(
        &self,
        access_token: &str,
        path: &str,
        body: &Value,
        from: Option<IpAddr>,
    ) -> Result<T, ClientError> {
        let request = self.http.post(self.url(path)).bearer_auth(access_token).json(body);
        read(self.identified(request, from).send().await?).await
    }
}
