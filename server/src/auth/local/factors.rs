//! The second factor: an authenticator app with time-based codes (RFC 6238).

use super::{
    error::{AuthError, Code},
    keys,
    protocol::{json_body, visitor},
    routes::Shared,
    sessions, user, users,
};
use crate::fault::Fault;
use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

/// GoTrue's figures.
const MAX_FACTORS: usize = 10;
const CHALLENGE_LIFETIME: time::Duration = time::Duration::minutes(5);
/// RFC 4226, 4: 160 bits are recommended.
const SECRET_BYTES: usize = 20;
const MAX_NAME_CHARS: usize = 100;

pub(super) struct Factor {
    pub id: Uuid,
    friendly_name: Option<String>,
    status: String,
    secret: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Factor {
    pub(super) fn is_verified(&self) -> bool {
        self.status == "verified"
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "friendly_name": self.friendly_name.as_deref().unwrap_or_default(),
            "factor_type": "totp",
            "status": self.status,
            "created_at": users::timestamp(Some(self.created_at)),
            "updated_at": users::timestamp(Some(self.updated_at)),
        })
    }
}

/// A person's factors, those being enrolled too.
pub(super) async fn of(conn: &mut PgConnection, user: Uuid) -> Result<Vec<Factor>, Fault> {
    let factors = sqlx::query_as!(
        Factor,
        r#"select id, friendly_name, status, secret, created_at as "created_at: _", updated_at as "updated_at: _"
           from auth.mfa_factors where user_id = $1 order by created_at, id"#,
        user
    )
    .fetch_all(conn)
    .await?;
    Ok(factors)
}

pub(super) async fn find(conn: &mut PgConnection, user: Uuid, id: &str) -> Result<Factor, AuthError> {
    let id: Uuid = id.parse().map_err(|_| AuthError::new(404, Code::ValidationFailed, "factor_id must be an UUID"))?;
    let factors = of(conn, user).await?;
    let unknown = || AuthError::new(404, Code::MfaFactorNotFound, "Factor not found");
    factors.into_iter().find(|factor| factor.id == id).ok_or_else(unknown)
}

#[derive(Deserialize)]
struct EnrolBody {
    #[serde(default)]
    factor_type: String,
    #[serde(default)]
    friendly_name: String,
    #[serde(default)]
    issuer: String,
}

