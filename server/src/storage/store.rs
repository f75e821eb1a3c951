//! The client of the object store.

use super::key::{ObjectKey, ObjectPrefix};
use crate::{config::store::S3, fault::Fault};
use bytes::Bytes;
use futures::{Stream, stream::BoxStream};
use std::ops::Range;

/// A bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectStore {}

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
    pub size: u64,
    pub media_type: String,
}

impl ObjectStore {
    /// Makes the client; nothing is asked of the store yet.
    pub fn new(_config: &S3) -> Self {
        Self {}
    }

    /// Stores a stream without ever holding more than one part of it. On any error nothing is left behind.
    ///
    /// # Errors
    /// `Refused(TooLarge)` beyond `max_bytes`; whatever the stream fails with; [`Fault::Store`].
    pub async fn put_stream(
        &self,
        _key: ObjectKey,
        _media_type: &str,
        _stream: impl Stream<Item = Result<Bytes, Fault>> + Send,
        _max_bytes: u64,
    ) -> Result<Stored, Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// Reads an object, or the half-open `range` of its bytes.
    ///
    /// # Errors
    /// `Refused(NotFound)`; [`Fault::Store`].
    pub async fn get(&self, _key: ObjectKey, _range: Option<Range<u64>>) -> Result<Object, Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// Reads a whole object that is known to be small.
    ///
    /// # Errors
    /// As [`Self::get`]; `Refused(TooLarge)` beyond `max_bytes`.
    pub async fn get_bytes(&self, _key: ObjectKey, _max_bytes: u64) -> Result<Bytes, Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// # Errors
    /// `Refused(NotFound)`; [`Fault::Store`].
    pub async fn head(&self, _key: ObjectKey) -> Result<ObjectHead, Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// Deletes an object; an absent one is no error.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn delete(&self, _key: ObjectKey) -> Result<(), Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// Deletes all objects of a prefix and tells how many there were.
    ///
    /// # Errors
    /// [`Fault::Store`]; what was deleted before stays deleted.
    pub async fn delete_prefix(&self, _prefix: ObjectPrefix) -> Result<u64, Fault> {
        Err(domain::Error::NotFound.into())
    }

    /// Whether the bucket is there and the keys are right.
    ///
    /// # Errors
    /// [`Fault::Store`].
    pub async fn check(&self) -> Result<(), Fault> {
        Err(domain::Error::NotFound.into())
    }
}
