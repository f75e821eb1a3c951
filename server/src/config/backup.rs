//! Another object store, for backups: `atelier backup s3://bucket/prefix`.

use super::{reader::Reader, store::S3};
use secrecy::SecretString;
use url::Url;

/// An S3-compatible store for backups; the bucket stands in the command.
#[derive(Clone, Debug)]
pub struct BackupStore {
    pub endpoint: Url,
    pub access_key: String,
    pub secret_key: SecretString,
}

/// What the environment has to say for it.
pub const REQUIRED: [&str; 3] = ["BACKUP_S3_ENDPOINT", "BACKUP_S3_ACCESS_KEY", "BACKUP_S3_SECRET_KEY"];

impl BackupStore {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let set = REQUIRED.iter().filter(|name| reader.text(name).is_some()).count();
        if set == 0 {
            return None;
        }
        for name in REQUIRED {
            if reader.text(name).is_none() {
                reader.missing(name, "the other BACKUP_S3 variables are set, so this one is needed too");
            }
        }
        Some(Self {
            endpoint: reader.url("BACKUP_S3_ENDPOINT")?,
            access_key: reader.text("BACKUP_S3_ACCESS_KEY")?,
            secret_key: reader.secret("BACKUP_S3_SECRET_KEY")?,
        })
    }

    /// One of its buckets.
    pub fn bucket(&self, bucket: &str) -> S3 {
        S3 {
            endpoint: self.endpoint.clone(),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            bucket: bucket.to_owned(),
            public_url: None,
        }
    }
}
