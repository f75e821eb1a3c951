#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The client against a store that fails, stalls, breaks off, and is down.

use super::{
    ObjectKey, ObjectPrefix, ObjectStore, PART_BYTES,
    faulty::{FaultyStore, Misdeed},
    tests::{Folder, content, document, pieces, start},
};
use crate::fault::Fault;
use bytes::Bytes;
use domain::Error;
use futures::TryStreamExt;
use hyper::Method;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use uuid::Uuid;

const MIB: u64 = 1024 * 1024;

struct Day {
    _folder: Folder,
    real: ObjectStore,
    faulty: FaultyStore,
    store: ObjectStore,
    key: ObjectKey,
    _server: super::embedded::EmbeddedStore,
}

async fn day() -> Day {
    let folder = Folder::new();
    let (server, real) = start(&folder, 200 * MIB).await;
    let faulty = FaultyStore::before(server.settings());
    let store = faulty.client();
    Day { _folder: folder, real, store, faulty, key: document(Uuid::now_v7().into()), _server: server }
}

async fn hasty_day() -> Day {
    let day = day().await;
    let store = day.faulty.hasty_client();
    Day { store, ..day }
}

async fn read(store: &ObjectStore, key: ObjectKey) -> Result<Vec<u8>, std::io::Error> {
    let object = store.get(key, None).await.map_err(std::io::Error::other)?;
    object.stream.try_fold(Vec::new(), |all, part| async move { Ok([all.as_slice(), &part].concat()) }).await
}

#[tokio::test]
async fn a_store_that_answers_500_is_asked_again() {
    let day = day().await;
    let bytes = content(20 * MIB);
    for method in [Method::POST, Method::PUT] {
        day.faulty.plan(method, Misdeed::Status(500), 2);
    }
    let stored = day.store.put_stream(day.key, "text/plain", pieces(&bytes), 50 * MIB).await.unwrap();
    assert_eq!((stored.size, stored.sha256[..].to_vec()), (20 * MIB, Sha256::digest(&bytes)[..].to_vec()));
    day.faulty.plan(Method::GET, Misdeed::Status(503), 2);
    assert!(read(&day.store, day.key).await.unwrap() == bytes);
    assert!(day.faulty.is_spent());
}

#[tokio::test]
async fn a_store_that_always_fails_gives_a_clear_error_and_keeps_nothing() {
    let day = day().await;
    day.faulty.plan(Method::PUT, Misdeed::Status(500), 3);
    let bytes = content(20 * MIB);
    let failed = day.store.put_stream(day.key, "text/plain", pieces(&bytes), 50 * MIB).await.unwrap_err();
    assert!(failed.to_string().contains("Not today"), "{failed}");
    let Error::Unavailable { message } = Error::from(failed) else { panic!("not unavailable") };
    assert!(message.contains("file store does not answer") && message.contains("Nothing is lost"), "{message}");
    assert!(matches!(day.real.head(day.key).await, Err(Fault::Refused(Error::NotFound))));
    // The abort goes out in the background.
    for _ in 0..100 {
        if day.real.list_unfinished(ObjectPrefix::All).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("parts of the upload remain");
}

#[tokio::test]
async fn a_store_that_says_nothing_is_asked_again_and_given_up_in_time() {
    let day = hasty_day().await;
    day.faulty.plan(Method::PUT, Misdeed::Silence, 1);
    day.store.put(day.key, "text/plain", Bytes::from_static(b"words")).await.unwrap();
    day.faulty.plan(Method::GET, Misdeed::Silence, 1);
    assert_eq!(read(&day.store, day.key).await.unwrap(), b"words");
    day.faulty.plan(Method::GET, Misdeed::Silence, 3);
    let begun = Instant::now();
    assert!(matches!(day.store.get(day.key, None).await, Err(Fault::Store(_))));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_transfer_that_breaks_off_or_stalls_goes_on_where_it_was() {
    let day = hasty_day().await;
    let bytes = content(3 * MIB);
    day.real.put(day.key, "text/plain", Bytes::from(bytes.clone())).await.unwrap();
    for misdeed in [Misdeed::Truncate(1_000_000), Misdeed::Stall(1_000_000)] {
        day.faulty.plan(Method::GET, misdeed, 2);
        let before = day.faulty.requests();
        assert!(read(&day.store, day.key).await.unwrap() == bytes, "{misdeed:?}");
        assert_eq!(day.faulty.requests() - before, 3, "{misdeed:?}: two that broke off, and the rest");
    }
    day.faulty.plan(Method::GET, Misdeed::Truncate(10), 1);
    let part = day.store.get(day.key, Some(100..200)).await.unwrap();
    let part: Vec<Bytes> = part.stream.try_collect().await.unwrap();
    assert_eq!(part.concat(), bytes[100..200]);
}

#[tokio::test]
async fn what_never_comes_whole_ends_with_an_error() {
    let day = day().await;
    day.real.put(day.key, "text/plain", Bytes::from(content(MIB))).await.unwrap();
    day.faulty.plan(Method::GET, Misdeed::Truncate(0), 20);
    assert!(read(&day.store, day.key).await.is_err());
    assert!(!day.faulty.is_spent(), "it was given up");
}

#[tokio::test]
async fn another_file_is_not_read_on_with() {
    let day = hasty_day().await;
    day.real.put(day.key, "text/plain", Bytes::from(content(MIB))).await.unwrap();
    day.faulty.plan(Method::GET, Misdeed::Stall(1000), 1);
    let object = day.store.get(day.key, None).await.unwrap();
    day.real.put(day.key, "text/plain", Bytes::from(vec![b'x'; MIB as usize])).await.unwrap();
    let all: Result<Vec<Bytes>, _> = object.stream.try_collect().await;
    assert!(all.is_err());
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_failure() {
    let day = day().await;
    let upload = day.store.begin_parts(day.key, "text/plain").await.unwrap();
    let bytes = Bytes::from(content(PART_BYTES as u64 + 5));
    let mut tags = Vec::new();
    for (number, part) in [bytes.slice(..PART_BYTES), bytes.slice(PART_BYTES..)].into_iter().enumerate() {
        day.faulty.plan(Method::PUT, Misdeed::LostAnswer, 1);
        tags.push(day.store.put_part(day.key, &upload, number + 1, part).await.unwrap());
    }
    day.faulty.plan(Method::POST, Misdeed::LostAnswer, 1);
    let size = bytes.len() as u64;
    day.store.complete_parts(day.key, &upload, &tags, size).await.unwrap();
    day.store.complete_parts(day.key, &upload, &tags, size).await.expect("it may be repeated");
    assert!(read(&day.real, day.key).await.unwrap() == bytes);
    let other = document(Uuid::now_v7().into());
    assert!(matches!(day.store.complete_parts(other, &upload, &tags, size).await, Err(Fault::Store(_))));
}

#[tokio::test]
async fn a_store_that_is_down_is_told_so_and_works_when_it_is_back() {
    let day = day().await;
    day.real.put(day.key, "text/plain", Bytes::from_static(b"words")).await.unwrap();
    day.faulty.set_down(true);
    let begun = Instant::now();
    let Err(fault) = day.store.get(day.key, None).await else { panic!("it is down") };
    assert!(matches!(Error::from(fault), Error::Unavailable { .. }));
    assert!(matches!(day.store.delete(day.key).await, Err(Fault::Store(_))));
    assert!(day.store.check().await.unwrap_err().to_string().contains("R2_ENDPOINT"));
    assert!(begun.elapsed() < Duration::from_secs(60));
    day.faulty.set_down(false);
    assert_eq!(read(&day.store, day.key).await.unwrap(), b"words");
}
