//! The account of a token's owner, and its deletion.

use super::{Client, ClientError, Mailed, SHORT_TIMEOUT, done, read};
use domain::text::Email;
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// GoTrue's user, as far as we read it.
#[derive(Debug, Deserialize)]
pub(in crate::auth) struct Profile {
    #[serde(default)]
    pub new_email: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub identities: Vec<ProfileIdentity>,
    #[serde(default, deserialize_with = "or_default")]
    pub factors: Vec<Factor>,
}

#[derive(Debug, Deserialize)]
pub(in crate::auth) struct ProfileIdentity {
    pub provider: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::auth) struct Factor {
    pub id: Uuid,
    #[serde(default)]
    pub friendly_name: Option<String>,
    pub factor_type: String,
    pub status: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl Factor {
    pub(in crate::auth) fn is_verified(&self) -> bool {
        self.status == "verified"
    }

    pub(in crate::auth) fn is_totp(&self) -> bool {
        self.factor_type == "totp"
    }
}

/// GoTrue writes null for an empty list here and there.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Client {
    /// # Errors
    /// 403 when the session, or the person, is no more.
    pub(in crate::auth) async fn profile(&self, access_token: &str) -> Result<Profile, ClientError> {
        let request = self.http.get(self.url("/user")).timeout(SHORT_TIMEOUT).bearer_auth(access_token);
        read(self.identified(request, None).send().await?).await
    }

    /// `current` is for projects that ask for it here.
    pub(in crate::auth) async fn change_password(
        &self,
        access_token: &str,
        new: &str,
        current: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let mut body = json!({ "password": new });
        if let Some(current) = current {
            body["current_password"] = current.into();
        }
        self.change(access_token, "/user", &body, from).await
    }

    pub(in crate::auth) async fn change_email(
        &self,
        access_token: &str,
        email: &Email,
        mailed: Mailed<'_>,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let body = mailed.body(json!({ "email": email.as_str() }));
        self.change(access_token, &mailed.path("/user"), &body, from).await
    }

    async fn change(
        &self,
        access_token: &str,
        path: &str,
        body: &Value,
        from: Option<IpAddr>,
    ) -> Result<(), ClientError> {
        let request = self.http.put(self.url(path)).bearer_auth(access_token).json(body);
        done(self.identified(request, from).send().await?).await
    }

    /// Whether accounts can be deleted at all: it takes the secret key.
    pub(in crate::auth) fn is_admin(&self) -> bool {
        self.secret_key.is_some()
    }

    /// Whether the account is there, asked as the administrator: so that a wrong secret key shows before anything is
    /// deleted.
    pub(in crate::auth) async fn account_exists(&self, id: Uuid) -> Result<bool, ClientError> {
        let answer = done(self.as_admin(self.http.get(self.admin_url(id)).timeout(SHORT_TIMEOUT)).send().await?).await;
        found(answer)
    }

    /// Deletes the account; that it is gone already is no error.
    pub(in crate::auth) async fn delete_account(&self, id: Uuid) -> Result<(), ClientError> {
        found(done(self.as_admin(self.http.delete(self.admin_url(id))).send().await?).await).map(|_| ())
    }

    /// A person's second factors, asked as the administrator.
    pub(in crate::auth) async fn factors_of(&self, id: Uuid) -> Result<Vec<Factor>, ClientError> {
        let url = format!("{}/factors", self.admin_url(id));
        let factors: Option<Vec<Factor>> = read(self.as_admin(self.http.get(url)).send().await?).await?;
        Ok(factors.unwrap_or_default())
    }

    /// Takes a second factor from a person.
    pub(in crate::auth) async fn delete_factor_of(&self, id: Uuid, factor: Uuid) -> Result<(), ClientError> {
        let url = format!("{}/factors/{factor}", self.admin_url(id));
        done(self.as_admin(self.http.delete(url)).send().await?).await
    }

    fn admin_url(&self, id: Uuid) -> String {
        self.url(&format!("/admin/users/{id}"))
    }

    /// The key stands in both headers, as supabase-js sends it: the gateway turns one of the new kind into a token.
    fn as_admin(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.secret_key {
            Some(secret) => request.header("apikey", secret.expose_secret()).bearer_auth(secret.expose_secret()),
            None => self.identified(request, None),
        }
    }
}

fn found(answer: Result<(), ClientError>) -> Result<bool, ClientError> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.code() == "user_not_found" => Ok(false),
        Err(error) => Err(error),
    }
}
