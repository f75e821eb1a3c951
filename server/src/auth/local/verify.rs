//! `/verify`: a link of a mail, or its six digits.

use super::{
    Provider,
    error::{AuthError, Code},
    flow,
    one_time::{self, Kind, PKCE_PREFIX, Taken},
    protocol::{json_body, visitor},
    redirect,
    routes::{Shared, parse_email},
    sessions::{self, Device},
    users,
};
use axum::{
    Json,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// GoTrue's words for the first half of a change of address.
const HALF: &str = "Confirmation link accepted. Please proceed to confirm link sent to the other email";

#[derive(Deserialize)]
struct VerifyBody {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    token_hash: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    redirect_to: String,
}

#[derive(Deserialize)]
pub(super) struct VerifyQuery {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    token: String,
}

/// What a link or a code led to.
enum Verified {
    Person(Box<users::User>),
    /// The other address of a change is still to be confirmed.
    Half,
}

pub(super) async fn by_post(State(provider): Shared, request: Request) -> Result<Response, AuthError> {
    provider.limits.verification(visitor(&provider, &request))?;
    let device = Device::of(&provider, &request);
    let body: VerifyBody = json_body(request.into_body()).await?;
    let kinds = kinds(&body.kind)?;
    if body.token.is_empty() == body.token_hash.is_empty() {
        return Err(AuthError::invalid("Verify requires either a token or a token hash"));
    }
    let guessed = if body.token.is_empty() {
        if !body.email.is_empty() || !body.phone.is_empty() || !body.redirect_to.is_empty() {
            return Err(AuthError::invalid("Only the token_hash and type should be provided"));
        }
        None
    } else {
        Some(guess(&provider, &body, kinds).await?)
    };
    let mut tx = provider.db.system().await?;
    let taken = match guessed {
        Some(id) => one_time::take(tx.conn(), id).await?.ok_or_else(code_expired)?,
        None => take_link(tx.conn(), body.token_hash.into(), kinds).await?,
    };
    let answer = match accept(tx.conn(), &taken).await? {
        Verified::Half => json!({ "msg": HALF, "code": "200" }),
        Verified::Person(user) => sessions::start(&provider, tx.conn(), &user, "otp", &device).await?,
    };
    tx.commit().await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// What a mail's link does when it leads here and not to our own page.
pub(super) async fn by_link(
    State(provider): Shared,
    query: Query<VerifyQuery>,
    request: Request,
) -> Result<Response, AuthError> {
    if query.kind.is_empty() {
        return Err(AuthError::invalid("Verify requires a verification type"));
    }
    if query.token.is_empty() {
        return Err(AuthError::invalid("Verify requires a token or a token hash"));
    }
    // Programs that look at links before people do ask for the head alone: that must not use them up.
    if request.method() == Method::HEAD {
        return Ok(StatusCode::OK.into_response());
    }
    provider.limits.verification(visitor(&provider, &request))?;
    let device = Device::of(&provider, &request);
    let mut target = redirect::wanted(&provider, &request);
    let is_pkce = query.token.starts_with(PKCE_PREFIX);
    match open(&provider, &query, &device).await {
        Ok(Opened::Session(session)) => set_fragment(&mut target, &session_pairs(&session, &query.kind)),
        Ok(Opened::Code(code)) => {
            target.query_pairs_mut().append_pair("code", &code.to_string());
        }
        Ok(Opened::Half) => {
            if is_pkce {
                target.query_pairs_mut().append_pair("message", HALF);
            }
            set_fragment(&mut target, &[("message", HALF.to_owned())]);
        }
        Err(error) => {
            let pairs = error_pairs(&error);
            target.query_pairs_mut().extend_pairs(&pairs);
            set_fragment(&mut target, &pairs);
        }
    }
    let headers = [(header::LOCATION, target.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

enum Opened {
    Session(Value),
    Code(Uuid),
    Half,
}

async fn open(provider: &Provider, query: &VerifyQuery, device: &Device) -> Result<Opened, AuthError> {
    let kinds = kinds(&query.kind)?;
    let mut tx = provider.db.system().await?;
    let taken = take_link(tx.conn(), query.token.clone().into(), kinds).await?;
    let opened = match (accept(tx.conn(), &taken).await?, taken.flow_state) {
        (Verified::Half, _) => Opened::Half,
        (Verified::Person(_), Some(flow)) => {
            let over = || AuthError::new(400, Code::FlowStateNotFound, "No associated flow state found.");
            Opened::Code(flow::issue_code(tx.conn(), flow).await?.ok_or_else(over)?)
        }
        (Verified::Person(user), None) => {
            Opened::Session(sessions::start(provider, tx.conn(), &user, "otp", device).await?)
        }
    };
    tx.commit().await?;
    Ok(opened)
}

/// What the protocol's `type` may name.
fn kinds(name: &str) -> Result<&'static [Kind], AuthError> {
    match name {
        "signup" | "invite" => Ok(&[Kind::Confirmation]),
        "recovery" | "magiclink" => Ok(&[Kind::Recovery]),
        "email" => Ok(&[Kind::Confirmation, Kind::Recovery]),
        "email_change" => Ok(&[Kind::EmailChangeNew, Kind::EmailChangeCurrent]),
        "" => Err(AuthError::invalid("Verify requires a verification type")),
        _ => Err(AuthError::invalid("Unsupported verification type")),
    }
}

async fn guess(provider: &Provider, body: &VerifyBody, kinds: &[Kind]) -> Result<Uuid, AuthError> {
    if body.email.is_empty() || !body.phone.is_empty() {
        return Err(AuthError::invalid("Only an email address or phone number should be provided on verify"));
    }
    let email =
        parse_email(&body.email).map_err(|_| AuthError::new(422, Code::ValidationFailed, "Invalid email format"))?;
    provider.limits.code(&email)?;
    one_time::guess(provider, &email, body.token.trim(), kinds).await?.ok_or_else(code_expired)
}

async fn take_link(conn: &mut PgConnection, token: SecretString, kinds: &[Kind]) -> Result<Taken, AuthError> {
    let expired = || AuthError::new(403, Code::OtpExpired, "Email link is invalid or has expired");
    one_time::take_token(conn, &token, kinds).await?.ok_or_else(expired)
}

fn code_expired() -> AuthError {
    AuthError::new(403, Code::OtpExpired, "Token has expired or is invalid")
}

/// Draws the consequence of what was consumed.
async fn accept(conn: &mut PgConnection, taken: &Taken) -> Result<Verified, AuthError> {
    // Two halves of one change at the same time come one after the other.
    sqlx::query!("select id from auth.users where id = $1 for update", taken.user_id)
        .fetch_optional(&mut *conn)
        .await?;
    let user = users::find(conn, taken.user_id).await?.ok_or_else(code_expired)?;
    if user.is_banned() {
        return Err(AuthError::new(403, Code::UserBanned, "User is banned"));
    }
    match taken.kind {
        Kind::Confirmation => users::confirm(conn, user.id, false).await?,
        Kind::Recovery if user.email_confirmed_at.is_none() => users::confirm(conn, user.id, true).await?,
        Kind::Recovery => {}
        Kind::EmailChangeNew | Kind::EmailChangeCurrent => {
            if one_time::is_half_changed(conn, user.id).await? {
                return Ok(Verified::Half);
            }
            if user.email_change.is_empty() {
                return Err(code_expired());
            }
            users::change_email(conn, &user).await?;
            // What was mailed to the old address counts no more.
            sqlx::query!("delete from auth.one_time_tokens where user_id = $1", user.id).execute(&mut *conn).await?;
        }
        Kind::Reauthentication => return Err(code_expired()),
    }
    let user = users::note_sign_in(conn, user.id).await?.ok_or_else(code_expired)?;
    Ok(Verified::Person(Box::new(user)))
}

fn session_pairs(session: &Value, kind: &str) -> Vec<(&'static str, String)> {
    let text = |name: &str| match &session[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut pairs: Vec<_> = ["access_token", "expires_at", "expires_in", "refresh_token", "token_type"]
        .into_iter()
        .map(|name| (name, text(name)))
        .collect();
    pairs.push(("type", kind.to_owned()));
    pairs
}

fn error_pairs(error: &AuthError) -> Vec<(&'static str, String)> {
    // OAuth's names (RFC 6749, 4.1.2.1).
    let name = match error.status().as_u16() {
        401 => "unauthorized_client",
        403 => "access_denied",
        500 => "server_error",
        503 => "temporarily_unavailable",
        _ => "invalid_request",
    };
    vec![
        ("error", name.to_owned()),
        ("error_code", error.code().as_str().to_owned()),
        ("error_description", error.message().to_owned()),
    ]
}

/// `sb` tells clients whose redirect it is.
fn set_fragment(target: &mut Url, pairs: &[(&'static str, String)]) {
    let mut fragment = form_urlencoded::Serializer::new(String::new());
    fragment.extend_pairs(pairs).append_pair("sb", "");
    target.set_fragment(Some(&fragment.finish()));
}
