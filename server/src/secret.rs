//! Secrets that are handed out once and then only recognised: links of invitations, API keys. They have 256 random bits,
//! so a plain hash cannot be guessed back, and a lookup by it tells nothing by its time.

use crate::fault::Fault;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::TryRngCore;
use sha2::{Digest, Sha256};

/// 43 characters of base64url, from the operating system's generator.
///
/// # Errors
/// When that has none.
pub fn new() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(Fault::while_doing("draw random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
