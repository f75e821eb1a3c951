//! A chunk of an upload, from the request to the store; the last one makes the document.

use super::{
    hash::Hash,
    remove,
    repo::{self, Row},
};
use crate::{
    access::UploadAccess,
    documents::{
        self,
        media_type::{self, TextCheck},
        upload::not_text,
    },
    fault::Fault,
    http::error::HttpError,
    session::UserSession,
    storage::{PART_BYTES, Stored},
};
use axum::{body::Body, http::StatusCode};
use bytes::{Bytes, BytesMut};
use domain::{Error, Session as _, UploadId, UserId, uploads::Upload, workspaces::Role};
use futures::StreamExt;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Takes the chunk that begins at `offset`. When all bytes are there already, an empty one makes the document.
///
/// # Errors
/// `Conflict` when the upload is at another offset; `Invalid` on `file` when the file is not of a kind that can be read,
/// which ends the upload; 400 when the chunk breaks off, 413 and 422 when it is not of the right size.
pub(super) async fn append(
    session: UserSession,
    access: UploadAccess,
    offset: u64,
    body: Body,
) -> Result<Upload, HttpError> {
    let row = repo::find(&mut session.scope().await?, &access).await?;
    if row.finished_at.is_some() && offset == row.size() {
        return Ok(row.upload());
    }
    if offset != row.offset() || row.finished_at.is_some() {
        return Err(repo::elsewhere().into());
    }
    let room = ROOM.take(session.user().id, PATIENCE).await?;
    let bytes = timeout(WHOLE, read(body, row.next_chunk(), IDLE)).await.map_err(|_| broken_off())??;
    // A task of its own: what has arrived is kept although the sender has gone.
    let task = tokio::spawn(async move {
        let _room = room;
        let mut scope = session.scope().await?;
        let epoch = repo::begin_chunk(&mut scope, &access, offset).await?.ok_or_else(repo::elsewhere)?;
        scope.commit().await?;
        match store(&session, row, epoch, bytes).await {
            Ok(row) if row.offset_bytes == row.size_bytes => finish(&session, &access, row).await,
            Ok(row) => Ok(row.upload()),
            Err(Failed::Unreadable(error)) => {
                discard(&session, access.id()).await?;
                Err(error.into())
            }
            Err(Failed::Fault(fault)) => Err(fault),
        }
    });
    Ok(task.await.map_err(Fault::while_doing("store a chunk"))??)
}

/// A chunk is held whole, because a part of a multipart upload says its length first.
static ROOM: LazyLock<Room> = LazyLock::new(|| Room::new(32, 4));

/// How long a chunk waits for room. The browser sends it again after that, as after a broken line.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a sender may say nothing, and how long a chunk may take: who holds room must use it. A line of 30 kB a second
/// brings 8 MiB in that time.
const IDLE: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(300);

/// Room for chunks in memory, of which nobody has more than their part.
struct Room {
    all: Arc<Semaphore>,
    each: usize,
    people: Mutex<HashMap<UserId, Arc<Semaphore>>>,
}

/// Given back when it is dropped.
struct Taken {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Room {
    fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, people: Mutex::default() }
    }

    /// # Errors
    /// `Unavailable` when there is no room in time.
    async fn take(&self, person: UserId, patience: Duration) -> Result<Taken, Error> {
        let own = {
            let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            // Who holds nothing and waits for nothing is forgotten.
            people.retain(|_, own| Arc::strong_count(own) > 1);
            Arc::clone(people.entry(person).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        let both = async {
            let own = own.acquire_owned().await?;
            Ok::<_, AcquireError>(Taken { _own: own, _of_all: Arc::clone(&self.all).acquire_owned().await? })
        };
        match timeout(patience, both).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(_)) | Err(_) => Err(Error::unavailable(
                "Many files are being uploaded at this moment. Send the chunk again in a while.",
            )),
        }
    }
}

fn broken_off() -> HttpError {
    HttpError::request(StatusCode::BAD_REQUEST, "The chunk broke off. Send it again.")
}

/// The whole chunk: it is sent to the store only when all of it is there.
async fn read(body: Body, wanted: u64, idle: Duration) -> Result<Bytes, HttpError> {
    let mut bytes = BytesMut::new();
    let mut stream = body.into_data_stream();
    while let Some(piece) = timeout(idle, stream.next()).await.map_err(|_| broken_off())? {
        let piece = piece.map_err(|error| {
            tracing::debug!(%error, "a chunk broke off");
            broken_off()
        })?;
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > wanted {
            return Err(HttpError::request(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("Send the next {wanted} bytes of the file alone."),
            ));
        }
    }
    if (bytes.len() as u64) < wanted {
        return Err(Error::invalid("body", format!("Send the next {wanted} bytes of the file at once.")).into());
    }
    Ok(bytes.freeze())
}

