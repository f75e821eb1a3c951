#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! Against the real embedded store.

use super::{ObjectKey, ObjectPrefix, ObjectStore, PART_BYTES, Shown, embedded::EmbeddedStore};
use crate::{config::store::S3, fault::Fault};
use bytes::Bytes;
use domain::{DocumentId, Error, WorkspaceId};
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const MIB: u64 = 1024 * 1024;

pub(super) struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("atelier-store-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn objects(&self) -> PathBuf {
        self.0.join("objects")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) async fn start(folder: &Folder, limit: u64) -> (EmbeddedStore, ObjectStore) {
    let server = EmbeddedStore::start(&folder.objects(), limit).await.unwrap();
    let store = ObjectStore::new(server.settings());
    (server, store)
}

pub(super) fn document(workspace: WorkspaceId) -> ObjectKey {
    ObjectKey::Document { workspace, document: DocumentId::from(Uuid::now_v7()) }
}

/// `size` bytes that repeat nowhere near a part's border, in pieces of 60,000.
pub(super) fn content(size: u64) -> Vec<u8> {
    (0..size).map(|n| (n % 251) as u8).collect()
}

pub(super) fn pieces(content: &[u8]) -> impl futures::Stream<Item = Result<Bytes, Fault>> + Send + use<> {
    let pieces: Vec<_> = content.chunks(60_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn read(store: &ObjectStore, key: ObjectKey, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let object = store.get(key, range).await.unwrap();
    let length = object.length;
    let bytes: Vec<u8> = object
        .stream
        .try_fold(Vec::new(), |mut all, part| async move {
            all.extend_from_slice(&part);
            Ok(all)
        })
        .await
        .unwrap();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

#[tokio::test]
async fn a_bucket_that_is_missing_and_keys_that_are_wrong_are_named() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 10 * MIB).await;
    store.check().await.unwrap();
    let wrong = S3 { secret_key: "another".into(), ..server.settings().clone() };
    assert!(ObjectStore::new(&wrong).check().await.unwrap_err().to_string().contains("R2_SECRET_KEY"));

    // As R2 answers.
    for (status, code, said) in [
        (404, "NoSuchBucket", "R2_BUCKET"),
        (403, "AccessDenied", "permissions"),
        (403, "SignatureDoesNotMatch", "R2_SECRET_KEY"),
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "InvalidArgument", "R2_ACCESS_KEY"),
    ] {
        let r2 = wiremock::MockServer::start().await;
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
        let answer = wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/xml");
        wiremock::Mock::given(wiremock::matchers::method("GET")).respond_with(answer).mount(&r2).await;
        let settings = S3 { endpoint: r2.uri().parse().unwrap(), ..server.settings().clone() };
        let fault = ObjectStore::new(&settings).check().await.unwrap_err().to_string();
        assert!(fault.contains(said), "{code}: {fault}");
    }
}

fn files_with_bytes(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            count += files_with_bytes(&entry.path());
        } else if entry.metadata().unwrap().len() > 10_000 {
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn an_object_comes_back_whole_in_parts_and_as_head() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let key = document(Uuid::now_v7().into());
    let bytes = content(300_000);
    let stored = store.put_stream(key, "application/pdf", pieces(&bytes), MIB).await.unwrap();
    assert_eq!(stored.size, 300_000);
    assert_eq!(stored.sha256[..], Sha256::digest(&bytes)[..]);
    assert_eq!(read(&store, key, None).await, bytes);
    assert_eq!(read(&store, key, Some(100..250)).await, bytes[100..250]);
    assert_eq!(store.get(key, Some(299_990..300_000)).await.unwrap().size, 300_000);
    let head = store.head(key).await.unwrap();
    assert_eq!((head.size, head.media_type.as_str()), (300_000, "application/pdf"));
    assert!(matches!(store.get(key, Some(400_000..400_010)).await, Err(Fault::Refused(Error::Invalid { .. }))));
    store.delete(key).await.unwrap();
    store.delete(key).await.unwrap();
    assert!(matches!(store.get(key, None).await, Err(Fault::Refused(Error::NotFound))));
    assert!(matches!(store.head(key).await, Err(Fault::Refused(Error::NotFound))));
    server.stop().await;
}

