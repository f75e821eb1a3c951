//! The keys that sign access tokens. The file is read again when it has changed, so that a rotation needs no restart.

use super::keys::{self, KeyFile, bad_key};
use crate::fault::Fault;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Error;
use jsonwebtoken::EncodingKey;
use p256::{
    elliptic_curve::sec1::ToEncodedPoint,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant, SystemTime},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// A new key is published for this long before it signs: published keys are kept for ten minutes by whoever verifies.
const PUBLISHED_BEFORE: time::Duration = time::Duration::minutes(11);
/// A key that signs no more is published for this long: tokens live for an hour.
const PUBLISHED_AFTER: time::Duration = time::Duration::hours(2);
/// How often it is looked whether the file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 10 });

/// A key of the file. The newest whose time has come signs, all of them verify.
#[derive(Serialize, Deserialize)]
pub(super) struct SigningKeyEntry {
    pub kid: String,
    /// PKCS#8 in PEM, P-256.
    private_key: String,
    /// Unix time in seconds, from which on it signs.
    #[serde(default)]
    signs_from: i64,
}

/// What a rotation has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key's id.
    pub kid: String,
    pub signs_from: OffsetDateTime,
    /// Keys that signed before, and are published for as long as tokens of theirs live.
    pub kept: usize,
    /// Keys of which no token lives any more.
    pub removed: usize,
}

/// Publishes a new signing key in the file of `folder`. It signs when everybody knows it, and the one before goes on
/// verifying; whoever is signed in stays so.
///
/// # Errors
/// A sentence when there is no file yet, or a new key waits already.
pub fn rotate(folder: &Path) -> Result<Rotated, Fault> {
    let path = folder.join(keys::FILE);
    if !path.exists() {
        return Err(Error::conflict(format!(
            "There are no keys in {}: start Atelier once, or set ATELIER_DATA_DIR to the folder that it uses.",
            folder.display()
        ))
        .into());
    }
    let mut file = keys::read(&path)?;
    let rotated = file.rotate(OffsetDateTime::now_utc())?;
    keys::replace(&path, &file)?;
    Ok(rotated)
}

impl KeyFile {
    fn rotate(&mut self, now: OffsetDateTime) -> Result<Rotated, Fault> {
        let at = now.unix_timestamp();
        if self.signing_keys.last().is_some_and(|key| key.signs_from > at) {
            return Err(Error::conflict(
                "A new key has been published a few minutes ago and does not sign yet. Look again in a quarter of an hour.",
            )
            .into());
        }
        let before = self.signing_keys.len();
        let over = (now - PUBLISHED_AFTER).unix_timestamp();
        let ends: Vec<i64> = self.signing_keys.iter().skip(1).map(|next| next.signs_from).collect();
        let mut place = 0;
        // A key without a time was put there by hand; nobody knows when.
        self.signing_keys.retain(|_| {
            let end = ends.get(place).copied();
            place += 1;
            end.is_none_or(|end| end == 0 || end > over)
        });
        let kept = self.signing_keys.len();
        let signs_from = now + PUBLISHED_BEFORE;
        let entry = SigningKeyEntry { signs_from: signs_from.unix_timestamp(), ..SigningKeyEntry::generate()? };
        let kid = entry.kid.clone();
        self.signing_keys.push(entry);
        Ok(Rotated { kid, signs_from, kept, removed: before - kept })
    }
}

impl SigningKeyEntry {
    /// One that signs at once.
    pub fn generate() -> Result<Self, Fault> {
        let signing = loop {
            // Of 2^32 draws fewer than one is no scalar of the curve.
            if let Ok(key) = p256::SecretKey::from_slice(&keys::random::<32>()?) {
                break key;
            }
        };
        let private_key = signing.to_pkcs8_pem(LineEnding::LF).map_err(|error| bad_key(&error))?.to_string();
        Ok(Self { kid: Uuid::new_v4().to_string(), private_key, signs_from: 0 })
    }