enum Failed {
    /// The file is none that can be read: going on makes no sense.
    Unreadable(Error),
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// The upload with the chunk.
async fn store(session: &UserSession, mut row: Row, epoch: i64, bytes: Bytes) -> Result<Row, Failed> {
    if bytes.is_empty() {
        return Ok(row);
    }
    let store = &session.state.store;
    check(&mut row, &bytes)?;
    let mut hash = match &row.hash_state {
        Some(state) => Hash::resume(state).ok_or_else(restart)?,
        None => Hash::default(),
    };
    hash.update(&bytes);
    row.hash_state = Some(hash.state());
    row.offset_bytes += repo::integer(bytes.len() as u64);
    let key = row.key();
    let media_type = row.media_type.clone().unwrap_or_default();
    if row.size() <= PART_BYTES as u64 {
        store.put(key, &media_type, bytes).await?;
    } else {
        let upload = match &row.store_upload {
            Some(upload) => upload.clone(),
            None => {
                let upload = store.begin_parts(key, &media_type).await?;
                row.store_upload = Some(upload.clone());
                let mut scope = session.scope().await?;
                repo::begun(&mut scope, &row, epoch).await?;
                scope.commit().await?;
                upload
            }
        };
        let tag = store.put_part(key, &upload, row.parts.len() + 1, bytes).await?;
        row.parts.push(tag);
    }
    let mut scope = session.scope().await?;
    repo::advance(&mut scope, &row, epoch).await?;
    scope.commit().await?;
    Ok(row)
}

/// The first chunk tells what the file is, and every chunk of a text is looked at.
fn check(row: &mut Row, bytes: &[u8]) -> Result<(), Failed> {
    let unreadable = |error: domain::FieldError| Failed::Unreadable(error.into());
    if row.offset_bytes == 0 {
        let head = &bytes[..bytes.len().min(media_type::PEEK)];
        row.media_type = Some(media_type::of(&row.name, head).map_err(unreadable)?.to_owned());
    }
    if media_type::is_text(row.media_type.as_deref().unwrap_or_default()) {
        let mut text = TextCheck::resume(std::mem::take(&mut row.text_tail));
        let is_last = row.offset() + bytes.len() as u64 == row.size();
        if !text.accepts(bytes) || (is_last && !text.complete()) {
            return Err(unreadable(not_text(&row.name)));
        }
        row.text_tail = text.tail();
    }
    Ok(())
}

/// After an update of Atelier whose hashing keeps its state in another form.
fn restart() -> Error {
    Error::conflict("This upload was begun by another version of Atelier. Discard it, and add the file again.")
}

/// Makes the document of an upload whose bytes are all there. May be repeated.
async fn finish(session: &UserSession, access: &UploadAccess, row: Row) -> Result<Upload, Fault> {
    let key = row.key();
    if let Some(upload) = &row.store_upload {
        session.state.store.complete_parts(key, upload, &row.parts, row.size()).await?;
    }
    let hash = row.hash_state.as_deref().and_then(Hash::resume).ok_or_else(restart)?;
    let file = documents::repo::NewDocument {
        id: row.document_id.into(),
        name: row.name.clone(),
        media_type: row.media_type.clone().unwrap_or_default().into(),
        stored: Stored { size: row.size(), sha256: hash.finish() },
        key,
    };
    let mut scope = session.scope().await?;
    if repo::finish(&mut scope, access).await? {
        let (project, folder) = (row.project_id.into(), row.folder_id.map(Into::into));
        if row.is_attachment {
            documents::upload::insert_attachment(&mut scope, project, folder, file).await?;
        } else {
            documents::upload::insert_all(&mut scope, project, folder, &[file]).await?;
        }
    }
    // Whoever was faster has made it.
    let access = scope.upload(access.id(), Role::Viewer).await?;
    let finished = repo::find(&mut scope, &access).await?;
    scope.commit().await?;
    Ok(finished.upload())
}

async fn discard(session: &UserSession, id: UploadId) -> Result<(), Fault> {
    let mut scope = session.scope().await?;
    let deleted = repo::delete(scope.conn(), id).await?;
    scope.commit().await?;
    if let Some(row) = deleted {
        remove(&session.state.store, row).await;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_chunk_waits_for_room_and_nobody_takes_all_of_it() {
        let room = Arc::new(Room::new(2, 1));
        let (ada, mia, eve) = (UserId::from(Uuid::now_v7()), Uuid::now_v7().into(), Uuid::now_v7().into());
        let first = room.take(ada, PATIENCE).await.unwrap();
        assert!(matches!(room.take(ada, SHORT).await, Err(Error::Unavailable { .. })), "Ada has her part");
        let _second = room.take(mia, SHORT).await.unwrap();
        assert!(matches!(room.take(eve, SHORT).await, Err(Error::Unavailable { .. })), "there is no more");
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.take(eve, PATIENCE).await.is_ok() }
        });
        drop(first);
        assert!(waiting.await.unwrap());
        drop(room.take(ada, SHORT).await.unwrap());
        assert_eq!(room.people.lock().unwrap().len(), 2, "Eve, who held hers to the end, is forgotten with the next");
    }

    #[tokio::test]
    async fn a_sender_that_falls_silent_gives_its_room_back() {
        let silent = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"some"))])
            .chain(futures::stream::pending());
        assert!(read(Body::from_stream(silent), 100, SHORT).await.is_err());
    }
}