#[tokio::test]
async fn a_large_object_is_stored_in_parts() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let key = document(Uuid::now_v7().into());
    for size in [8 * MIB, 8 * MIB + 1, 20 * MIB + 5] {
        let bytes = content(size);
        let stored = store.put_stream(key, "text/plain", pieces(&bytes), 50 * MIB).await.unwrap();
        assert_eq!(stored.size, size);
        assert!(read(&store, key, None).await == bytes, "{size} bytes come back as they were");
        assert_eq!(
            read(&store, key, Some(8 * MIB - 3..8 * MIB)).await,
            bytes[(8 * MIB - 3) as usize..(8 * MIB) as usize]
        );
        assert_eq!(store.head(key).await.unwrap().media_type, "text/plain");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let key = document(Uuid::now_v7().into());
    let bytes = content(12 * MIB);
    let refused = store.put_stream(key, "text/plain", pieces(&bytes), 10 * MIB).await;
    assert!(matches!(refused, Err(Fault::Refused(Error::TooLarge { .. }))), "{refused:?}");
    let broken = pieces(&bytes).chain(stream::iter([Err(Fault::Io(std::io::Error::other("the visitor left")))]));
    assert!(matches!(store.put_stream(key, "text/plain", broken, 50 * MIB).await, Err(Fault::Io(_))));
    assert!(matches!(store.head(key).await, Err(Fault::Refused(Error::NotFound))));
    // The abort goes out in the background.
    for _ in 0..100 {
        if files_with_bytes(&folder.objects()) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(files_with_bytes(&folder.objects()), 0);
    server.stop().await;
}

#[tokio::test]
async fn the_limit_of_the_folder_holds_and_deleting_makes_room() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 3 * MIB).await;
    let workspace = Uuid::now_v7().into();
    let key = document(workspace);
    let bytes = content(2 * MIB);
    store.put_stream(key, "text/plain", pieces(&bytes), 10 * MIB).await.unwrap();
    let second = document(workspace);
    let refused = store.put_stream(second, "text/plain", pieces(&bytes), 10 * MIB).await;
    assert!(
        matches!(&refused, Err(Fault::Refused(Error::TooLarge { message })) if message.contains("full")),
        "{refused:?}"
    );
    store.delete(key).await.unwrap();
    store.put_stream(second, "text/plain", pieces(&bytes), 10 * MIB).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_workspace_is_deleted_without_touching_another() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let (mine, other) = (Uuid::now_v7().into(), Uuid::now_v7().into());
    let keep = document(other);
    for key in [document(mine), document(mine), keep] {
        store.put_stream(key, "text/plain", pieces(b"words"), MIB).await.unwrap();
    }
    assert_eq!(store.delete_prefix(ObjectPrefix::Workspace(mine)).await.unwrap(), 2);
    assert_eq!(read(&store, keep, None).await, b"words");
    server.stop().await;
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    store.check().await.unwrap();
    let key = document(Uuid::now_v7().into());
    store.put_stream(key, "text/plain", pieces(b"words"), MIB).await.unwrap();
    let mut wrong = server.settings().clone();
    wrong.secret_key = "wrong".to_owned().into();
    let stranger = ObjectStore::new(&wrong);
    let message = stranger.check().await.unwrap_err().to_string();
    assert!(message.contains("the keys are refused"), "{message}");
    assert!(matches!(stranger.get(key, None).await, Err(Fault::Store(_))));
    let url = format!("{}{}/{key}", server.settings().endpoint, server.settings().bucket);
    assert_eq!(reqwest::get(url).await.unwrap().status(), 403);
    server.stop().await;
}

