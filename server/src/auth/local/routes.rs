//! The endpoints, and those that only tell something.

use super::{
    Provider, admin,
    error::{AuthError, Code},
    factors, grant, mailing,
    protocol::protocol,
    sign_up, user, users, verify,
};
use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::IntoResponse,
    routing::{get, post},
};
use domain::text::Email;
use http::header;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) type Shared = State<Arc<Provider>>;

pub(super) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/signup", post(sign_up::sign_up))
        .route("/token", post(grant::token))
        .route("/recover", post(mailing::recover))
        .route("/resend", post(mailing::resend))
        .route("/otp", post(mailing::otp))
        .route("/magiclink", post(mailing::otp))
        .route("/verify", get(verify::by_link).post(verify::by_post))
        .route("/reauthenticate", get(mailing::reauthenticate))
        .route("/user", get(user::show).put(user::update))
        .route("/logout", post(user::log_out))
        .route("/factors", post(factors::enrol))
        .route("/factors/{factor_id}", axum::routing::delete(factors::unenrol))
        .route("/factors/{factor_id}/challenge", post(factors::challenge))
        .route("/factors/{factor_id}/verify", post(factors::verify))
        .route("/admin/users/{user_id}", get(admin::show).delete(admin::delete))
        .route("/admin/users/{user_id}/factors", get(admin::list_factors))
        .route("/admin/users/{user_id}/factors/{factor_id}", axum::routing::delete(admin::delete_factor))
        .route("/settings", get(settings))
        .route("/health", get(health))
        .route("/.well-known/jwks.json", get(jwks))
        .fallback(async || AuthError::new(404, Code::NotFound, "404 page not found"))
        .method_not_allowed_fallback(async || AuthError::new(405, Code::NotFound, "Method not allowed"))
        .layer(middleware::from_fn_with_state(Arc::clone(&provider), protocol))
        .with_state(provider)
}

async fn settings(State(provider): Shared) -> Json<Value> {
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
        "disable_signup": provider.settings.sign_up_closed,
        "mailer_autoconfirm": !provider.settings.confirm_email,
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

/// # Errors
/// 400 `validation_failed`.
pub(super) fn parse_email(text: &str) -> Result<String, AuthError> {
    Email::parse("email", text)
        .map(String::from)
        .map_err(|_| AuthError::invalid("Unable to validate email address: invalid format"))
}
