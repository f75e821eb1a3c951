//! The endpoints.

use super::{
    Provider,
    error::{AuthError, Code},
    password,
    protocol::{json_body, protocol, visitor},
    sessions, users,
};
use crate::auth::token::{Claims, TokenError};
use axum::{
    Json, Router,
    extract::{Query, Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::text::Email;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

type Shared = State<Arc<Provider>>;

pub(super) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/signup", post(sign_up))
        .route("/token", post(token))
        .route("/user", get(user))
        .route("/logout", post(log_out))
        .route("/settings", get(settings))
        .route("/health", get(health))
        .route("/.well-known/jwks.json", get(jwks))
        .fallback(async || AuthError::new(404, Code::NotFound, "404 page not found"))
        .method_not_allowed_fallback(async || AuthError::new(405, Code::NotFound, "Method not allowed"))
        .layer(middleware::from_fn_with_state(Arc::clone(&provider), protocol))
        .with_state(provider)
}

#[derive(Deserialize)]
struct SignUpBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    password: Option<String>,
    /// The person's own metadata.
    #[serde(default)]
    data: Option<Map<String, Value>>,
}

async fn sign_up(State(provider): Shared, request: Request) -> Result<Response, AuthError> {
    provider.limits.count_address(visitor(&provider, &request))?;
    let client = sessions::Device::of(&provider, &request);
    let body: SignUpBody = json_body(request.into_body()).await?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let Some(email) = given(&body.email) else {
        return Err(match given(&body.phone) {
            Some(_) => AuthError::new(400, Code::PhoneProviderDisabled, "Phone signups are disabled"),
            None => AuthError::new(422, Code::AnonymousProviderDisabled, "Anonymous sign-ins are disabled"),
        });
    };
    let email = parse_email(&email)?;
    let Some(password) = given(&body.password) else {
        return Err(AuthError::new(400, Code::ValidationFailed, "Signup requires a valid password"));
    };
    password::check_rules(&password)?;
    let data = body.data.unwrap_or_default();
    // Postgres stores no NUL, in JSON neither.
    if Value::Object(data.clone()).to_string().contains("\\u0000") {
        return Err(AuthError::new(400, Code::ValidationFailed, "User metadata must not contain NUL characters"));
    }
    if users::exists(&provider.db, &email).await? {
        return Err(users::already_exists());
    }
    let hash = provider.passwords.hash(&password).await?;
    let mut tx = provider.db.system().await?;
    let user = users::insert(tx.conn(), &email, &hash, data).await?;
    let session = sessions::start(&provider, tx.conn(), &user, "password", &client).await?;
    tx.commit().await?;
    Ok(Json(session).into_response())
}

