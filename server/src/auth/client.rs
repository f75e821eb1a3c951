//! The talk with the identity provider: Supabase, or the embedded one behind the same protocol.
//!
//! The crate `supabase-auth` serves where nothing is lost by it (settings, health, and its types). It drops `error_code`
//! and `weak_password.reasons`, sends the scope of a logout where the server does not look, and can pass on no address,
//! so requests that need one of these are our own.

use super::cookie::SessionTokens;
use domain::Error;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{net::IpAddr, time::Duration};
use supabase_auth_rs::models::{AuthClient, AuthServerHealth, AuthServerSettings, LogoutScope};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Hashing a password takes the provider a while, a queue of them longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For what only reads.
const SHORT_TIMEOUT: Duration = Duration::from_secs(4);

/// What the provider refused, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// GoTrue's `error_code`, or empty where it gave none.
    pub code: String,
    pub message: String,
    /// `length`, `characters`, `pwned`.
    pub weak_password: Vec<String>,
    pub retry_after_seconds: Option<u32>,
}

/// Why a request to the provider did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("refused with {} {}: {}", .0.status, .0.code, .0.message)]
    Refused(Refusal),
    /// It did not answer, or with what only a broken service or proxy says.
    #[error("no usable answer: {0}")]
    Unreachable(String),
}

impl ClientError {
    /// Whether the provider has decided: the session is over, and asking again will not help.
    pub(super) fn ends_session(&self) -> bool {
        match self {
            // 409 is two refreshes at once, 429 too many: both pass.
            Self::Refused(refusal) => matches!(refusal.status, 400 | 401 | 403 | 404 | 422),
            Self::Unreachable(_) => false,
        }
    }
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(describe(&error))
    }
}

/// An error with its causes; reqwest's own text leaves them out.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What a sign-up led to.
#[derive(Debug)]
pub(super) enum SignUpOutcome {
    Session(SessionTokens),
    /// A user without a session: the address is to be confirmed first (or is taken, and nobody shall learn it).
    Unconfirmed,
}

/// Where the provider is, and how it is asked.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Without `/auth/v1` and without a trailing slash.
    base: String,
    publishable_key: SecretString,
    /// Lets a visitor's address be passed on.
    secret_key: Option<SecretString>,
    /// None for a provider on loopback: the crate's HTTP client cannot be told to leave out the machine's proxy.
    sdk: Option<AuthClient>,
}

/// A request's own part in a session's JSON; the rest of it is in the token.
#[derive(Deserialize)]
struct SessionBody {
    access_token: String,
    refresh_token: String,
}

impl From<SessionBody> for SessionTokens {
    fn from(body: SessionBody) -> Self {
        Self { access: body.access_token, refresh: body.refresh_token }
    }
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

