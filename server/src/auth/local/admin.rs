//! What only our own server may do, with the secret key: accounts looked up and deleted, second factors taken away.

use super::{
    Provider,
    error::{AuthError, Code},
    factors, one_time,
    protocol::{self, json_body},
    routes::Shared,
    user, users,
};
use axum::{
    Json,
    extract::{FromRequestParts, Path, Request, State},
};
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The secret key stands in both headers, as supabase-js sends it.
async fn check_admin(provider: &Provider, parts: &Parts) -> Result<(), AuthError> {
    let is_secret = |key: &str| provider.keys.is_secret_key(key);
    let has_key = protocol::api_key(&parts.headers, &parts.uri).is_some_and(|key| is_secret(&key));
    if has_key && user::bearer(&parts.headers).is_some_and(is_secret) {
        return Ok(());
    }
    // Whoever is nobody is told that first.
    user::authenticated(provider, &parts.headers).await?;
    Err(AuthError::new(403, Code::NotAdmin, "User not allowed"))
}

/// The user in the path, for whoever has the secret key.
pub(super) struct Asked(users::User);

#[derive(Deserialize)]
struct AskedPath {
    user_id: String,
}

impl FromRequestParts<Arc<Provider>> for Asked {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, AuthError> {
        check_admin(provider, parts).await?;
        let path = Path::<AskedPath>::from_request_parts(parts, provider).await;
        let id: Uuid = path
            .ok()
            .and_then(|Path(asked)| asked.user_id.parse().ok())
            .ok_or_else(|| AuthError::new(404, Code::ValidationFailed, "user_id must be an UUID"))?;
        let unknown = || AuthError::new(404, Code::UserNotFound, "User not found");
        users::by_id(&provider.db, id).await?.map(Self).ok_or_else(unknown)
    }
}

pub(super) async fn show(State(provider): Shared, Asked(user): Asked) -> Result<Json<Value>, AuthError> {
    let mut tx = provider.db.system().await?;
    Ok(Json(users::json(tx.conn(), &user).await?))
}

pub(super) async fn list_factors(State(provider): Shared, Asked(user): Asked) -> Result<Json<Value>, AuthError> {
    let mut tx = provider.db.system().await?;
    let factors = factors::of(tx.conn(), user.id).await?;
    Ok(Json(factors.iter().map(factors::Factor::json).collect()))
}

pub(super) async fn delete_factor(
    State(provider): Shared,
    Asked(user): Asked,
    Path((_, factor)): Path<(String, String)>,
) -> Result<Json<Value>, AuthError> {
    let mut tx = provider.db.system().await?;
    let factor = factors::find(tx.conn(), user.id, &factor).await?;
    factors::remove(tx.conn(), &factor).await?;
    tx.commit().await?;
    Ok(Json(factor.json()))
}

#[derive(Deserialize)]
struct DeleteBody {
    #[serde(default)]
    should_soft_delete: bool,
}

pub(super) async fn delete(
    State(provider): Shared,
    Asked(user): Asked,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    let body: DeleteBody = json_body(request.into_body()).await?;
    let mut tx = provider.db.system().await?;
    if body.should_soft_delete {
        // The row stays for whatever points at it; the address is free again, and nothing signs in.
        sqlx::query!(
            "update auth.users set deleted_at = now(), updated_at = now(), email = null, email_change = '',
                    encrypted_password = null, raw_user_meta_data = '{}'
             where id = $1",
            user.id
        )
        .execute(tx.conn())
        .await?;
        one_time::forget(tx.conn(), user.id).await?;
        sqlx::query!("delete from auth.sessions where user_id = $1", user.id).execute(tx.conn()).await?;
        sqlx::query!("delete from auth.identities where user_id = $1", user.id).execute(tx.conn()).await?;
        sqlx::query!("delete from auth.mfa_factors where user_id = $1", user.id).execute(tx.conn()).await?;
    } else {
        // Sessions, identities, factors and links go with it.
        sqlx::query!("delete from auth.users where id = $1", user.id).execute(tx.conn()).await?;
    }
    tx.commit().await?;
    Ok(Json(json!({})))
}
