//! The one place where access tokens are verified: GoTrue's JWTs, signed by a key of the provider's JWKS or, in older
//! projects, with the shared HS256 secret.

use super::jwks::{Jwks, KeyError, VerifyingKey};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use lru::LruCache;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Seconds by which the provider's clock may differ from ours.
const LEEWAY_SECONDS: u64 = 10;
/// Ours are about 1 kB; what is far longer is not worth the work of a signature check.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Verified tokens that are remembered: about half a kilobyte each, and one for each browser of the last minutes.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

/// The claims of a token whose signature, times, issuer, audience and role have been checked.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    /// The person's id.
    pub sub: Uuid,
    /// Unix time, seconds.
    pub exp: u64,
    /// Unix time, seconds.
    #[serde(default)]
    pub iat: u64,
    /// Absent or empty for a person who signed up by telephone.
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// `aal2` once a code of a second factor was given in the session.
    #[serde(default)]
    aal: Option<String>,
    /// How the person proved who they are.
    #[serde(default)]
    amr: serde_json::Value,
    #[serde(default)]
    is_anonymous: bool,
    role: String,
    // A list of issuers is not one issuer: a string or nothing.
    #[serde(rename = "iss")]
    _iss: String,
}

impl Claims {
    /// `now` in seconds of Unix time.
    fn have_expired(&self, now: i64) -> bool {
        i64::try_from(self.exp.saturating_add(LEEWAY_SECONDS)).is_ok_and(|last| last < now)
    }

    pub(super) fn has_second_factor(&self) -> bool {
        self.aal.as_deref() == Some("aal2")
    }

    /// Whether the person proved by one of `methods` who they are, `seconds` ago at most. The time is that of the proof:
    /// a refresh does not renew it.
    pub(super) fn proved_within(&self, methods: &[&str], seconds: u64, now: u64) -> bool {
        let proofs = self.amr.as_array().into_iter().flatten();
        proofs.filter(|proof| proof["method"].as_str().is_some_and(|method| methods.contains(&method))).any(|proof| {
            proof["timestamp"]
                .as_u64()
                .is_some_and(|at| at <= now + LEEWAY_SECONDS && now.saturating_sub(at) <= seconds)
        })
    }
}

/// Why a token does not count.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// It was good, and its time is over: a refresh may help.
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid: {0}")]
    Invalid(String),
    /// The keys to check it with cannot be had right now, so nobody can tell.
    #[error("the keys to verify tokens with cannot be fetched: {0}")]
    KeysUnavailable(String),
}

impl TokenError {
    fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

/// A token that was verified, with the very key that did it: keys that are fetched anew have it verified again.
#[derive(Debug)]
struct Verified {
    key: Arc<VerifyingKey>,
    claims: Arc<Claims>,
}

/// Verifies access tokens of one issuer.
#[derive(Debug)]
pub(super) struct Verifier {
    issuer: String,
    jwks: Jwks,
    shared_secret: Option<Arc<VerifyingKey>>,
    /// By the SHA-256 of the token. A browser sends the same one for an hour, and to check the signature each time was 6 %
    /// of what a project's page cost.
    verified: Mutex<LruCache<[u8; 32], Verified>>,
}

impl Verifier {
    pub(super) fn new(issuer: String, jwks: Jwks, shared_secret: Option<&SecretString>) -> Self {
        let shared_secret = shared_secret.map(|secret| {
            Arc::new(VerifyingKey {
                algorithm: Algorithm::HS256,
                key: DecodingKey::from_secret(secret.expose_secret().as_bytes()),
            })
        });
        Self { issuer, jwks, shared_secret, verified: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Whether there is anything to verify with: published keys, or the shared secret.
    pub(super) async fn check(&self) -> Result<(), String> {
        let published = self.jwks.count().await;
        match published {
            Ok(0) if self.shared_secret.is_none() => {
                Err("the provider publishes no signing keys, so its tokens cannot be verified: set \
                 SUPABASE_JWT_SECRET to the project's JWT secret, or switch the project to asymmetric signing keys"
                    .to_owned())
            }
            Err(error) if self.shared_secret.is_none() => {
                Err(format!("the provider's signing keys cannot be fetched: {error}"))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`TokenError`]; anything but a valid user's token is refused, the `anon` and `service_role` keys too.
    pub(super) async fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        self.verify_at(token, OffsetDateTime::now_utc().unix_timestamp()).await
    }

    async fn verify_at(&self, token: &str, now: i64) -> Result<Arc<Claims>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::invalid("too long"));
        }
        let key = self.key_for(token).await?;
        let digest: [u8; 32] = Sha256::digest(token).into();
        let remembered = self
            .verified()
            .get(&digest)
            .filter(|verified| Arc::ptr_eq(&verified.key, &key))
            .map(|verified| verified.claims.clone());
        if let Some(claims) = remembered {
            return if claims.have_expired(now) { Err(TokenError::Expired) } else { Ok(claims) };
        }
        let claims = Arc::new(self.check_with(&key, token)?);
        self.verified().put(digest, Verified { key, claims: claims.clone() });
        Ok(claims)
    }

    fn verified(&self) -> MutexGuard<'_, LruCache<[u8; 32], Verified>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_with(&self, key: &VerifyingKey, token: &str) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&["authenticated"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "sub", "aud", "iss"]);
        let claims = match jsonwebtoken::decode::<Claims>(token, &key.key, &validation) {
            Ok(data) => data.claims,
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => return Err(TokenError::Expired),
            Err(error) => return Err(TokenError::invalid(error.to_string())),
        };
        if claims.role != "authenticated" {
            return Err(TokenError::invalid("its role is not `authenticated`"));
        }
        if claims.sub.is_nil() {
            return Err(TokenError::invalid("it names nobody"));
        }
        if claims.is_anonymous {
            return Err(TokenError::invalid("an anonymous visitor has no account"));
        }
        Ok(claims)
    }

    /// The key that may have signed the token. Its algorithm is the key's own: a header that names another is refused,
    /// so that a public key can never serve as an HMAC secret.
    async fn key_for(&self, token: &str) -> Result<Arc<VerifyingKey>, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| TokenError::invalid(error.to_string()))?;
        // RFC 7515, 4.1.11: whoever does not understand a critical parameter must refuse. We understand none.
        if header.crit.is_some() {
            return Err(TokenError::invalid("it has critical header parameters"));
        }
        if header
            .typ
            .as_deref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("jwt") && !typ.eq_ignore_ascii_case("at+jwt"))
        {
            return Err(TokenError::invalid("it is another type of token"));
        }
        let key = match (header.alg, header.kid.as_deref()) {
            // Older projects name a `kid` here too; it stands in no JWKS.
            (Algorithm::HS256, _) => {
                self.shared_secret.clone().ok_or_else(|| TokenError::invalid("signed with a shared secret"))?
            }
            (Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA, Some(kid)) => {
                self.jwks.find(kid).await.map_err(|error| match error {
                    KeyError::Unknown => TokenError::invalid("signed with an unknown key"),
                    KeyError::Unavailable(cause) => TokenError::KeysUnavailable(cause),
                })?
            }
            (_, Some(_)) => return Err(TokenError::invalid("signed by an algorithm that the provider does not use")),
            (_, None) => return Err(TokenError::invalid("it does not name its key")),
        };
        if key.algorithm != header.alg {
            return Err(TokenError::invalid("its algorithm is not its key's"));
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