    pub(super) async fn sign_up(
        &self,
        email: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<SignUpOutcome, ClientError> {
        let body: Value = self.post("/signup", &json!({ "email": email, "password": password }), from).await?;
        // With confirmation on, GoTrue answers with the bare user.
        Ok(serde_json::from_value::<SessionBody>(body)
            .map_or(SignUpOutcome::Unconfirmed, |body| SignUpOutcome::Session(body.into())))
    }

    pub(super) async fn sign_in(
        &self,
        email: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let body = json!({ "email": email, "password": password });
        Ok(self.post::<SessionBody>("/token?grant_type=password", &body, from).await?.into())
    }

    pub(super) async fn refresh(
        &self,
        refresh_token: &str,
        from: Option<IpAddr>,
    ) -> Result<SessionTokens, ClientError> {
        let body = json!({ "refresh_token": refresh_token });
        Ok(self.post::<SessionBody>("/token?grant_type=refresh_token", &body, from).await?.into())
    }

    /// Ends sessions of the token's owner. GoTrue reads the scope from the query only.
    pub(super) async fn sign_out(
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
        let response = self.identified(request, from).send().await?;
        if response.status().is_success() { Ok(()) } else { Err(refused(response).await) }
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
        body: &Value,
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

async fn refused(response: reqwest::Response) -> ClientError {
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.text().await.unwrap_or_default();
    refusal(status, &headers, &body)
}

/// Reads every shape of error there is: with and without `X-Supabase-Api-Version`, OAuth's, and the gateway's.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &str) -> ClientError {
    let json: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    if status.is_server_error() || !json.is_object() {
        return ClientError::Unreachable(format!("{status}"));
    }
    let text = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("error_code")
        .or_else(|| text("code"))
        .or_else(|| header("x-sb-error-code"))
        .or_else(|| text("error"))
        .unwrap_or_default();
    let message = text("msg").or_else(|| text("message")).or_else(|| text("error_description")).unwrap_or_default();
    let reasons = json.pointer("/weak_password/reasons").and_then(Value::as_array);
    ClientError::Refused(Refusal {
        status: status.as_u16(),
        code: code.to_owned(),
        message: message.to_owned(),
        weak_password: reasons.into_iter().flatten().filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
        retry_after_seconds: header("retry-after").and_then(|seconds| seconds.parse().ok()),
    })
}

impl From<ClientError> for Error {
    /// In a person's words, at the field where it can be mended. What only the operator can mend is logged.
    fn from(error: ClientError) -> Self {
        let refusal = match error {
            ClientError::Refused(refusal) => refusal,
            ClientError::Unreachable(_) => return crate::fault::Fault::Identity(error.into()).into(),
        };
        match refusal.code.as_str() {
            "invalid_credentials" | "invalid_grant" => {
                Self::invalid("password", "Email and password do not match. Check both, or reset your password.")
            }
            "email_not_confirmed" => {
                Self::invalid("email", "Confirm this address first: open the link in the mail we sent to it.")
            }
            "user_banned" => Self::invalid("email", "This account is suspended. Ask your administrator."),
            "user_already_exists" | "email_exists" => Self::invalid(
                "email",
                "There is already an account with this address. Sign in, or reset your password.",
            ),
            "email_address_invalid" | "email_address_not_authorized" => {
                Self::invalid("email", "This address is not accepted. Check it, or use another one.")
            }
            "weak_password" => Self::invalid("password", weak_password(&refusal)),
            "validation_failed" if refusal.message.to_lowercase().contains("password") => {
                Self::invalid("password", "Use a password of 8 to 72 characters.")
            }
            "validation_failed" => Self::invalid("email", "Enter an email address, like name@example.com."),
            "signup_disabled" | "email_provider_disabled" => {
                Self::invalid("email", "Sign-up is closed here. Ask your administrator for an account.")
            }
            "session_not_found"
            | "session_expired"
            | "refresh_token_not_found"
            | "refresh_token_already_used"
            | "bad_jwt"
            | "no_authorization"
            | "user_not_found" => Self::Unauthenticated,
            _ if refusal.status == 429 => {
                Self::RateLimited { retry_after_seconds: refusal.retry_after_seconds.unwrap_or(60) }
            }
            _ => crate::fault::Fault::Identity(ClientError::Refused(refusal).into()).into(),
        }
    }
}

/// GoTrue's reasons in words.
fn weak_password(refusal: &Refusal) -> String {
    let sentences: Vec<String> = refusal
        .weak_password
        .iter()
        .filter_map(|reason| match reason.as_str() {
            "length" => {
                // The project sets the least length; only the message knows it.
                let least = refusal
                    .message
                    .split(|c: char| !c.is_ascii_digit())
                    .find_map(|digits| digits.parse::<u32>().ok())
                    .unwrap_or(8);
                Some(format!("Use at least {least} characters."))
            }
            "characters" => Some("Mix lower-case and upper-case letters, digits and symbols.".to_owned()),
            "pwned" => Some("This password is known from data leaks; choose another one.".to_owned()),
            _ => None,
        })
        .collect();
    if sentences.is_empty() {
        "This password is too easy to guess. Use a longer one.".to_owned()
    } else {
        sentences.join(" ")
    }
}

#[cfg(test)]
mod tests;
