//! Sessions: access tokens signed, refresh tokens rotated, and all of a session's tokens revoked when an old one comes
//! back.

use super::{
    Provider,
    error::{AuthError, Code},
    keys, protocol, users,
};
use crate::{db::Db, fault::Fault};
use axum::extract::Request;
use http::header;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

const ACCESS_TOKEN_SECONDS: i64 = 3600;
/// A token that has just been used comes back from a second tab, or from a client that lost the answer.
const REUSE_INTERVAL: Duration = Duration::from_secs(10);
const MAX_USER_AGENT_CHARS: usize = 400;

/// What is kept of the device that a session was started on.
#[derive(Debug)]
pub(super) struct Device {
    user_agent: Option<String>,
    address: Option<String>,
}

impl Device {
    pub(super) fn of(provider: &Provider, request: &Request) -> Self {
        let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            user_agent: user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT_CHARS).collect()),
            address: protocol::visitor(provider, request).map(|address| address.to_string()),
        }
    }
}

/// A new session of `user`, who proved who they are by `method`.
pub(super) async fn start(
    provider: &Provider,
    conn: &mut PgConnection,
    user: &users::User,
    method: &str,
    device: &Device,
) -> Result<Value, AuthError> {
    let session = Uuid::new_v4();
    let amr = json!([{ "method": method, "timestamp": OffsetDateTime::now_utc().unix_timestamp() }]);
    sqlx::query!(
        "insert into auth.sessions (id, user_id, amr, user_agent, ip) values ($1, $2, $3, $4, $5::text::inet)",
        session,
        user.id,
        amr,
        device.user_agent,
        device.address
    )
    .execute(&mut *conn)
    .await?;
    let refresh_token = issue_refresh_token(provider, conn, session, None).await?;
    session_json(provider, conn, user, session, "aal1", &amr, &refresh_token).await
}

async fn issue_refresh_token(
    provider: &Provider,
    conn: &mut PgConnection,
    session: Uuid,
    parent: Option<Uuid>,
) -> Result<SecretString, AuthError> {
    let id = Uuid::new_v4();
    let token = provider.keys.refresh_token(id)?;
    sqlx::query!(
        "insert into auth.refresh_tokens (id, token_hash, session_id, parent_id) values ($1, $2, $3, $4)",
        id,
        keys::hash_of(&token),
        session,
        parent
    )
    .execute(conn)
    .await?;
    Ok(token)
}

async fn session_json(
    provider: &Provider,
    conn: &mut PgConnection,
    user: &users::User,
    session: Uuid,
    aal: &str,
    amr: &Value,
    refresh_token: &SecretString,
) -> Result<Value, AuthError> {
    let issued_at = OffsetDateTime::now_utc().unix_timestamp();
    let expires_at = issued_at + ACCESS_TOKEN_SECONDS;
    let claims = json!({
        "iss": provider.issuer,
        "sub": user.id,
        "aud": user.aud,
        "exp": expires_at,
        "iat": issued_at,
        "email": user.email.as_deref().unwrap_or_default(),
        "phone": user.phone.as_deref().unwrap_or_default(),
        "app_metadata": user.raw_app_meta_data,
        "user_metadata": user.raw_user_meta_data,
        "role": user.role,
        "aal": aal,
        "amr": amr,
        "session_id": session,
        "is_anonymous": user.is_anonymous,
    });
    Ok(json!({
        "access_token": provider.keys.sign(&claims)?,
        "token_type": "bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "expires_at": expires_at,
        "refresh_token": refresh_token.expose_secret(),
        "user": users::json(conn, user).await?,
    }))
}

/// A row of `auth.refresh_tokens`, read while its session is locked.
struct TokenRow {
    id: Uuid,
    token_hash: Vec<u8>,
    parent_id: Option<Uuid>,
    revoked: bool,
    updated_at: OffsetDateTime,
}

/// What a refresh token that was presented is good for.
enum Use {
    /// It is the active one: its successor is issued.
    Rotate,
    /// It has been used, but so lately, or with so little come of it, that the active one is given out again.
    Repeat(TokenRow),
    /// An old one: it was copied, by someone or from someone.
    Theft,
}

