//! `POST /token`: a session for a password, a refresh token, or the code of a redirect.

use super::{
    Provider,
    error::{AuthError, Code},
    flow,
    protocol::{json_body, visitor},
    routes::Shared,
    sessions, users,
};
use axum::{
    Json,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct TokenQuery {
    #[serde(default)]
    grant_type: String,
}

#[derive(Deserialize)]
struct PasswordBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct RefreshBody {
    #[serde(default)]
    refresh_token: String,
}

#[derive(Deserialize)]
struct PkceBody {
    #[serde(default)]
    auth_code: String,
    #[serde(default)]
    code_verifier: String,
}

pub(super) async fn token(
    State(provider): Shared,
    query: Query<TokenQuery>,
    request: Request,
) -> Result<Response, AuthError> {
    provider.limits.token(visitor(&provider, &request))?;
    let device = sessions::Device::of(&provider, &request);
    let session = match query.grant_type.as_str() {
        "password" => by_password(&provider, json_body(request.into_body()).await?, &device).await?,
        "refresh_token" => {
            let body: RefreshBody = json_body(request.into_body()).await?;
            if body.refresh_token.is_empty() {
                return Err(AuthError::invalid("refresh_token required"));
            }
            sessions::refresh(&provider, body.refresh_token.into()).await?
        }
        "pkce" => by_code(&provider, json_body(request.into_body()).await?, &device).await?,
        _ => return Err(AuthError::new(400, Code::InvalidCredentials, "unsupported_grant_type")),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response())
}

async fn by_password(provider: &Provider, body: PasswordBody, device: &sessions::Device) -> Result<Value, AuthError> {
    let wrong = || AuthError::new(400, Code::InvalidCredentials, "Invalid login credentials");
    let Some(email) = body.email.filter(|email| !email.is_empty()) else {
        return Err(match body.phone {
            Some(_) => AuthError::new(400, Code::PhoneProviderDisabled, "Phone logins are disabled"),
            None => AuthError::invalid("missing email or phone"),
        });
    };
    // What is no address has no account; it says so like any other that has none.
    let email = email.trim().to_lowercase();
    // Longer than any address can be (RFC 5321, 4.5.3.1.3).
    if email.len() > 254 || email.contains('\0') {
        return Err(wrong());
    }
    provider.limits.password(&email)?;
    let user = users::by_email(&provider.db, &email).await?;
    let hash = user.as_ref().and_then(|user| user.encrypted_password.as_deref());
    let matches = provider.passwords.verify(&body.password, hash).await?;
    let user = user.filter(|_| matches).ok_or_else(wrong)?;
    if user.is_banned() {
        return Err(AuthError::new(400, Code::UserBanned, "User is banned"));
    }
    if user.email_confirmed_at.is_none() {
        return Err(AuthError::new(400, Code::EmailNotConfirmed, "Email not confirmed"));
    }
    let mut tx = provider.db.system().await?;
    let user = users::note_sign_in(tx.conn(), user.id).await?.ok_or_else(wrong)?;
    let session = sessions::start(provider, tx.conn(), &user, "password", device).await?;
    tx.commit().await?;
    Ok(session)
}

async fn by_code(provider: &Provider, body: PkceBody, device: &sessions::Device) -> Result<Value, AuthError> {
    if body.auth_code.is_empty() || body.code_verifier.is_empty() {
        return Err(AuthError::invalid("invalid request: both auth code and code verifier should be non-empty"));
    }
    let mut tx = provider.db.system().await?;
    let (user, method) = flow::exchange(tx.conn(), &body.auth_code, &body.code_verifier).await?;
    let user = users::note_sign_in(tx.conn(), user)
        .await?
        .ok_or_else(|| AuthError::new(404, Code::FlowStateNotFound, "invalid flow state, no valid flow state found"))?;
    if user.is_banned() {
        return Err(AuthError::new(400, Code::UserBanned, "User is banned"));
    }
    let session = sessions::start(provider, tx.conn(), &user, &method, device).await?;
    tx.commit().await?;
    Ok(session)
}
