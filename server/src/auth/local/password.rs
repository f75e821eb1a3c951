//! Passwords: their rules, and argon2id off the async threads.

use super::error::{AuthError, Code};
use crate::fault::Fault;
use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

const MIN_CHARS: usize = 8;
/// GoTrue's own limit, from bcrypt: what is accepted here is accepted on Supabase too.
const MAX_BYTES: usize = 72;
/// Each takes 19 MiB and a core for some tens of milliseconds.
const AT_ONCE: usize = 2;

/// Hashes and verifies, a few at a time.
#[derive(Debug)]
pub(super) struct Passwords {
    turns: Semaphore,
    /// Of a password that nobody knows: verified against for addresses without an account, so that the time it takes
    /// does not tell which addresses have one.
    dummy: String,
}

/// # Errors
/// 422 `weak_password` with its reasons, or `validation_failed` when it is too long.
pub(super) fn check_rules(password: &str) -> Result<(), AuthError> {
    if password.chars().count() < MIN_CHARS {
        return Err(AuthError::weak_password(
            &format!("Password should be at least {MIN_CHARS} characters."),
            &["length"],
        ));
    }
    if password.len() > MAX_BYTES {
        return Err(AuthError::new(
            422,
            Code::ValidationFailed,
            &format!("Password cannot be longer than {MAX_BYTES} characters"),
        ));
    }
    Ok(())
}

impl Passwords {
    pub(super) async fn new() -> Result<Self, Fault> {
        let dummy = blocking(|| hash(&uuid::Uuid::new_v4().to_string())).await?;
        Ok(Self { turns: Semaphore::new(AT_ONCE), dummy })
    }

    pub(super) async fn hash(&self, password: &str) -> Result<String, Fault> {
        let _turn = self.turns.acquire().await.map_err(Fault::while_doing("hash a password"))?;
        let password = password.to_owned();
        blocking(move || hash(&password)).await
    }

    /// Whether the password has this hash. Without a hash the answer is no, and takes as long.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Fault> {
        let _turn = self.turns.acquire().await.map_err(Fault::while_doing("verify a password"))?;
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let matches = blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| unusable(&error))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await?;
        Ok(known && matches)
    }
}

fn hash(password: &str) -> Result<String, Fault> {
    let salt = SaltString::generate(&mut OsRng);
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(|error| unusable(&error))?.to_string())
}

fn unusable(error: &argon2::password_hash::Error) -> Fault {
    Fault::Other { doing: "hash a password", cause: error.to_string().into() }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(Fault::while_doing("hash a password"))?
}