/// New tokens for a refresh token.
///
/// # Errors
/// 400 with GoTrue's code. A token that should not exist any more revokes its whole session.
pub(super) async fn refresh(provider: &Provider, token: SecretString) -> Result<Value, AuthError> {
    let refused = |code: Code, what: &str| AuthError::new(400, code, &format!("Invalid Refresh Token: {what}"));
    let hash = keys::hash_of(&token);
    let mut tx = provider.db.system().await?;
    let session = sqlx::query_scalar!("select session_id from auth.refresh_tokens where token_hash = $1", hash)
        .fetch_optional(tx.conn())
        .await?
        .ok_or_else(|| refused(Code::RefreshTokenNotFound, "Refresh Token Not Found"))?;
    // One refresh of a session at a time: what is read below stays as it is until the commit.
    let row = sqlx::query!(
        r#"select user_id, aal, amr, not_after as "not_after: OffsetDateTime", revoked_at as "revoked_at: OffsetDateTime"
           from auth.sessions where id = $1 for update"#,
        session
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| refused(Code::SessionNotFound, "Session Not Found"))?;
    if row.revoked_at.is_some() {
        return Err(refused(Code::RefreshTokenAlreadyUsed, "Already Used"));
    }
    if row.not_after.is_some_and(|end| end < OffsetDateTime::now_utc()) {
        return Err(refused(Code::SessionExpired, "Session Expired"));
    }
    let user = users::find(tx.conn(), row.user_id)
        .await?
        .ok_or_else(|| refused(Code::SessionNotFound, "Session Not Found"))?;
    if user.is_banned() {
        return Err(refused(Code::UserBanned, "User Banned"));
    }
    let presented = read_token(tx.conn(), &hash)
        .await?
        .ok_or_else(|| refused(Code::RefreshTokenNotFound, "Refresh Token Not Found"))?;
    let active = match classify(tx.conn(), session, &presented).await? {
        Use::Rotate => rotate(provider, tx.conn(), session, presented.id).await?,
        Use::Repeat(active) => {
            let token = provider.keys.refresh_token(active.id)?;
            // Made with another key file: it cannot be given out again, but succeeded.
            if keys::hash_of(&token) == active.token_hash {
                token
            } else {
                rotate(provider, tx.conn(), session, active.id).await?
            }
        }
        Use::Theft => {
            revoke(tx.conn(), session).await?;
            tx.commit().await?;
            tracing::warn!(%session, "a used refresh token came back: its session is revoked");
            return Err(refused(Code::RefreshTokenAlreadyUsed, "Already Used"));
        }
    };
    let json = session_json(provider, tx.conn(), &user, session, &row.aal, &row.amr, &active).await?;
    tx.commit().await?;
    Ok(json)
}

async fn read_token(conn: &mut PgConnection, hash: &[u8]) -> Result<Option<TokenRow>, sqlx::Error> {
    sqlx::query_as!(
        TokenRow,
        r#"select id, token_hash, parent_id, revoked, updated_at as "updated_at: _" from auth.refresh_tokens where token_hash = $1"#,
        hash
    )
    .fetch_optional(conn)
    .await
}

async fn classify(conn: &mut PgConnection, session: Uuid, presented: &TokenRow) -> Result<Use, sqlx::Error> {
    if !presented.revoked {
        return Ok(Use::Rotate);
    }
    let active = sqlx::query_as!(
        TokenRow,
        r#"select id, token_hash, parent_id, revoked, updated_at as "updated_at: _"
           from auth.refresh_tokens where session_id = $1 and not revoked"#,
        session
    )
    .fetch_optional(conn)
    .await?;
    let is_recent = OffsetDateTime::now_utc() - presented.updated_at <= REUSE_INTERVAL;
    Ok(match active {
        Some(active) if is_recent || active.parent_id == Some(presented.id) => Use::Repeat(active),
        _ => Use::Theft,
    })
}