#[derive(Deserialize)]
struct TokenQuery {
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

async fn token(State(provider): Shared, query: Query<TokenQuery>, request: Request) -> Result<Response, AuthError> {
    provider.limits.count_address(visitor(&provider, &request))?;
    let client = sessions::Device::of(&provider, &request);
    let session = match query.grant_type.as_str() {
        "password" => by_password(&provider, json_body(request.into_body()).await?, &client).await?,
        "refresh_token" => {
            let body: RefreshBody = json_body(request.into_body()).await?;
            if body.refresh_token.is_empty() {
                return Err(AuthError::new(400, Code::ValidationFailed, "refresh_token required"));
            }
            sessions::refresh(&provider, body.refresh_token.into()).await?
        }
        _ => return Err(AuthError::new(400, Code::InvalidCredentials, "unsupported_grant_type")),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response())
}

async fn by_password(provider: &Provider, body: PasswordBody, client: &sessions::Device) -> Result<Value, AuthError> {
    let wrong = || AuthError::new(400, Code::InvalidCredentials, "Invalid login credentials");
    let Some(email) = body.email.filter(|email| !email.is_empty()) else {
        return Err(match body.phone {
            Some(_) => AuthError::new(400, Code::PhoneProviderDisabled, "Phone logins are disabled"),
            None => AuthError::new(400, Code::ValidationFailed, "missing email or phone"),
        });
    };
    // What is no address has no account; it says so like any other that has none.
    let email = email.trim().to_lowercase();
    // Longer than any address can be (RFC 5321, 4.5.3.1.3): it must not become a key of the limits, which are kept.
    if email.len() > 254 || email.contains('\0') {
        return Err(wrong());
    }
    provider.limits.check_account(&email)?;
    let user = users::by_email(&provider.db, &email).await?;
    let hash = user.as_ref().and_then(|user| user.encrypted_password.as_deref());
    let matches = provider.passwords.verify(&body.password, hash).await?;
    let Some(user) = user.filter(|_| matches) else {
        provider.limits.count_wrong_password(&email);
        return Err(wrong());
    };
    if user.is_banned() {
        return Err(AuthError::new(400, Code::UserBanned, "User is banned"));
    }
    if user.email_confirmed_at.is_none() {
        return Err(AuthError::new(400, Code::EmailNotConfirmed, "Email not confirmed"));
    }
    let mut tx = provider.db.system().await?;
    let user = users::note_sign_in(tx.conn(), user.id).await?.ok_or_else(wrong)?;
    let session = sessions::start(provider, tx.conn(), &user, "password", client).await?;
    tx.commit().await?;
    Ok(session)
}

async fn user(State(provider): Shared, headers: HeaderMap) -> Result<Response, AuthError> {
    let (_, user) = authenticated(&provider, &headers).await?;
    let mut tx = provider.db.system().await?;
    Ok(Json(users::json(tx.conn(), &user).await?).into_response())
}

#[derive(Deserialize)]
struct LogOutQuery {
    #[serde(default)]
    scope: Option<String>,
}

async fn log_out(
    State(provider): Shared,
    query: Query<LogOutQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, AuthError> {
    let (claims, user) = authenticated(&provider, &headers).await?;
    match query.scope.as_deref() {
        None | Some("" | "global") => sessions::end_all(&provider.db, user.id).await?,
        Some("local") => sessions::end_one(&provider.db, user.id, claims.session_id).await?,
        Some("others") => sessions::end_others(&provider.db, user.id, claims.session_id).await?,
        Some(other) => {
            return Err(AuthError::new(400, Code::ValidationFailed, &format!("Unsupported logout scope {other:?}")));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The token's owner: the session must still be there, and the person neither deleted nor banned.
async fn authenticated(provider: &Provider, headers: &HeaderMap) -> Result<(Claims, users::User), AuthError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| AuthError::new(401, Code::NoAuthorization, "This endpoint requires a valid Bearer token"))?;
    let claims = provider.verifier.verify(token).await.map_err(|error| {
        let reason = match error {
            TokenError::Expired => "token is expired".to_owned(),
            other => other.to_string(),
        };
        AuthError::new(403, Code::BadJwt, &format!("invalid JWT: unable to parse or verify signature, {reason}"))
    })?;
    if !sessions::is_live(&provider.db, claims.sub, claims.session_id).await? {
        return Err(AuthError::new(403, Code::SessionNotFound, "Session from session_id claim in JWT does not exist"));
    }
    let user = users::by_id(&provider.db, claims.sub)
        .await?
        .ok_or_else(|| AuthError::new(403, Code::UserNotFound, "User from sub claim in JWT does not exist"))?;
    if user.is_banned() {
        return Err(AuthError::new(403, Code::UserBanned, "User is banned"));
    }
    Ok((claims, user))
}

async fn settings() -> Json<Value> {
    // Named one by one, because clients read each: an absent one is an error to some.
    let off = [
        "anonymous_users",
        "apple",
        "azure",
        "bitbucket",
        "discord",
        "facebook",
        "figma",
        "fly",
        "github",
        "gitlab",
        "google",
        "kakao",
        "keycloak",
        "linkedin",
        "linkedin_oidc",
        "notion",
        "phone",
        "slack",
        "slack_oidc",
        "snapchat",
        "spotify",
        "twitch",
        "twitter",
        "workos",
        "x",
        "zoom",
    ];
    let mut external: Map<String, Value> = off.into_iter().map(|name| (name.to_owned(), Value::Bool(false))).collect();
    external.insert("email".to_owned(), Value::Bool(true));
    Json(json!({
        "external": external,
        "disable_signup": false,
        "mailer_autoconfirm": true,
        "phone_autoconfirm": false,
        "sms_provider": "",
        "saml_enabled": false,
    }))
}

async fn health(State(provider): Shared) -> Result<Json<Value>, AuthError> {
    users::check(&provider.db).await?;
    Ok(Json(json!({
        "version": concat!("v", env!("CARGO_PKG_VERSION")),
        "name": "Atelier",
        "description": "Atelier's embedded identity provider, compatible with Supabase Auth",
    })))
}

async fn jwks(State(provider): Shared) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=600")], Json(provider.keys.jwks()))
}

fn parse_email(text: &str) -> Result<String, AuthError> {
    Email::parse("email", text)
        .map(String::from)
        .map_err(|_| AuthError::new(400, Code::ValidationFailed, "Unable to validate email address: invalid format"))
}
