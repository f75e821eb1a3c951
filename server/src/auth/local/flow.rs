//! PKCE (RFC 7636): whoever asked for a mail holds a secret, and a link alone, opened by whomever, gives a code that is
//! worth nothing without it.

use super::{
    error::{AuthError, Code},
    keys,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long the code of a redirect may take until it is exchanged.
const CODE_LIFETIME: time::Duration = time::Duration::minutes(5);

/// The two parameters, as they stand in the body of a request.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ChallengeBody {
    #[serde(default)]
    code_challenge: Option<String>,
    #[serde(default)]
    code_challenge_method: Option<String>,
}

/// A challenge that keeps to the rules.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    text: String,
    method: &'static str,
}

impl ChallengeBody {
    /// # Errors
    /// 400 `validation_failed`.
    pub(super) fn check(self) -> Result<Option<Challenge>, AuthError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (text, method) = match (given(self.code_challenge), given(self.code_challenge_method)) {
            (None, None) => return Ok(None),
            (Some(text), Some(method)) => (text, method),
            _ => return Err(AuthError::invalid("PKCE flow requires code_challenge_method and code_challenge")),
        };
        if !(43..=128).contains(&text.len()) {
            return Err(AuthError::invalid("code challenge has to be between 43 and 128 characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            return Err(AuthError::invalid(
                "code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes",
            ));
        }
        let method = match method.to_ascii_lowercase().as_str() {
            "s256" => "s256",
            "plain" => "plain",
            _ => return Err(AuthError::invalid("code_challenge_method has to be s256 or plain")),
        };
        Ok(Some(Challenge { text, method }))
    }
}

/// Remembers the challenge of `user`, who will come back by `authentication_method`.
pub(super) async fn begin(
    conn: &mut PgConnection,
    user: Uuid,
    authentication_method: &str,
    challenge: &Challenge,
) -> Result<Uuid, sqlx::Error> {
    sqlx::query!("delete from auth.flow_state where user_id = $1 and created_at < now() - interval '2 hours'", user)
        .execute(&mut *conn)
        .await?;
    let id = Uuid::new_v4();
    sqlx::query!(
        "insert into auth.flow_state (id, user_id, authentication_method, code_challenge, code_challenge_method)
         values ($1, $2, $3, $4, $5)",
        id,
        user,
        authentication_method,
        challenge.text,
        challenge.method
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The code that the redirect carries; `None` when the flow is over.
pub(super) async fn issue_code(conn: &mut PgConnection, flow: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let code = Uuid::new_v4();
    let issued = sqlx::query!(
        "update auth.flow_state set auth_code_hash = $2, auth_code_issued_at = now() where id = $1",
        flow,
        hash(code)
    )
    .execute(conn)
    .await?;
    Ok((issued.rows_affected() == 1).then_some(code))
}

/// Whose flow the code ends, and by which method they came. A wrong verifier leaves it as it was.
///
/// # Errors
/// GoTrue's.
pub(super) async fn exchange(conn: &mut PgConnection, code: &str, verifier: &str) -> Result<(Uuid, String), AuthError> {
    let unknown = || AuthError::new(404, Code::FlowStateNotFound, "invalid flow state, no valid flow state found");
    let code: Uuid = code.parse().map_err(|_| unknown())?;
    let flow = sqlx::query!(
        r#"delete from auth.flow_state where auth_code_hash = $1
           returning user_id, authentication_method, code_challenge, code_challenge_method,
                     auth_code_issued_at as "issued_at: OffsetDateTime""#,
        hash(code)
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(unknown)?;
    if flow.issued_at.is_none_or(|at| OffsetDateTime::now_utc() - at > CODE_LIFETIME) {
        return Err(AuthError::new(422, Code::FlowStateExpired, "invalid flow state, flow state has expired"));
    }
    let presented = match flow.code_challenge_method.as_str() {
        "s256" => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
        _ => verifier.to_owned(),
    };
    if !bool::from(presented.as_bytes().ct_eq(flow.code_challenge.as_bytes())) {
        return Err(AuthError::new(
            400,
            Code::BadCodeVerifier,
            "code challenge does not match previously saved code verifier",
        ));
    }
    Ok((flow.user_id, flow.authentication_method))
}

fn hash(code: Uuid) -> Vec<u8> {
    keys::hash_of(&code.to_string().into())
}