pub(super) async fn enrol(State(provider): Shared, request: Request) -> Result<Response, AuthError> {
    let caller = user::authenticated(&provider, request.headers()).await?;
    let body: EnrolBody = json_body(request.into_body()).await?;
    match body.factor_type.as_str() {
        "totp" => {}
        "phone" => {
            return Err(AuthError::new(422, Code::MfaPhoneEnrollNotEnabled, "MFA enroll is disabled for Phone"));
        }
        "webauthn" => {
            return Err(AuthError::new(422, Code::MfaWebauthnEnrollNotEnabled, "MFA enroll is disabled for WebAuthn"));
        }
        _ => return Err(AuthError::invalid("factor_type needs to be totp, phone, or webauthn")),
    }
    let name = body.friendly_name.trim();
    if name.chars().count() > MAX_NAME_CHARS || name.contains('\0') {
        return Err(AuthError::invalid("friendly_name has to be shorter"));
    }
    let issuer = match body.issuer.as_str() {
        "" => provider.site.host_str().unwrap_or("Atelier").to_owned(),
        issuer => issuer.chars().take(MAX_NAME_CHARS).collect(),
    };
    let mut tx = provider.db.system().await?;
    // So that two at once count each other.
    sqlx::query!("select id from auth.users where id = $1 for update", caller.user.id)
        .fetch_optional(tx.conn())
        .await?;
    check_room(tx.conn(), &caller, name).await?;
    let secret: Secret = keys::random::<SECRET_BYTES>()?.into();
    let (id, secret) = (Uuid::new_v4(), secret.to_base32());
    let uri = totp(&secret, &issuer, caller.user.email())?.to_url().map_err(|error| unusable(&error))?;
    let image = qr_code(&uri)?;
    sqlx::query!(
        "insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, secret) values ($1, $2, $3, 'totp', $4)",
        id,
        caller.user.id,
        name,
        secret
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    let answer = json!({
        "id": id,
        "type": "totp",
        "friendly_name": name,
        "totp": { "qr_code": image, "secret": secret, "uri": uri },
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Whether the person may enrol one more.
async fn check_room(conn: &mut PgConnection, caller: &user::Caller, name: &str) -> Result<(), AuthError> {
    // Begun and never finished.
    sqlx::query!(
        "delete from auth.mfa_factors
         where user_id = $1 and status = 'unverified' and created_at < now() - interval '5 minutes'",
        caller.user.id
    )
    .execute(&mut *conn)
    .await?;
    let factors = of(conn, caller.user.id).await?;
    let same_name = |factor: &Factor| factor.friendly_name.as_deref().is_some_and(|other| other.trim() == name);
    if !name.is_empty() && factors.iter().any(same_name) {
        let message = format!("A factor with the friendly name {name:?} for this user already exists");
        return Err(AuthError::new(422, Code::MfaFactorNameConflict, &message));
    }
    if factors.len() >= MAX_FACTORS {
        return Err(AuthError::new(
            422,
            Code::TooManyEnrolledMfaFactors,
            "Maximum number of verified factors reached, unenroll to continue",
        ));
    }
    if factors.iter().any(Factor::is_verified) && !caller.session.is_aal2() {
        return Err(AuthError::new(403, Code::InsufficientAal, "AAL2 required to enroll a new factor"));
    }
    Ok(())
}

pub(super) async fn challenge(
    State(provider): Shared,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, AuthError> {
    let caller = user::authenticated(&provider, request.headers()).await?;
    let mut tx = provider.db.system().await?;
    let factor = find(tx.conn(), caller.user.id, &id).await?;
    sqlx::query!(
        "delete from auth.mfa_challenges where factor_id = $1 and created_at < now() - interval '1 hour'",
        factor.id
    )
    .execute(tx.conn())
    .await?;
    let challenge = Uuid::new_v4();
    let address = visitor(&provider, &request).map(|address| address.to_string());
    sqlx::query!(
        "insert into auth.mfa_challenges (id, factor_id, ip_address) values ($1, $2, $3::text::inet)",
        challenge,
        factor.id,
        address
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("update auth.mfa_factors set last_challenged_at = now() where id = $1", factor.id)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    let expires_at = (OffsetDateTime::now_utc() + CHALLENGE_LIFETIME).unix_timestamp();
    Ok(Json(json!({ "id": challenge, "type": "totp", "expires_at": expires_at })))
}

#[derive(Deserialize)]
struct VerifyBody {
    #[serde(default)]
    challenge_id: String,
    #[serde(default)]
    code: String,
}

pub(super) async fn verify(
    State(provider): Shared,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, AuthError> {
    let caller = user::authenticated(&provider, request.headers()).await?;
    let body: VerifyBody = json_body(request.into_body()).await?;
    if body.code.is_empty() {
        return Err(AuthError::invalid("Code needs to be non-empty"));
    }
    provider.limits.factor(caller.user.id)?;
    let mut tx = provider.db.system().await?;
    let factor = find(tx.conn(), caller.user.id, &id).await?;
    let challenge = check_challenge(tx.conn(), &factor, &body.challenge_id).await?;
    let now = OffsetDateTime::now_utc().unix_timestamp().unsigned_abs();
    let failed = || AuthError::new(422, Code::MfaVerificationFailed, "Invalid TOTP code entered");
    let step = totp(&factor.secret, "", "")?.check(body.code.trim(), now).ok_or_else(failed)?;
    let accepted = sqlx::query!(
        "update auth.mfa_factors set status = 'verified', last_used_step = $2, updated_at = now()
         where id = $1 and (last_used_step is null or last_used_step < $2)",
        factor.id,
        i64::try_from(step).unwrap_or(i64::MAX)
    )
    .execute(tx.conn())
    .await?;
    if accepted.rows_affected() == 0 {
        return Err(failed());
    }
    sqlx::query!("delete from auth.mfa_challenges where id = $1", challenge).execute(tx.conn()).await?;
    sqlx::query!("delete from auth.mfa_factors where user_id = $1 and status = 'unverified'", caller.user.id)
        .execute(tx.conn())
        .await?;
    let session = sessions::raise(&provider, tx.conn(), &caller, factor.id).await?;
    tx.commit().await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response())
}

async fn check_challenge(conn: &mut PgConnection, factor: &Factor, id: &str) -> Result<Uuid, AuthError> {
    let unknown =
        || AuthError::new(422, Code::MfaFactorNotFound, "MFA factor with the provided challenge ID not found");
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    let created_at = sqlx::query_scalar!(
        r#"select created_at as "created_at: OffsetDateTime" from auth.mfa_challenges where id = $1 and factor_id = $2"#,
        id,
        factor.id
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(unknown)?;
    if OffsetDateTime::now_utc() - created_at > CHALLENGE_LIFETIME {
        let message =
            format!("MFA challenge {id} has expired, verify against another challenge or create a new challenge.");
        return Err(AuthError::new(422, Code::MfaChallengeExpired, &message));
    }
    Ok(id)
}

pub(super) async fn unenrol(
    State(provider): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, AuthError> {
    let caller = user::authenticated(&provider, &headers).await?;
    let mut tx = provider.db.system().await?;
    let factor = find(tx.conn(), caller.user.id, &id).await?;
    if factor.is_verified() && !caller.session.is_aal2() {
        return Err(AuthError::new(422, Code::InsufficientAal, "AAL2 required to unenroll verified factor"));
    }
    remove(tx.conn(), &factor).await?;
    tx.commit().await?;
    Ok(Json(json!({ "id": factor.id })))
}

/// Removes a factor, and takes back what it has raised.
pub(super) async fn remove(conn: &mut PgConnection, factor: &Factor) -> Result<(), Fault> {
    sqlx::query!("delete from auth.mfa_factors where id = $1", factor.id).execute(&mut *conn).await?;
    Ok(sessions::lower(conn, factor.id).await?)
}

/// Codes of six digits every 30 seconds, with one step of clock skew either way.
fn totp(secret: &str, issuer: &str, account: &str) -> Result<Totp, Fault> {
    let secret = Secret::try_from_base32(secret).map_err(|error| unusable(&error))?;
    let without_colon = |text: &str| text.replace(':', "");
    let issuer = Some(without_colon(issuer)).filter(|issuer| !issuer.is_empty());
    Ok(Builder::new()
        .with_secret(secret)
        .with_account_name(without_colon(account))
        .with_issuer(issuer)
        .build_noncompliant())
}

fn qr_code(uri: &str) -> Result<String, Fault> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::M).map_err(|error| unusable(&error))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build())
}

fn unusable(error: &dyn std::fmt::Display) -> Fault {
    Fault::Other { doing: "make a second factor", cause: error.to_string().into() }
}
