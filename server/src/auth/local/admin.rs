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
    extract::{Path, Request, State},
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The secret key stands in both headers, as supabase-js sends it.
async fn check_admin(provider: &Provider, has_key: bool, headers: &HeaderMap) -> Result<(), AuthError> {
    let is_admin = user::bearer(headers).is_some_and(|token| provider.keys.is_secret_key(token));
    if has_key && is_admin {
        return Ok(());
    }
    // Whoever is nobody is told that first.
    user::authenticated(provider, headers).await?;
    Err(AuthError::new(403, Code::NotAdmin, "User not allowed"))
}

fn has_secret_key(provider: &Provider, request: &Request) -> bool {
    protocol::api_key(request).is_some_and(|key| provider.keys.is_secret_key(&key))
}

async fn find(provider: &Provider, id: &str) -> Result<users::User, AuthError> {
    let id: Uuid = id.parse().map_err(|_| AuthError::new(404, Code::ValidationFailed, "user_id must be an UUID"))?;
    let unknown = || AuthError::new(404, Code::UserNotFound, "User not found");
    users::by_id(&provider.db, id).await?.ok_or_else(unknown)
}

pub(super) async fn show(
    State(provider): Shared,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    check_admin(&provider, has_secret_key(&provider, &request), request.headers()).await?;
    let user = find(&provider, &id).await?;
    let mut tx = provider.db.system().await?;
    Ok(Json(users::json(tx.conn(), &user).await?))
}

pub(super) async fn list_factors(
    State(provider): Shared,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    check_admin(&provider, has_secret_key(&provider, &request), request.headers()).await?;
    let user = find(&provider, &id).await?;
    let mut tx = provider.db.system().await?;
    let factors = factors::of(tx.conn(), user.id).await?;
    Ok(Json(factors.iter().map(factors::Factor::json).collect()))
}

pub(super) async fn delete_factor(
    State(provider): Shared,
    Path((id, factor)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    check_admin(&provider, has_secret_key(&provider, &request), request.headers()).await?;
    let user = find(&provider, &id).await?;
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
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    let has_key = has_secret_key(&provider, &request);
    let (parts, body) = request.into_parts();
    check_admin(&provider, has_key, &parts.headers).await?;
    let user = find(&provider, &id).await?;
    let body: DeleteBody = json_body(body).await?;
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