#[tokio::test]
async fn keys_and_objects_outlive_a_restart_and_leftovers_do_not() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let key = document(Uuid::now_v7().into());
    let gone = document(Uuid::now_v7().into());
    store.put_stream(key, "text/plain", pieces(b"words"), MIB).await.unwrap();
    store.put_stream(gone, "text/plain", pieces(b"words"), MIB).await.unwrap();
    store.delete(gone).await.unwrap();
    let access_key = server.settings().access_key.clone();
    server.stop().await;
    let (server, store) = start(&folder, 100 * MIB).await;
    assert_eq!(server.settings().access_key, access_key);
    assert_eq!(read(&store, key, None).await, b"words");
    let notes = std::fs::read_dir(folder.objects())
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with(".bucket-"));
    assert_eq!(notes.count(), 2, "one object, its attributes and its checksum");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.0.join("objects.keys.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_unfinished_upload_outlives_a_restart_and_goes_when_it_is_aborted() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let workspace = Uuid::now_v7().into();
    let (key, other) = (document(workspace), document(workspace));
    let bytes = Bytes::from(content(PART_BYTES as u64 + 7));
    let upload = store.begin_parts(key, "text/markdown").await.unwrap();
    let first = store.put_part(key, &upload, 1, bytes.slice(..PART_BYTES)).await.unwrap();
    let abandoned = store.begin_parts(other, "text/plain").await.unwrap();
    store.put_part(other, &abandoned, 1, bytes.slice(..PART_BYTES)).await.unwrap();
    server.stop().await;

    let (server, store) = start(&folder, 100 * MIB).await;
    let unfinished = store.list_unfinished(ObjectPrefix::Workspace(workspace)).await.unwrap();
    let mut names: Vec<_> = unfinished.iter().map(|found| (found.key.clone(), found.upload.clone())).collect();
    names.sort();
    let mut expected = [(key.to_string(), upload.clone()), (other.to_string(), abandoned.clone())];
    expected.sort();
    assert_eq!(names, expected);
    assert!(unfinished.iter().all(|found| found.begun.elapsed().is_ok_and(|age| age.as_secs() < 60)));
    assert_eq!(store.list_unfinished(ObjectPrefix::Workspace(Uuid::now_v7().into())).await.unwrap(), []);

    let second = store.put_part(key, &upload, 2, bytes.slice(PART_BYTES..)).await.unwrap();
    store.complete_parts(key, &upload, &[first, second], bytes.len() as u64).await.unwrap();
    assert!(read(&store, key, None).await == bytes);
    assert_eq!(store.head(key).await.unwrap().media_type, "text/markdown");
    for _ in 0..2 {
        store.abort_parts(&other.to_string(), &abandoned).await.unwrap();
    }
    assert_eq!(store.list_unfinished(ObjectPrefix::All).await.unwrap(), []);
    assert_eq!(files_with_bytes(&folder.objects()), 1, "the object, and no part");
    server.stop().await;
}

#[tokio::test]
async fn a_listing_goes_on_after_a_key_and_is_sorted() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let workspace = Uuid::now_v7().into();
    let mut keys = Vec::new();
    for _ in 0..5 {
        let key = document(workspace);
        store.put(key, "text/plain", Bytes::from_static(b"words")).await.unwrap();
        keys.push(key.to_string());
    }
    keys.sort();
    let page = store.list(ObjectPrefix::All, None).await.unwrap();
    assert_eq!(page.objects.iter().map(|object| object.key.clone()).collect::<Vec<_>>(), keys);
    assert!(!page.more && page.objects.iter().all(|object| object.size == 5));
    let rest = store.list(ObjectPrefix::Workspace(workspace), Some(&keys[2])).await.unwrap();
    assert_eq!(rest.objects.iter().map(|object| object.key.clone()).collect::<Vec<_>>(), keys[3..]);
    server.stop().await;
}

#[tokio::test]
async fn a_signed_address_is_of_the_stores_own_domain_and_lets_a_browser_read() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let key = document(Uuid::now_v7().into());
    store.put(key, "text/html", Bytes::from_static(b"<h1>words</h1>")).await.unwrap();
    let shown = Shown { media_type: "text/html", disposition: "attachment; filename=\"a.html\"" };
    let address = store.presign(key, shown).await.unwrap();
    assert!(address.starts_with(server.settings().endpoint.as_str()), "{address}");
    assert_eq!(address, store.presign(key, shown).await.unwrap(), "the same for a while");
    let answer = reqwest::get(&address).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-disposition"], shown.disposition);
    assert_eq!(answer.text().await.unwrap(), "<h1>words</h1>");
    let forged = address.replace(&key.to_string(), &document(Uuid::now_v7().into()).to_string());
    assert_eq!(reqwest::get(&forged).await.unwrap().status(), 403);
    server.stop().await;
}

#[tokio::test]
async fn only_what_is_published_has_a_public_address() {
    let folder = Folder::new();
    let (server, store) = start(&folder, 100 * MIB).await;
    let (workspace, id) = (Uuid::now_v7().into(), Uuid::now_v7().into());
    let original = ObjectKey::Document { workspace, document: id };
    let copy = ObjectKey::Published { workspace, document: id };
    store.put(original, "text/plain", Bytes::from_static(b"words")).await.unwrap();
    store.copy(original, copy, "text/plain", "inline").await.unwrap();
    assert_eq!(read(&store, copy, None).await, b"words");
    assert_eq!(store.public_url(copy), None, "the embedded store has no public domain");
    for base in ["https://files.example.com/studio", "https://files.example.com/studio/"] {
        let mut settings = server.settings().clone();
        settings.public_url = Some(base.parse().unwrap());
        let store = ObjectStore::new(&settings);
        let address = format!("https://files.example.com/studio/workspaces/{workspace}/public/{id}");
        assert_eq!(store.public_url(copy).unwrap().as_str(), address);
        assert_eq!(store.public_url(original), None);
    }
    server.stop().await;
}
