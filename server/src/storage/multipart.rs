//! Storing what is large: in equal parts, each held in memory for as long as it takes to send it.

use super::{
    failure::{deepest, fault, too_large},
    key::{Key, Name, ObjectPrefix},
    store::{ObjectStore, Stored},
};
use crate::fault::Fault;
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::{pin::pin, time::SystemTime};

/// What is held in memory at most, and the size of every part but the last: R2 wants equal parts, S3 at least 5 MiB.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// A multipart upload that has neither been completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub key: String,
    /// The store's name for it.
    pub upload: String,
    pub begun: SystemTime,
}

impl ObjectStore {
    /// Stores a stream without ever holding more than one part of it. On any error, and when the caller gives up,
    /// nothing is left behind.
    ///
    /// # Errors
    /// `Refused(TooLarge)` beyond `max_bytes`; whatever the stream fails with; [`Fault::Store`].
    pub async fn put_stream(
        &self,
        key: impl Key,
        media_type: &str,
        stream: impl Stream<Item = Result<Bytes, Fault>> + Send,
        max_bytes: u64,
    ) -> Result<Stored, Fault> {
        let key = Name::of(&key);
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
                    None => Multipart::start(self.clone(), key.clone(), media_type).await?,
                };
                upload.insert(started).add(part).await?;
            }
        }
        match upload {
            Some(mut upload) => {
                upload.add(buffer.freeze()).await?;
                upload.complete(size).await?;
            }
            None => self.put(key, media_type, buffer.freeze()).await?,
        }
        Ok(Stored { size, sha256: hash.finalize().into() })
    }

    /// Begins an upload in parts, and returns the store's name for it. Whoever calls this completes or aborts it.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn begin_parts(&self, key: impl Key, media_type: &str) -> Result<String, Fault> {
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(key.to_string());
        let begun = request.content_type(media_type).send().await.map_err(fault)?;
        begun.upload_id.ok_or_else(|| Fault::Store("the store gave an upload no name".into()))
    }

    /// Stores a part, from number 1 on, and returns its tag. A part that is stored again replaces the first.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn put_part(&self, key: impl Key, upload: &str, number: usize, part: Bytes) -> Result<String, Fault> {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let request = self.client.upload_part().bucket(&self.bucket).key(key.to_string()).part_number(number);
        let done = request.upload_id(upload).body(ByteStream::from(part)).send().await.map_err(fault)?;
        done.e_tag.ok_or_else(|| Fault::Store("the store gave a part no tag".into()))
    }

    /// Makes the parts one object of `size` bytes. May be called again when the answer was lost.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn complete_parts(&self, key: impl Key, upload: &str, tags: &[String], size: u64) -> Result<(), Fault> {
        let key = Name::of(&key);
        let part = |(number, tag): (i32, &String)| CompletedPart::builder().part_number(number).e_tag(tag).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some((1..).zip(tags).map(part).collect())).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(key.to_string());
        let Err(error) = request.upload_id(upload).multipart_upload(parts).send().await else { return Ok(()) };
        // The first of two tries may have done it: then the upload is gone, and the object is there, or will be soon.
        let looks = if is_gone(&error) { 4 } else { 1 };
        for look in 0..looks {
            if self.head(key.clone()).await.is_ok_and(|head| head.size == size) {
                return Ok(());
            }
            if look + 1 < looks {
                tokio::time::sleep(self.patience.backoff * 2_u32.pow(look)).await;
            }
        }
        Err(fault(error))
    }

    /// Throws an upload's parts away; one that is not there is no error.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn abort_parts(&self, key: &str, upload: &str) -> Result<(), Fault> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }

    /// The uploads of a prefix that were begun and neither completed nor aborted.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn list_unfinished(&self, prefix: ObjectPrefix) -> Result<Vec<Unfinished>, Fault> {
        let mut all = Vec::new();
        let (mut key, mut upload) = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(prefix.to_string());
            let page = request.set_key_marker(key).set_upload_id_marker(upload).send().await.map_err(fault)?;
            all.extend(page.uploads().iter().filter_map(|found| {
                Some(Unfinished {
                    key: found.key()?.to_owned(),
                    upload: found.upload_id()?.to_owned(),
                    begun: SystemTime::try_from(*found.initiated()?).ok()?,
                })
            }));
            if page.is_truncated() != Some(true) || page.next_key_marker().is_none() {
                return Ok(all);
            }
            (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }
}

/// The store does not know the upload (any more). AccessDenied is the embedded store's word for that.
fn is_gone<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("NoSuchUpload" | "AccessDenied"))
}

/// An upload in parts. Aborted when dropped before [`Multipart::complete`].
struct Multipart {
    store: ObjectStore,
    key: Name,
    id: Option<String>,
    tags: Vec<String>,
}

impl Multipart {
    async fn start(store: ObjectStore, key: Name, media_type: &str) -> Result<Self, Fault> {
        let id = store.begin_parts(key.clone(), media_type).await?;
        Ok(Self { store, key, id: Some(id), tags: Vec::new() })
    }

    async fn add(&mut self, part: Bytes) -> Result<(), Fault> {
        let id = self.id.as_deref().unwrap_or_default();
        let tag = self.store.put_part(self.key.clone(), id, self.tags.len() + 1, part).await?;
        self.tags.push(tag);
        Ok(())
    }

    async fn complete(mut self, size: u64) -> Result<(), Fault> {
        let id = self.id.as_deref().unwrap_or_default();
        self.store.complete_parts(self.key.clone(), id, &self.tags, size).await?;
        self.id = None;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) else { return };
        let (store, key) = (self.store.clone(), self.key.to_string());
        // What fails here is found by the sweep.
        runtime.spawn(async move {
            if let Err(error) = store.abort_parts(&key, &id).await {
                tracing::warn!(error = deepest(&error), "an unfinished upload could not be aborted");
            }
        });
    }
}
