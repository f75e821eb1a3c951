//! Reading objects. A transfer that breaks off or stalls goes on where it was.

use super::{
    failure::{fault, outside, too_large},
    key::{Key, Name},
    store::ObjectStore,
};
use crate::fault::Fault;
use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use std::{io, ops::Range};

/// How often in a row a transfer is taken up again without a byte having come.
const RESUMPTIONS: u32 = 3;

/// An object, or a part of one, that is being read.
pub struct Object {
    /// Ends early only with an error.
    pub stream: BoxStream<'static, Result<Bytes, io::Error>>,
    /// Bytes that the stream will give.
    pub length: u64,
    /// Bytes of the whole object.
    pub size: u64,
    pub media_type: String,
    /// Its `Content-Disposition`, if it has one.
    pub disposition: Option<String>,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Bytes.
    pub size: u64,
    pub media_type: String,
    /// Its `Content-Disposition`, if it has one.
    pub disposition: Option<String>,
}

impl ObjectStore {
    /// Reads an object, or the half-open `range` of its bytes.
    ///
    /// # Errors
    /// `Refused(NotFound)`; `Refused(Invalid)` for a range outside of the object; [`Fault::Store`].
    pub async fn get(&self, key: impl Key, range: Option<Range<u64>>) -> Result<Object, Fault> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return Err(outside().into());
        }
        let start = range.as_ref().map_or(0, |range| range.start);
        let key = Name::of(&key);
        let found = self.open(&key, range, None).await?;
        let length = found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        let size = found.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok()).unwrap_or(length);
        let media_type = found.content_type().unwrap_or("application/octet-stream").to_owned();
        let disposition = found.content_disposition().map(str::to_owned);
        let reader = Reader {
            store: self.clone(),
            key,
            version: found.e_tag().map(str::to_owned),
            body: found.body,
            rest: start..start + length,
            resumptions: 0,
        };
        let stream = futures::stream::try_unfold(reader, Reader::next).boxed();
        Ok(Object { stream, length, size, media_type, disposition })
    }

    async fn open(
        &self,
        key: &Name,
        range: Option<Range<u64>>,
        version: Option<String>,
    ) -> Result<GetObjectOutput, Fault> {
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let request = self.client.get_object().bucket(&self.bucket).key(key.to_string());
        request.set_range(range).set_if_match(version).send().await.map_err(fault)
    }

    /// Reads a whole object that is known to be small.
    ///
    /// # Errors
    /// As [`Self::get`]; `Refused(TooLarge)` beyond `max_bytes`.
    pub async fn get_bytes(&self, key: impl Key, max_bytes: u64) -> Result<Bytes, Fault> {
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
    pub async fn head(&self, key: impl Key) -> Result<ObjectHead, Fault> {
        let found = self.client.head_object().bucket(&self.bucket).key(key.to_string()).send().await.map_err(fault)?;
        Ok(ObjectHead {
            size: found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
            media_type: found.content_type().unwrap_or("application/octet-stream").to_owned(),
            disposition: found.content_disposition().map(str::to_owned),
        })
    }
}

/// The client of S3 tries requests again, but not the bodies of their answers.
struct Reader {
    store: ObjectStore,
    key: Name,
    /// What was opened first: nothing else is read on.
    version: Option<String>,
    body: ByteStream,
    /// What has not come yet.
    rest: Range<u64>,
    resumptions: u32,
}

impl Reader {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, io::Error> {
        loop {
            let broken = match self.body.try_next().await {
                Ok(Some(bytes)) => {
                    self.rest.start += bytes.len() as u64;
                    self.resumptions = 0;
                    return Ok(Some((bytes, self)));
                }
                Ok(None) if self.rest.is_empty() => return Ok(None),
                Ok(None) => io::Error::from(io::ErrorKind::UnexpectedEof),
                Err(error) => io::Error::other(error),
            };
            if self.rest.is_empty() {
                return Ok(None);
            }
            if self.resumptions == RESUMPTIONS {
                return Err(broken);
            }
            tracing::warn!(key = %self.key, at = self.rest.start, error = %broken, "reading a file broke off and goes on");
            tokio::time::sleep(self.store.patience.backoff * 2_u32.pow(self.resumptions)).await;
            self.resumptions += 1;
            let again = self.store.open(&self.key, Some(self.rest.clone()), self.version.clone()).await;
            let again = again.map_err(io::Error::other)?;
            // Not every store looks at If-Match.
            if again.e_tag() != self.version.as_deref() {
                return Err(io::Error::other("the file was replaced while it was read"));
            }
            self.body = again.body;
        }
    }
}