async fn rotate(
    provider: &Provider,
    conn: &mut PgConnection,
    session: Uuid,
    old: Uuid,
) -> Result<SecretString, AuthError> {
    sqlx::query!("update auth.refresh_tokens set revoked = true, updated_at = now() where id = $1", old)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update auth.sessions set refreshed_at = now(), updated_at = now() where id = $1", session)
        .execute(&mut *conn)
        .await?;
    issue_refresh_token(provider, conn, session, Some(old)).await
}

async fn revoke(conn: &mut PgConnection, session: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth.refresh_tokens set revoked = true, updated_at = now() where session_id = $1 and not revoked",
        session
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update auth.sessions set revoked_at = now(), updated_at = now() where id = $1", session)
        .execute(conn)
        .await?;
    Ok(())
}

/// A session that is there and good.
pub(super) struct Live {
    aal: String,
}

impl Live {
    /// Whether the person has given a code of a second factor in it.
    pub(super) fn is_aal2(&self) -> bool {
        self.aal == "aal2"
    }
}

/// The session that a token names.
pub(super) async fn live(db: &Db, user: Uuid, session: Option<Uuid>) -> Result<Option<Live>, Fault> {
    let mut tx = db.system().await?;
    let found = sqlx::query_as!(
        Live,
        "select aal from auth.sessions
         where id = $1 and user_id = $2 and revoked_at is null and (not_after is null or not_after > now())",
        session,
        user
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// Raises the caller's session to aal2 after a code of `factor`, with new tokens: a refresh token from before must not
/// lead to the raised session. The person's other sessions that gave no code end.
pub(super) async fn raise(
    provider: &Provider,
    conn: &mut PgConnection,
    caller: &super::user::Caller,
    factor: Uuid,
) -> Result<Value, AuthError> {
    let gone = || AuthError::new(403, Code::SessionNotFound, "Session from session_id claim in JWT does not exist");
    let session = caller.claims.session_id.ok_or_else(gone)?;
    let method = json!([{ "method": "totp", "timestamp": OffsetDateTime::now_utc().unix_timestamp() }]);
    let amr = sqlx::query_scalar!(
        r#"update auth.sessions set aal = 'aal2', factor_id = $3, updated_at = now(),
                  amr = $4 || jsonb_path_query_array(amr, '$[*] ? (@.method != "totp")')
           where id = $1 and user_id = $2 and revoked_at is null returning amr"#,
        session,
        caller.user.id,
        factor,
        method
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(gone)?;
    sqlx::query!("delete from auth.refresh_tokens where session_id = $1", session).execute(&mut *conn).await?;
    sqlx::query!("delete from auth.sessions where user_id = $1 and id <> $2 and aal = 'aal1'", caller.user.id, session)
        .execute(&mut *conn)
        .await?;
    let refresh_token = issue_refresh_token(provider, conn, session, None).await?;
    let user = users::find(conn, caller.user.id).await?.ok_or_else(gone)?;
    session_json(provider, conn, &user, session, "aal2", &amr, &refresh_token).await
}

/// Takes back what a factor that is no more has raised.
pub(super) async fn lower(conn: &mut PgConnection, factor: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.sessions set aal = 'aal1', factor_id = null, updated_at = now(),
                  amr = jsonb_path_query_array(amr, '$[*] ? (@.method != "totp")')
           where factor_id = $1"#,
        factor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all sessions of a person.
pub(super) async fn end_all(conn: &mut PgConnection, user: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.sessions where user_id = $1", user).execute(conn).await?;
    Ok(())
}

/// Ends the session that the token belongs to.
pub(super) async fn end_one(conn: &mut PgConnection, user: Uuid, session: Option<Uuid>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.sessions where user_id = $1 and id = $2", user, session).execute(conn).await?;
    Ok(())
}

/// Ends all sessions of a person but the one that the token belongs to.
pub(super) async fn end_others(conn: &mut PgConnection, user: Uuid, session: Option<Uuid>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.sessions where user_id = $1 and id is distinct from $2", user, session)
        .execute(conn)
        .await?;
    Ok(())
}
