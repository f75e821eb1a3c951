//! The client of the object store.

use super::key::{ObjectKey, ObjectPrefix};
use crate::{config::store::S3, fault::Fault};
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier},
};
use bytes::{Bytes, BytesMut};
use domain::Error;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::{ops::Range, pin::pin, time::Duration};

/// What is held in memory at most, and the size of every part but the last: R2 wants equal parts, S3 at least 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// The code that the embedded store answers with when it is full.
pub(super) const QUOTA_EXCEEDED: &str = "QuotaExceeded";

/// A bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    client: Client,
    bucket: String,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// An object, or a part of one, that is being read.
pub struct Object {
    pub stream: BoxStream<'static, Result<Bytes, std::io::Error>>,
    /// Bytes that the stream will give.
    pub length: u64,
    /// Bytes of the whole object.
    pub size: u64,
    pub media_type: String,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Bytes.
    pub size: u64,
    pub media_type: String,
}

impl ObjectStore {
    /// Makes the client; nothing is asked of the store yet.
    pub fn new(config: &S3) -> Self {
        let secret = config.secret_key.expose_secret();
        let credentials = Credentials::new(&config.access_key, secret, None, None, "atelier");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .operation_attempt_timeout(Duration::from_secs(60))
            .operation_timeout(Duration::from_secs(150))
            .build();
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(config.endpoint.as_str().trim_end_matches('/'))
            .region(Region::new("auto"))
            .credentials_provider(credentials)
            .force_path_style(true)
            // R2 does not know the checksums that the SDK adds by default.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(timeouts)
            .build();
        Self { client: Client::from_conf(settings), bucket: config.bucket.clone() }
    }

    /// Stores a stream without ever holding more than one part of it. On any error, and when the caller gives up,
    /// nothing is left behind.
    ///
    /// # Errors
    /// `Refused(TooLarge)` beyond `max_bytes`; whatever the stream fails with; [`Fault::Store`].
    pub async fn put_stream(
        &self,
        key: ObjectKey,
        media_type: &str,
        stream: impl Stream<Item = Result<Bytes, Fault>> + Send,
        max_bytes: u64,
    ) -> Result<Stored, Fault> {
        let mut stream = pin!(stream);
        let mut buffer = BytesMut::new();
        let mut hash = Sha256::new();
        let mut size = 0_u64;
        let mut upload: Option<Multipart> = None;
        while let Some(bytes) = stream.next().await {
            let bytes = bytes?;
            size += bytes.len() as u64;
            if size > max_bytes {
                return Err(too_large(max_bytes).into());
            }
            hash.update(&bytes);
            buffer.extend_from_slice(&bytes);
            while buffer.len() > PART_BYTES {
                let part = buffer.split_to(PART_BYTES).freeze();
                let started = match upload.take() {
                    Some(started) => started,
                    None => Multipart::start(self.clone(), key, media_type).await?,
                };
                upload.insert(started).add(part).await?;
            }
        }
        match upload {
            Some(mut upload) => {
                upload.add(buffer.freeze()).await?;
                upload.complete().await?;
            }
            None => self.put(key, media_type, buffer.freeze()).await?,
        }
        Ok(Stored { size, sha256: hash.finalize().into() })
    }

    async fn put(&self, key: ObjectKey, media_type: &str, body: Bytes) -> Result<(), Fault> {
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

    /// Reads an object, or the half-open `range` of its bytes.
    ///
    /// # Errors
    /// `Refused(NotFound)`; `Refused(Invalid)` for a range outside of the object; [`Fault::Store`].
    pub async fn get(&self, key: ObjectKey, range: Option<Range<u64>>) -> Result<Object, Fault> {
        let range = match range {
            None => None,
            Some(range) if range.is_empty() => return Err(outside().into()),
            Some(range) => Some(format!("bytes={}-{}", range.start, range.end - 1)),
        };
        let request = self.client.get_object().bucket(&self.bucket).key(key.to_string()).set_range(range);
        let found = request.send().await.map_err(fault)?;
        let length = found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        let size = found.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok()).unwrap_or(length);
        let media_type = found.content_type().unwrap_or("application/octet-stream").to_owned();
        let stream = futures::stream::try_unfold(found.body, |mut body| async move {
            let next = body.try_next().await.map_err(std::io::Error::other)?;
            Ok(next.map(|bytes| (bytes, body)))
        });
        Ok(Object { stream: stream.boxed(), length, size, media_type })
    }

