//! The client of the object store.

use super::{
    failure::{NO_SUCH_KEY, code, explain, fault},
    key::{Key, ObjectKey, ObjectPrefix},
    measure::Measure,
};
use crate::{config::store::S3, fault::Fault};
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    primitives::ByteStream,
    types::{Delete, MetadataDirective, ObjectIdentifier},
};
use bytes::Bytes;
use secrecy::ExposeSecret;
use std::time::{Duration, SystemTime};
use url::Url;

/// A key that no object has: those that do begin with what they are of.
const NO_OBJECT: &str = "health";

/// Objects of one deletion: S3's limit.
const DELETIONS: usize = 1000;

/// A bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) endpoint: Url,
    /// Where the bucket is open to everybody, if it is.
    pub(super) public: Option<Url>,
    pub(super) patience: Patience,
}

/// How long the store is waited for, and how often it is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// Until an answer begins.
    pub first_byte: Duration,
    /// For one try, without the answer's body.
    pub attempt: Duration,
    /// For all tries together.
    pub operation: Duration,
    /// A transfer without a byte for this long has stalled.
    pub stall: Duration,
    pub attempts: u32,
    /// Before the second try; each further wait is twice as long.
    pub backoff: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            attempt: Duration::from_secs(60),
            operation: Duration::from_secs(150),
            stall: Duration::from_secs(20),
            attempts: 3,
            backoff: Duration::from_secs(1),
        }
    }
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub modified: SystemTime,
}

/// Some objects of a listing, sorted by the bytes of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    pub objects: Vec<Listed>,
    /// There are more after the last one.
    pub more: bool,
}

impl ObjectStore {
    /// Makes the client; nothing is asked of the store yet.
    pub fn new(config: &S3) -> Self {
        Self::with_patience(config, Patience::default())
    }

    /// As [`Self::new`], with time limits of one's own.
    pub fn with_patience(config: &S3, patience: Patience) -> Self {
        let secret = config.secret_key.expose_secret();
        let credentials = Credentials::new(&config.access_key, secret, None, None, "atelier");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(patience.connect)
            .read_timeout(patience.first_byte)
            .operation_attempt_timeout(patience.attempt)
            .operation_timeout(patience.operation)
            .build();
        let retries =
            RetryConfig::standard().with_max_attempts(patience.attempts).with_initial_backoff(patience.backoff);
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(config.endpoint.as_str().trim_end_matches('/'))
            .region(Region::new("auto"))
            .credentials_provider(credentials)
            .force_path_style(true)
            // R2 does not know the checksums that the SDK adds by default.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .retry_config(retries)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(patience.stall).build())
            .interceptor(Measure)
            .build();
        Self {
            client: Client::from_conf(settings),
            bucket: config.bucket.clone(),
            endpoint: config.endpoint.clone(),
            public: config.public_url.clone(),
            patience,
        }
    }

    /// Stores an object that is in memory.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn put(&self, key: impl Key, media_type: &str, body: Bytes) -> Result<(), Fault> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .content_type(media_type)
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// Copies an object within the store, which says `media_type` and `disposition` of the copy, and that it may be kept
    /// for five minutes: what is withdrawn shall not stay long in the caches of a public domain.
    ///
    /// # Errors
    /// `Refused(NotFound)`; [`Fault::Store`].
    pub async fn copy(&self, from: ObjectKey, to: ObjectKey, media_type: &str, disposition: &str) -> Result<(), Fault> {
        self.client
            .copy_object()
            .copy_source(format!("{}/{from}", self.bucket))
            .bucket(&self.bucket)
            .key(to.to_string())
            .metadata_directive(MetadataDirective::Replace)
            .content_type(media_type)
            .content_disposition(disposition)
            .cache_control("public, max-age=300")
            .send()
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// Deletes an object; an absent one is no error.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn delete(&self, key: impl Key) -> Result<(), Fault> {
        self.client.delete_object().bucket(&self.bucket).key(key.to_string()).send().await.map_err(fault)?;
        Ok(())
    }

    /// Deletes objects by the keys of a listing.
    ///
    /// # Errors
    /// [`Fault::Store`]; what was deleted before stays deleted.
    pub async fn delete_all(&self, keys: &[String]) -> Result<(), Fault> {
        for keys in keys.chunks(DELETIONS) {
            let identifiers = keys.iter().filter_map(|key| ObjectIdentifier::builder().key(key).build().ok()).collect();
            let delete = Delete::builder().set_objects(Some(identifiers)).quiet(true).build();
            let delete = delete.map_err(|error| Fault::Store(error.into()))?;
            let outcome =
                self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await.map_err(fault)?;
            if let Some(error) = outcome.errors().first() {
                return Err(Fault::Store(
                    format!("{}: {}", error.key().unwrap_or("?"), error.message().unwrap_or("?")).into(),
                ));
            }
        }
        Ok(())
    }

    /// Deletes all objects of a prefix and tells how many there were.
    ///
    /// # Errors
    /// [`Fault::Store`]; what was deleted before stays deleted.
    pub async fn delete_prefix(&self, prefix: ObjectPrefix) -> Result<u64, Fault> {
        let mut deleted = 0;
        loop {
            // What is listed is deleted at once, so the first page is always the next one.
            let page = self.list(prefix, None).await?;
            if page.objects.is_empty() {
                return Ok(deleted);
            }
            deleted += page.objects.len() as u64;
            let keys: Vec<String> = page.objects.into_iter().map(|object| object.key).collect();
            self.delete_all(&keys).await?;
        }
    }

    /// At most 1,000 objects of a prefix whose keys come after `after`.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn list(&self, prefix: impl Key, after: Option<&str>) -> Result<ListedPage, Fault> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix.to_string());
        let page = request.set_start_after(after.map(str::to_owned)).send().await.map_err(fault)?;
        let objects = page.contents().iter().filter_map(|object| {
            Some(Listed {
                key: object.key()?.to_owned(),
                size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                modified: SystemTime::try_from(*object.last_modified()?).ok()?,
            })
        });
        Ok(ListedPage { objects: objects.collect(), more: page.is_truncated() == Some(true) })
    }

    /// Whether the bucket is there and the keys are right. Asks for an object that there is not: R2 refuses a look at the
    /// bucket itself to a token for objects alone, and a refusal of this has the reason in its body.
    ///
    /// # Errors
    /// [`Fault::Store`], with what to do.
    pub async fn check(&self) -> Result<(), Fault> {
        match self.client.get_object().bucket(&self.bucket).key(NO_OBJECT).send().await {
            Err(error) if code(&error) != Some(NO_SUCH_KEY) => Err(Fault::Store(explain(&self.bucket, &error).into())),
            _ => Ok(()),
        }
    }

    /// Makes the bucket unless it is there; for the embedded store.
    pub(super) async fn ensure_bucket(&self) -> Result<(), Fault> {
        if self.client.head_bucket().bucket(&self.bucket).send().await.is_err() {
            self.client.create_bucket().bucket(&self.bucket).send().await.map_err(fault)?;
        }
        Ok(())
    }
}
