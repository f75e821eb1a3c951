//! The provider's secrets, in one file that only its owner may read: signing keys, the key that refresh tokens are made
//! with, and the two API keys.

use super::signing::{SigningKeyEntry, SigningKeys};
use crate::{embedded, fault::Fault};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand::TryRngCore;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    io::{ErrorKind, Write},
    path::Path,
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub(super) const FILE: &str = "keys.json";

/// The file's contents.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyFile {
    /// In the order in which they were made.
    pub signing_keys: Vec<SigningKeyEntry>,
    /// base64url of 32 bytes.
    refresh_token_key: String,
    publishable_key: String,
    secret_key: String,
}

/// The provider's secrets, ready for use.
pub(super) struct Keys {
    signing: SigningKeys,
    refresh_token_key: Vec<u8>,
    publishable_key: String,
    secret_key: String,
    /// Signs instead of the newest of the file's keys.
    shared_secret: Option<EncodingKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The keys in `folder`, made if there are none.
pub(super) async fn load_or_make(folder: &Path) -> Result<Keys, Fault> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Keys::open(&folder, parse(&read_or_write(&folder)?)?))
        .await
        .map_err(Fault::while_doing("read the signing keys"))?
}

/// The contents of a file that is there.
pub(super) fn read(path: &Path) -> Result<KeyFile, Fault> {
    parse(&std::fs::read_to_string(path)?)
}

/// Puts other contents in the place of a file's, at once.
pub(super) fn replace(path: &Path, file: &KeyFile) -> Result<(), Fault> {
    Ok(embedded::private_file(path, text_of(file)?.as_bytes())?)
}

fn parse(text: &str) -> Result<KeyFile, Fault> {
    serde_json::from_str(text).map_err(Fault::while_doing("read the signing keys"))
}

fn text_of(file: &KeyFile) -> Result<String, Fault> {
    serde_json::to_string_pretty(file).map_err(Fault::while_doing("write the signing keys"))
}

fn read_or_write(folder: &Path) -> Result<String, Fault> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    embedded::private_folder(folder)?;
    let text = text_of(&generate()?)?;
    let draft = folder.join(format!(".{FILE}.{}", Uuid::new_v4().simple()));
    private_file(&draft)?.write_all(text.as_bytes())?;
    // Of two servers that start at once one wins, and both use its keys: a link, unlike a rename, replaces nothing.
    let linked = std::fs::hard_link(&draft, &path);
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(text),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(std::fs::read_to_string(&path)?),
        Err(error) => Err(error.into()),
    }
}

fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn generate() -> Result<KeyFile, Fault> {
    Ok(KeyFile {
        signing_keys: vec![SigningKeyEntry::generate()?],
        refresh_token_key: URL_SAFE_NO_PAD.encode(random::<32>()?),
        publishable_key: format!("sb_publishable_{}", URL_SAFE_NO_PAD.encode(random::<24>()?)),
        secret_key: format!("sb_secret_{}", URL_SAFE_NO_PAD.encode(random::<24>()?)),
    })
}

/// Bytes from the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(Fault::while_doing("draw random bytes"))?;
    Ok(bytes)
}

pub(super) fn bad_key(error: &dyn std::fmt::Display) -> Fault {
    Fault::Other { doing: "read the signing keys", cause: error.to_string().into() }
}

impl Keys {
    fn open(folder: &Path, file: KeyFile) -> Result<Self, Fault> {
        Ok(Self {
            signing: SigningKeys::open(folder.join(FILE), &file.signing_keys)?,
            refresh_token_key: URL_SAFE_NO_PAD.decode(&file.refresh_token_key).map_err(|error| bad_key(&error))?,
            publishable_key: file.publishable_key,
            secret_key: file.secret_key,
            shared_secret: None,
        })
    }

    /// Signs with HS256 from now on, as older Supabase projects do. What the file's keys have signed stays good.
    pub(super) fn sign_with(&mut self, secret: &SecretString) {
        self.shared_secret = Some(EncodingKey::from_secret(secret.expose_secret().as_bytes()));
    }

    /// A signed access token with these claims.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, Fault> {
        let signed = match &self.shared_secret {
            Some(secret) => jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, secret),
            None => self.signing.with_current(|kid, key| {
                let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
                jsonwebtoken::encode(&header, claims, key)
            })?,
        };
        signed.map_err(Fault::while_doing("sign an access token"))
    }

    /// The refresh token of a row: always the same for one id, and unknown without the key file.
    pub(super) fn refresh_token(&self, id: Uuid) -> Result<SecretString, Fault> {
        Ok(URL_SAFE_NO_PAD.encode(self.mac(&[id.as_bytes()])?).into())
    }

    /// What is stored of the six digits of a mail. There are few of them, so that a plain hash could be guessed back.
    pub(super) fn code_hash(&self, token: Uuid, code: &str) -> Result<Vec<u8>, Fault> {
        self.mac(&[b"code", token.as_bytes(), code.as_bytes()])
    }

    fn mac(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.refresh_token_key).map_err(|error| bad_key(&error))?;
        parts.iter().for_each(|part| mac.update(part));
        Ok(mac.finalize().into_bytes().to_vec())
    }

    /// The public halves.
    pub(super) fn jwks(&self) -> serde_json::Value {
        self.signing.jwks()
    }

    pub(super) fn publishable_key(&self) -> SecretString {
        self.publishable_key.clone().into()
    }

    pub(super) fn secret_key(&self) -> SecretString {
        self.secret_key.clone().into()
    }

    /// Whether `key` is one of the two API keys.
    pub(super) fn is_api_key(&self, key: &str) -> bool {
        let publishable = key.as_bytes().ct_eq(self.publishable_key.as_bytes());
        bool::from(publishable) || self.is_secret_key(key)
    }

    pub(super) fn is_secret_key(&self, key: &str) -> bool {
        key.as_bytes().ct_eq(self.secret_key.as_bytes()).into()
    }
}

/// What is stored of a refresh token or of a link's. They have 256 random bits, so a plain hash cannot be guessed back.
pub(super) fn hash_of(token: &SecretString) -> Vec<u8> {
    use sha2::Digest;
    Sha256::digest(token.expose_secret().as_bytes()).to_vec()
}
