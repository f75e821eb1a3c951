//! What is done to content while it flows: compressed, hashed, compared. Nothing is ever held whole.

use super::manifest::{Content, Hash};
use crate::fault::Fault;
use bytes::{Bytes, BytesMut};
use domain::Error;
use flate2::{
    Compression,
    write::{GzDecoder, GzEncoder},
};
use futures::{Stream, StreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};
use std::{
    io::Write,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};

/// About how much is passed on at once.
const PIECE: usize = 64 * 1024;
/// What is decompressed at once: gzip makes at most a thousand times as much of it.
const COMPRESSED_PIECE: usize = 8 * 1024;

pub(super) type Pieces<'a> = BoxStream<'a, Result<Bytes, Fault>>;

/// What is in memory already.
pub(super) fn once(content: Vec<u8>) -> Pieces<'static> {
    futures::stream::once(async { Ok(Bytes::from(content)) }).boxed()
}

/// All of it; none when it is more than `max` bytes.
pub(super) async fn whole(mut content: Pieces<'_>, max: usize) -> Result<Option<Bytes>, Fault> {
    let mut all = BytesMut::new();
    while let Some(piece) = content.next().await {
        all.extend_from_slice(&piece?);
        if all.len() > max {
            return Ok(None);
        }
    }
    Ok(Some(all.freeze()))
}

/// Compresses, and counts lines on the way.
pub(super) fn gzip<'a, E>(content: impl Stream<Item = Result<Bytes, E>> + Send + 'a, lines: &'a AtomicU64) -> Pieces<'a>
where
    E: Into<Fault> + Send + 'a,
{
    async_stream::try_stream! {
        let mut content = pin!(content);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(Into::<Fault>::into)?;
            let ends = piece.iter().filter(|byte| **byte == b'\n').count();
            lines.fetch_add(ends as u64, Ordering::Relaxed);
            encoder.write_all(&piece)?;
            if encoder.get_ref().len() >= PIECE {
                yield Bytes::from(std::mem::take(encoder.get_mut()));
            }
        }
        yield Bytes::from(encoder.finish()?);
    }
    .boxed()
}

/// Decompresses.
///
/// # Errors
/// [`damaged`] for what is no gzip.
pub(super) fn gunzip<'a>(content: Pieces<'a>) -> Pieces<'a> {
    async_stream::try_stream! {
        let mut content = content;
        let mut decoder = GzDecoder::new(Vec::new());
        while let Some(piece) = content.next().await {
            for part in piece?.chunks(COMPRESSED_PIECE) {
                decoder.write_all(part).map_err(|_| damaged())?;
                if !decoder.get_ref().is_empty() {
                    yield Bytes::from(std::mem::take(decoder.get_mut()));
                }
            }
        }
        let rest = decoder.finish().map_err(|_| damaged())?;
        if !rest.is_empty() {
            yield Bytes::from(rest);
        }
    }
    .boxed()
}

/// The same content, which ends with [`damaged`] if it is not what it must be. Whoever stores it stores nothing then.
pub(super) fn checked<'a, E>(
    content: impl Stream<Item = Result<Bytes, E>> + Send + 'a,
    sha256: Hash,
    size: Option<u64>,
) -> Pieces<'a>
where
    E: Into<Fault> + Send + 'a,
{
    async_stream::try_stream! {
        let mut content = pin!(content);
        let (mut hash, mut seen) = (Sha256::new(), 0_u64);
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(Into::<Fault>::into)?;
            seen += piece.len() as u64;
            hash.update(&piece);
            yield piece;
        }
        let found: [u8; 32] = hash.finalize().into();
        if found != sha256.0 || size.is_some_and(|size| size != seen) {
            Err::<(), Fault>(damaged())?;
        }
    }
    .boxed()
}

/// As [`checked`], for a file of the backup itself.
pub(super) fn checked_content<'a>(content: Pieces<'a>, expected: &Content) -> Pieces<'a> {
    checked(content, expected.sha256, Some(expected.size))
}

/// Reads to the end, for the checks on the way.
pub(super) async fn drain(mut content: Pieces<'_>) -> Result<(), Fault> {
    while let Some(piece) = content.next().await {
        piece?;
    }
    Ok(())
}

/// The failure of content that is not what it must be.
fn damaged() -> Fault {
    Error::conflict("it is not what it was: a part is missing, or bytes have changed").into()
}

/// Whether that is what a transfer has failed of, and what it says.
pub(super) fn damage(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::Refused(Error::Conflict { message }) => Some(message),
        _ => None,
    }
}