    fn jwk(&self) -> Result<serde_json::Value, Fault> {
        let key = p256::SecretKey::from_pkcs8_pem(&self.private_key).map_err(|error| bad_key(&error))?;
        let point = key.public_key().to_encoded_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(bad_key(&"a key without coordinates"));
        };
        Ok(serde_json::json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": true, "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }))
    }
}

/// The file's signing keys, as they are now.
pub(super) struct SigningKeys {
    file: PathBuf,
    known: RwLock<Known>,
}

struct Known {
    keys: Vec<SigningKey>,
    jwks: serde_json::Value,
    /// Of the file.
    modified: Option<SystemTime>,
    looked: Instant,
}

struct SigningKey {
    kid: String,
    signs_from: i64,
    key: EncodingKey,
}

impl SigningKeys {
    pub fn open(file: PathBuf, entries: &[SigningKeyEntry]) -> Result<Self, Fault> {
        let known = RwLock::new(Known::open(entries, modified(&file))?);
        Ok(Self { file, known })
    }

    /// The public halves.
    pub fn jwks(&self) -> serde_json::Value {
        self.look().jwks.clone()
    }

    /// Does something with the key that signs now, and its id.
    pub fn with_current<T>(&self, work: impl FnOnce(&str, &EncodingKey) -> T) -> Result<T, Fault> {
        let known = self.look();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let current = known.keys.iter().rev().find(|key| key.signs_from <= now).or(known.keys.first());
        let current = current.ok_or_else(|| bad_key(&"the file holds none"))?;
        Ok(work(&current.kid, &current.key))
    }

    fn look(&self) -> RwLockReadGuard<'_, Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() < LOOK_EVERY {
            return known;
        }
        drop(known);
        self.read_again();
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file that cannot be read leaves the keys as they are: what they have signed is still good.
    fn read_again(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.looked = Instant::now();
        let modified = modified(&self.file);
        if modified == known.modified {
            return;
        }
        match keys::read(&self.file).and_then(|file| Known::open(&file.signing_keys, modified)) {
            Ok(read) => {
                tracing::info!(keys = read.keys.len(), "the signing keys have changed");
                *known = read;
            }
            Err(fault) => tracing::error!(%fault, "the signing keys cannot be read again; the known ones go on"),
        }
    }
}

impl Known {
    fn open(entries: &[SigningKeyEntry], modified: Option<SystemTime>) -> Result<Self, Fault> {
        let published = entries.iter().map(SigningKeyEntry::jwk).collect::<Result<Vec<_>, _>>()?;
        let keys = entries.iter().map(|entry| {
            let key = EncodingKey::from_ec_pem(entry.private_key.as_bytes()).map_err(|error| bad_key(&error))?;
            Ok(SigningKey { kid: entry.kid.clone(), signs_from: entry.signs_from, key })
        });
        let keys = keys.collect::<Result<Vec<_>, Fault>>()?;
        if keys.is_empty() {
            return Err(bad_key(&"the file holds none"));
        }
        Ok(Self { keys, jwks: serde_json::json!({ "keys": published }), modified, looked: Instant::now() })
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|found| found.modified()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn kids(file: &KeyFile) -> Vec<&str> {
        file.signing_keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_for_as_long_as_its_tokens_live() {
        let start = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let mut file = keys::generate().unwrap();
        let first = file.signing_keys[0].kid.clone();
        let second = file.rotate(start).unwrap();
        assert_eq!((second.kept, second.removed), (1, 0));
        assert_eq!(kids(&file), [&first, &second.kid]);
        assert!(file.rotate(start + time::Duration::minutes(5)).is_err(), "one waits already");

        let third = file.rotate(start + time::Duration::minutes(30)).unwrap();
        assert_eq!(kids(&file), [&first, &second.kid, &third.kid], "tokens of the first live still");
        let fourth = file.rotate(start + time::Duration::hours(4)).unwrap();
        assert_eq!((fourth.kept, fourth.removed), (1, 2));
        assert_eq!(kids(&file), [&third.kid, &fourth.kid]);
    }
}
