//! The account of whoever asks: `/user` and `/logout`.

use super::{
    Provider,
    error::{AuthError, Code},
    factors,
    flow::{self, Challenge, ChallengeBody},
    letters::{self, Letter},
    limits::Mailing,
    one_time::{self, Kind},
    password,
    protocol::{json_body, visitor},
    redirect,
    routes::{Shared, parse_email},
    sessions, users,
};
use crate::{
    auth::token::{Claims, TokenError},
    fault::Fault,
    mail::Mail,
};
use axum::{
    Json,
    extract::{Query, Request, State},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// A person whose token has been verified and whose session is there.
pub(super) struct Caller {
    pub claims: Arc<Claims>,
    pub user: users::User,
    pub session: sessions::Live,
}

/// What stands in `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token's owner: the session must still be there, and the person neither deleted nor banned.
///
/// # Errors
/// 401 without a token, 403 with one that does not count.
pub(super) async fn authenticated(provider: &Provider, headers: &HeaderMap) -> Result<Caller, AuthError> {
    let token = bearer(headers)
        .ok_or_else(|| AuthError::new(401, Code::NoAuthorization, "This endpoint requires a valid Bearer token"))?;
    let claims = provider.verifier.verify(token).await.map_err(|error| {
        let reason = match error {
            TokenError::Expired => "token is expired".to_owned(),
            other => other.to_string(),
        };
        AuthError::new(403, Code::BadJwt, &format!("invalid JWT: unable to parse or verify signature, {reason}"))
    })?;
    let session = sessions::live(&provider.db, claims.sub, claims.session_id).await?.ok_or_else(|| {
        AuthError::new(403, Code::SessionNotFound, "Session from session_id claim in JWT does not exist")
    })?;
    let user = users::by_id(&provider.db, claims.sub)
        .await?
        .ok_or_else(|| AuthError::new(403, Code::UserNotFound, "User from sub claim in JWT does not exist"))?;
    if user.is_banned() {
        return Err(AuthError::new(403, Code::UserBanned, "User is banned"));
    }
    Ok(Caller { claims, user, session })
}

pub(super) async fn show(State(provider): Shared, headers: HeaderMap) -> Result<Json<Value>, AuthError> {
    let caller = authenticated(&provider, &headers).await?;
    let mut tx = provider.db.system().await?;
    Ok(Json(users::json(tx.conn(), &caller.user).await?))
}

#[derive(Deserialize)]
struct UpdateBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    current_password: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    app_metadata: Option<Value>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(flatten)]
    challenge: ChallengeBody,
}

pub(super) async fn update(State(provider): Shared, request: Request) -> Result<Json<Value>, AuthError> {
    let caller = authenticated(&provider, request.headers()).await?;
    let (from, redirect_to) = (visitor(&provider, &request), redirect::wanted(&provider, &request));
    let mut body: UpdateBody = json_body(request.into_body()).await?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if body.app_metadata.is_some() {
        return Err(AuthError::new(403, Code::NotAdmin, "Updating app_metadata requires admin privileges"));
    }
    if given(body.phone.take()).is_some() {
        return Err(AuthError::new(400, Code::PhoneProviderDisabled, "Phone logins are disabled"));
    }
    let email = given(body.email.take()).map(|email| parse_email(&email)).transpose()?;
    let email = email.filter(|email| email != caller.user.email());
    let new_password = given(body.password.take());
    if let Some(password) = &new_password {
        password::check_rules(password)?;
    }
    let data = body.data.take();
    data.as_ref().map(users::check_metadata).transpose()?;
    let challenge = std::mem::take(&mut body.challenge).check()?;
    if (email.is_some() || new_password.is_some()) && !caller.session.is_aal2() {
        refuse_without_factor(&provider, caller.user.id).await?;
    }
    if let Some(email) = &email {
        provider.limits.mail(from, caller.user.email(), Mailing::EmailChange)?;
        if users::exists(&provider.db, email).await? {
            return Err(users::email_exists());
        }
    }
    let new_password = match &new_password {
        Some(new) => Some(check_password_change(&provider, &caller.user, new, &body).await?),
        None => None,
    };

    let mut tx = provider.db.system().await?;
    if let Some(change) = &new_password {
        change_password(tx.conn(), &caller, change).await?;
    }
    if let Some(data) = data {
        // As GoTrue: what is set to null goes, what is not named stays.
        let gone: Vec<String> =
            data.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
        sqlx::query!(
            "update auth.users set raw_user_meta_data = (raw_user_meta_data || $2) - $3::text[], updated_at = now()
             where id = $1",
            caller.user.id,
            Value::Object(data),
            &gone
        )
        .execute(tx.conn())
        .await?;
    }
    let mut mails = Vec::new();
    if let Some(email) = &email {
        mails = begin_email_change(&provider, tx.conn(), &caller.user, email, challenge.as_ref(), &redirect_to).await?;
    }
    let user = users::find(tx.conn(), caller.user.id)
        .await?
        .ok_or_else(|| AuthError::new(403, Code::UserNotFound, "User from sub claim in JWT does not exist"))?;
    let shown = users::json(tx.conn(), &user).await?;
    tx.commit().await?;
    mails.into_iter().for_each(|mail| provider.mailer.send_later(mail));
    Ok(Json(shown))
}

