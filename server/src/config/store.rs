//! Where files are kept: Cloudflare R2 or anything else that speaks S3.

use super::reader::Reader;
use secrecy::SecretString;
use url::Url;

// Read once at start: the space that a smaller variant wastes is no reason for a box.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Store {
    /// A folder below the data directory behind an S3 server on loopback, limited to `limit_bytes` in all.
    Embedded {
        limit_bytes: u64,
    },
    S3(S3),
}

/// An S3-compatible bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    pub endpoint: Url,
    pub access_key: String,
    pub secret_key: SecretString,
    pub bucket: String,
    /// A public address of the bucket, where it has one.
    pub public_url: Option<Url>,
}

const REQUIRED: [&str; 4] = ["R2_ENDPOINT", "R2_ACCESS_KEY", "R2_SECRET_KEY", "R2_BUCKET"];

impl Store {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let limit_gb = reader.number("ATELIER_EMBEDDED_STORE_GB", 20, 1..=100_000);
        let set = REQUIRED.iter().filter(|name| reader.text(name).is_some()).count();
        if set == 0 && !reader.production() {
            return Some(Self::Embedded { limit_bytes: limit_gb * 1024 * 1024 * 1024 });
        }
        if set < REQUIRED.len() {
            let why = if set == 0 {
                "required in production"
            } else {
                "the other R2 variables are set, so this one is needed too"
            };
            for name in REQUIRED {
                if reader.text(name).is_none() {
                    reader.missing(name, why);
                }
            }
            return None;
        }
        let public_url = match reader.text("R2_PUBLIC_URL") {
            Some(_) => Some(reader.url("R2_PUBLIC_URL")?),
            None => None,
        };
        let bucket = reader.text("R2_BUCKET")?;
        if !is_bucket_name(&bucket) {
            reader.mistake("R2_BUCKET", "use the bucket's name alone: 3 to 63 lower-case letters, digits and hyphens");
            return None;
        }
        Some(Self::S3(S3 {
            endpoint: reader.url("R2_ENDPOINT")?,
            access_key: reader.text("R2_ACCESS_KEY")?,
            secret_key: reader.secret("R2_SECRET_KEY")?,
            bucket,
            public_url,
        }))
    }
}

fn is_bucket_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
}