    /// Reads a whole object that is known to be small.
    ///
    /// # Errors
    /// As [`Self::get`]; `Refused(TooLarge)` beyond `max_bytes`.
    pub async fn get_bytes(&self, key: ObjectKey, max_bytes: u64) -> Result<Bytes, Fault> {
        let mut object = self.get(key, None).await?;
        if object.length > max_bytes {
            return Err(too_large(max_bytes).into());
        }
        let mut bytes = BytesMut::new();
        while let Some(part) = object.stream.try_next().await.map_err(|error| Fault::Store(error.into()))? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.freeze())
    }

    /// # Errors
    /// `Refused(NotFound)`; [`Fault::Store`].
    pub async fn head(&self, key: ObjectKey) -> Result<ObjectHead, Fault> {
        let found = self.client.head_object().bucket(&self.bucket).key(key.to_string()).send().await.map_err(fault)?;
        Ok(ObjectHead {
            size: found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
            media_type: found.content_type().unwrap_or("application/octet-stream").to_owned(),
        })
    }

    /// Deletes an object; an absent one is no error.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn delete(&self, key: ObjectKey) -> Result<(), Fault> {
        self.client.delete_object().bucket(&self.bucket).key(key.to_string()).send().await.map_err(fault)?;
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
            let page = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix.to_string()).send().await;
            let page = page.map_err(fault)?;
            let identifiers: Vec<_> = page
                .contents()
                .iter()
                .filter_map(|object| ObjectIdentifier::builder().key(object.key()?).build().ok())
                .collect();
            if identifiers.is_empty() {
                return Ok(deleted);
            }
            deleted += identifiers.len() as u64;
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
    }

    /// Whether the bucket is there and the keys are right.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn check(&self) -> Result<(), Fault> {
        match self.client.head_bucket().bucket(&self.bucket).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::Store(self.explain(&error).into())),
        }
    }

    /// Makes the bucket unless it is there; for the embedded store.
    pub(super) async fn ensure_bucket(&self) -> Result<(), Fault> {
        if self.check().await.is_err() {
            self.client.create_bucket().bucket(&self.bucket).send().await.map_err(fault)?;
        }
        Ok(())
    }

    fn explain<E: std::error::Error + 'static>(&self, error: &SdkError<E>) -> String {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match status {
            Some(404) => format!("there is no bucket `{}`: make it, or correct R2_BUCKET", self.bucket),
            Some(401 | 403) => {
                format!(
                    "the keys are refused for bucket `{}`: check R2_ACCESS_KEY, R2_SECRET_KEY and the token's permissions",
                    self.bucket
                )
            }
            Some(status) => format!("the store answered {status}: check R2_ENDPOINT"),
            None => format!("no answer: check R2_ENDPOINT ({})", deepest(error)),
        }
    }
}

/// An upload in parts. Aborted when dropped before [`Multipart::complete`].
struct Multipart {
    store: ObjectStore,
    key: String,
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl Multipart {
    async fn start(store: ObjectStore, key: ObjectKey, media_type: &str) -> Result<Self, Fault> {
        let key = key.to_string();
        let request = store.client.create_multipart_upload().bucket(&store.bucket).key(&key).content_type(media_type);
        let id = request.send().await.map_err(fault)?.upload_id;
        Ok(Self { store, key, id, parts: Vec::new() })
    }

    async fn add(&mut self, part: Bytes) -> Result<(), Fault> {
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let request = self.store.client.upload_part().bucket(&self.store.bucket).key(&self.key).part_number(number);
        let done = request.set_upload_id(self.id.clone()).body(ByteStream::from(part)).send().await.map_err(fault)?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).build());
        Ok(())
    }

    async fn complete(mut self) -> Result<(), Fault> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts))).build();
        let request = self.store.client.complete_multipart_upload().bucket(&self.store.bucket).key(&self.key);
        request.set_upload_id(self.id.clone()).multipart_upload(parts).send().await.map_err(fault)?;
        self.id = None;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) else { return };
        let request =
            self.store.client.abort_multipart_upload().bucket(&self.store.bucket).key(&self.key).upload_id(id);
        runtime.spawn(async move {
            if let Err(error) = request.send().await {
                tracing::warn!(error = deepest(&error), "an unfinished upload could not be aborted");
            }
        });
    }
}

fn too_large(max_bytes: u64) -> Error {
    Error::TooLarge {
        message: format!("The file is larger than {} MB, which is the limit here.", max_bytes / 1024 / 1024),
    }
}

fn outside() -> Error {
    Error::invalid("range", "The range lies outside of the file.")
}

fn fault<E>(error: SdkError<E>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match (status, code) {
        (_, Some("NoSuchKey" | "NotFound")) => Error::NotFound.into(),
        (Some(416), _) => outside().into(),
        (_, Some(QUOTA_EXCEEDED)) => Error::TooLarge {
            message: "The file store is full. Delete files, or ask your administrator for more room.".to_owned(),
        }
        .into(),
        // SdkError's own words are only "service error"; the cause is at the end of the chain.
        _ => Fault::Store(format!("{} ({})", deepest(&error), code.unwrap_or("no code")).into()),
    }
}

fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}