async fn refuse_without_factor(provider: &Provider, user: Uuid) -> Result<(), AuthError> {
    let mut tx = provider.db.system().await?;
    if factors::of(tx.conn(), user).await?.iter().any(factors::Factor::is_verified) {
        return Err(AuthError::new(
            401,
            Code::InsufficientAal,
            "AAL2 session is required to update email or password when MFA is enabled.",
        ));
    }
    Ok(())
}

/// A change of password that may be made.
struct PasswordChange {
    hash: String,
    /// The mailed code that is used up with it.
    nonce: Option<Uuid>,
}

async fn check_password_change(
    provider: &Provider,
    user: &users::User,
    new: &str,
    body: &UpdateBody,
) -> Result<PasswordChange, AuthError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    // Both checks below would tell whoever has found an open session what the password is.
    provider.limits.password(user.email())?;
    let nonce = match given(&body.nonce) {
        Some(nonce) => {
            provider.limits.code(user.email())?;
            let found = one_time::guess(provider, user.email(), nonce.trim(), &[Kind::Reauthentication]).await?;
            let invalid = || AuthError::new(422, Code::ReauthenticationNotValid, "Nonce has expired or is invalid");
            Some(found.ok_or_else(invalid)?)
        }
        None => None,
    };
    let hash = user.encrypted_password.as_deref();
    if let Some(current) = given(&body.current_password)
        && !provider.passwords.verify(&current, hash).await?
    {
        return Err(AuthError::new(
            400,
            Code::CurrentPasswordInvalid,
            "Current password required when setting new password.",
        ));
    }
    if hash.is_some() && provider.passwords.verify(new, hash).await? {
        return Err(AuthError::new(422, Code::SamePassword, "New password should be different from the old password."));
    }
    Ok(PasswordChange { hash: provider.passwords.hash(new).await?, nonce })
}

/// Ends everything that was begun under the old password: other sessions, links and codes under way.
async fn change_password(conn: &mut PgConnection, caller: &Caller, change: &PasswordChange) -> Result<(), AuthError> {
    if let Some(nonce) = change.nonce {
        let used = || AuthError::new(422, Code::ReauthenticationNotValid, "Nonce has expired or is invalid");
        one_time::take(conn, nonce).await?.ok_or_else(used)?;
    }
    sqlx::query!(
        "update auth.users set encrypted_password = $2, email_change = '', updated_at = now() where id = $1",
        caller.user.id,
        change.hash
    )
    .execute(&mut *conn)
    .await?;
    one_time::forget(conn, caller.user.id).await?;
    sessions::end_others(conn, caller.user.id, caller.claims.session_id).await?;
    Ok(())
}

/// Two mails, one to each address: both are to be confirmed.
async fn begin_email_change(
    provider: &Provider,
    conn: &mut PgConnection,
    user: &users::User,
    new: &str,
    challenge: Option<&Challenge>,
    redirect_to: &Url,
) -> Result<Vec<Mail>, Fault> {
    sqlx::query!(
        "update auth.users set email_change = $2, email_change_sent_at = now(), updated_at = now() where id = $1",
        user.id,
        new
    )
    .execute(&mut *conn)
    .await?;
    let flow = match challenge {
        Some(challenge) => Some(flow::begin(conn, user.id, "email_change", challenge).await?),
        None => None,
    };
    let mut mails = Vec::new();
    for (kind, address) in [(Kind::EmailChangeNew, new), (Kind::EmailChangeCurrent, user.email())] {
        if address.is_empty() {
            continue;
        }
        let issued = one_time::issue(provider, conn, user.id, kind, address, flow).await?;
        mails.push(letters::with_link(provider, Letter::EmailChange, address, &issued, redirect_to));
    }
    Ok(mails)
}

/// The same once more, for whoever lost them.
pub(super) async fn mail_change(
    provider: &Provider,
    user: &users::User,
    new: &str,
    challenge: Option<&Challenge>,
    redirect_to: &Url,
) -> Result<(), Fault> {
    let mut tx = provider.db.system().await?;
    let mails = begin_email_change(provider, tx.conn(), user, new, challenge, redirect_to).await?;
    tx.commit().await?;
    for mail in mails {
        provider.mailer.send(mail).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct LogOutQuery {
    #[serde(default)]
    scope: Option<String>,
}

pub(super) async fn log_out(
    State(provider): Shared,
    query: Query<LogOutQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, AuthError> {
    let caller = authenticated(&provider, &headers).await?;
    let (user, session) = (caller.user.id, caller.claims.session_id);
    let mut tx = provider.db.system().await?;
    match query.scope.as_deref() {
        None | Some("" | "global") => sessions::end_all(tx.conn(), user).await?,
        Some("local") => sessions::end_one(tx.conn(), user, session).await?,
        Some("others") => sessions::end_others(tx.conn(), user, session).await?,
        Some(other) => return Err(AuthError::invalid(&format!("Unsupported logout scope {other:?}"))),
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
