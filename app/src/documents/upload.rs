//! Files on their way up, each with its own progress. They go in chunks that the server keeps, so that a broken line, a
//! pause or a reload costs no more than the chunk under way. Without JavaScript the form sends them as any form does.

use super::request::{self, Body, Trouble, bytes, pause};
use domain::{
    FolderId, ProjectId, UploadId,
    documents::Document,
    uploads::{NewUpload, Upload as Kept},
};
use leptos::{callback::Callable, prelude::*, task::spawn_local};
use std::time::Duration;
use web_sys::{File, XmlHttpRequest};

/// How many go up at a time: more share the same line.
const AT_A_TIME: usize = 2;

/// How often a server that answers with an error is asked again before a person is.
const TRIES: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Until one that is on its way is done.
    Waiting,
    Sending {
        sent: u64,
    },
    /// All bytes are there; the server stores them.
    Storing,
    Paused {
        sent: u64,
    },
    /// The line broke, or the server is busy; it is tried again by itself.
    Interrupted {
        sent: u64,
    },
    /// Begun before this page was opened: the browser has forgotten the file, the server has not.
    Unchosen {
        sent: u64,
    },
    Failed(String),
}

/// Where files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder of a project, or its top.
    Folder(ProjectId, Option<FolderId>),
    /// Those that are attached to questions: the server knows where they go.
    Attachments(ProjectId),
}

/// One file. Cheap to copy: a handle.
#[derive(Clone, Copy)]
pub(crate) struct Upload {
    pub key: u32,
    pub name: StoredValue<String>,
    /// In bytes.
    pub size: u64,
    pub state: RwSignal<UploadState>,
    /// Where it goes.
    place: Place,
    /// With name and size, what a file is known by when it is chosen again.
    modified_ms: Option<i64>,
    file: StoredValue<Option<File>, LocalStorage>,
    id: StoredValue<Option<UploadId>>,
    request: StoredValue<Option<XmlHttpRequest>, LocalStorage>,
    /// Counts pauses and stops: a task with an older number has nothing to say any more.
    turn: StoredValue<u32>,
}

/// The files that are on their way, to whichever folder, for as long as documents are in view.
#[derive(Clone, Copy)]
pub(crate) struct Uploads {
    list: RwSignal<Vec<Upload>>,
    /// In view.
    place: RwSignal<Option<Place>>,
    next_key: StoredValue<u32>,
    stored: StoredValue<Option<Callback<Document>>>,
    /// Of what belongs to a file on its way: it lives as long as the list, not as whatever began it.
    owner: StoredValue<Owner>,
}

impl Uploads {
    pub fn new() -> Self {
        let uploads = Self {
            list: RwSignal::new(Vec::new()),
            place: RwSignal::new(None),
            next_key: StoredValue::new(0),
            stored: StoredValue::new(None),
            owner: StoredValue::new(Owner::current().unwrap_or_default()),
        };
        on_cleanup(move || {
            for upload in uploads.list.try_get_untracked().unwrap_or_default() {
                upload.interrupt();
            }
        });
        uploads
    }

    /// Brings a place into view. `unfinished` are those to it of earlier visits; `stored` hears the document that each file
    /// became.
    pub fn show(self, place: Place, unfinished: Vec<Kept>, stored: Callback<Document>) {
        self.place.set(Some(place));
        self.stored.set_value(Some(stored));
        // In the browser only: what holds a file cannot leave its thread, and the server's tasks do.
        Effect::new(move |ran: Option<()>| {
            for kept in unfinished.iter().rev().filter(|_| ran.is_none()) {
                self.restore(kept.clone());
            }
        });
    }

    /// One of an earlier visit, which goes to the place in view when its file is chosen again. In the browser only.
    pub fn restore(self, kept: Kept) {
        let Some(place) = self.place.get_untracked() else { return };
        let is_known =
            self.list.with_untracked(|list| list.iter().any(|upload| upload.id.get_value() == Some(kept.id)));
        if !is_known {
            let state = UploadState::Unchosen { sent: kept.offset };
            self.push(place, kept.name, kept.size_bytes, kept.modified_ms, state, None, Some(kept.id));
        }
    }

    /// Those that go to the place in view.
    pub fn list(self) -> Signal<Vec<Upload>> {
        Signal::derive(move || {
            let place = self.place.get();
            self.list.with(|list| list.iter().filter(|upload| Some(upload.place) == place).copied().collect())
        })
    }

    /// Begins to send these files. One that was begun before goes on.
    pub fn add(self, files: Vec<File>) {
        let Some(place) = self.place.get_untracked() else { return };
        for file in files {
            let (name, size, modified_ms) = (file.name(), bytes(file.size()), Some(whole(file.last_modified())));
            let known = self.list.with_untracked(|list| {
                list.iter().find(|upload| upload.place == place && upload.awaits(&name, size, modified_ms)).copied()
            });
            match known {
                Some(upload) => {
                    upload.file.set_value(Some(file));
                    upload.state.set(UploadState::Waiting);
                }
                None => {
                    let refused = (size == 0).then(|| "The file is empty. Choose another.".to_owned());
                    let state = refused.map_or(UploadState::Waiting, UploadState::Failed);
                    self.push(place, name, size, modified_ms, state, Some(file), None);
                }
            }
        }
        self.send_next();
    }

    #[allow(clippy::too_many_arguments)] // one for each fact of a file
    fn push(
        self,
        place: Place,
        name: String,
        size: u64,
        modified_ms: Option<i64>,
        state: UploadState,
        file: Option<File>,
        id: Option<UploadId>,
    ) {
        let key = self.next_key.get_value();
        self.next_key.set_value(key + 1);
        let upload = self.owner.get_value().with(|| Upload {
            key,
            name: StoredValue::new(name),
            size,
            state: RwSignal::new(state),
            place,
            modified_ms,
            file: StoredValue::new_local(file),
            id: StoredValue::new(id),
            request: StoredValue::new_local(None),
            turn: StoredValue::new(0),
        });
        self.list.update(|list| list.push(upload));
    }

    pub fn pause(self, upload: Upload) {
        let sent = upload.state.with_untracked(UploadState::sent);
        upload.interrupt();
        upload.state.set(UploadState::Paused { sent });
        self.send_next();
    }

    /// Also after a failure.
    pub fn resume(self, upload: Upload) {
        upload.interrupt();
        upload.state.set(UploadState::Waiting);
        self.send_next();
    }

    /// Stops a file that is on its way, or takes one that failed off the list. The server forgets what it has of it.
    pub fn remove(self, upload: Upload) {
        upload.interrupt();
        if let Some(id) = upload.id.get_value() {
            spawn_local(async move {
                // What is left there runs out by itself.
                let _ = send::<()>("DELETE", &format!("/api/v1/uploads/{id}"), Body::Nothing).await;
            });
        }
        self.list.update(|list| list.retain(|other| other.key != upload.key));
        self.send_next();
    }

    fn send_next(self) {
        let list = self.list.get_untracked();
        let sending = list.iter().filter(|upload| upload.state.with_untracked(UploadState::is_under_way)).count();
        let waiting = list.into_iter().filter(|upload| upload.state.get_untracked() == UploadState::Waiting);
        for upload in waiting.take(AT_A_TIME.saturating_sub(sending)) {
            let turn = upload.interrupt();
            upload.state.set(UploadState::Sending { sent: 0 });
            spawn_local(async move {
                let outcome = self.send(upload, turn).await;
                if upload.is_turn(turn) {
                    self.finish(upload, outcome);
                }
            });
        }
    }

    fn finish(self, upload: Upload, outcome: Result<Option<Document>, String>) {
        match outcome {
            Ok(document) => {
                if let (Some(document), Some(stored)) = (document, self.stored.get_value()) {
                    // Nobody hears it when its list is about to be another.
                    let _ = stored.try_run(document);
                }
                self.list.update(|list| list.retain(|other| other.key != upload.key));
            }
            Err(reason) => upload.state.set(UploadState::Failed(reason)),
        }
        self.send_next();
    }

    /// Sends what the server has not, and goes on after what may pass.
    async fn send(self, upload: Upload, turn: u32) -> Result<Option<Document>, String> {
        let mut tries = 0;
        let mut waits = 0;
        loop {
            let before = upload.state.try_with_untracked(UploadState::sent).unwrap_or_default();
            match self.send_once(upload, turn).await {
                Ok(document) => return Ok(Some(document)),
                Err(_) if !upload.is_turn(turn) => return Ok(None),
                Err(Trouble::Refused(reason) | Trouble::Gone(reason)) => {
                    // The server has nothing of it any more.
                    let _ = upload.id.try_set_value(None);
                    return Err(reason);
                }
                Err(Trouble::Passing(reason)) => {
                    tries += 1;
                    if tries > TRIES {
                        return Err(reason);
                    }
                }
                // A line may be away for as long as it likes.
                Err(Trouble::Broken) => {}
            }
            let sent = upload.state.try_with_untracked(UploadState::sent).unwrap_or_default();
            if sent > before {
                (tries, waits) = (0, 0);
            }
            let _ = upload.state.try_set(UploadState::Interrupted { sent });
            pause(Duration::from_secs(1 << waits.min(4))).await;
            waits += 1;
            if !upload.is_turn(turn) {
                return Ok(None);
            }
        }
    }

    /// Asks how far the upload is, and sends chunk by chunk from there.
    async fn send_once(self, upload: Upload, turn: u32) -> Result<Document, Trouble> {
        let mut kept = self.find(upload).await?;
        upload.id.try_set_value(Some(kept.id));
        loop {
            if let Some(document) = kept.document_id {
                return request::get(&format!("documents/{document}")).await;
            }
            let Some(chunk) = upload.chunk(&kept) else { return Err(Trouble::Broken) };
            if !upload.is_turn(turn) {
                return Err(Trouble::Broken);
            }
            let (offset, size) = (kept.offset, upload.size);
            let _ = upload.state.try_set(UploadState::Sending { sent: offset });
            let progress = move |sent: u64| {
                if upload.is_turn(turn) {
                    let sent = (offset + sent).min(size);
                    let _ = upload.state.try_set(match sent == size {
                        true => UploadState::Storing,
                        false => UploadState::Sending { sent },
                    });
                }
            };
            let started = |http: &XmlHttpRequest| drop(upload.request.try_set_value(Some(http.clone())));
            let path = format!("/api/v1/uploads/{}", kept.id);
            kept = request::send("PATCH", &path, Body::Chunk(&chunk, offset), started, progress).await?;
        }
    }

    async fn find(self, upload: Upload) -> Result<Kept, Trouble> {
        if let Some(id) = upload.id.try_get_value().flatten() {
            match request::get(&format!("uploads/{id}")).await {
                // It has run out meanwhile.
                Err(Trouble::Gone(_)) => {}
                found => return found,
            }
        }
        let (project, folder_id, attachment) = match upload.place {
            Place::Folder(project, folder) => (project, folder, false),
            Place::Attachments(project) => (project, None, true),
        };
        let new = NewUpload {
            name: upload.name.try_get_value().unwrap_or_default(),
            size_bytes: upload.size,
            modified_ms: upload.modified_ms,
            folder_id,
            attachment,
        };
        let json = serde_json::to_string(&new).map_err(|error| Trouble::Refused(error.to_string()))?;
        send("POST", &format!("/api/v1/projects/{project}/uploads"), Body::Json(json)).await
    }
}

impl Upload {
    /// Whether it waits for this file to be chosen.
    fn awaits(self, name: &str, size: u64, modified_ms: Option<i64>) -> bool {
        let waits = self.state.with_untracked(|state| {
            matches!(state, UploadState::Unchosen { .. } | UploadState::Paused { .. } | UploadState::Failed(_))
        });
        waits && self.size == size && self.modified_ms == modified_ms && self.name.with_value(|own| own == name)
    }

    /// Ends what is under way, and begins a new turn.
    fn interrupt(self) -> u32 {
        let turn = self.turn.try_get_value().unwrap_or_default() + 1;
        self.turn.try_set_value(turn);
        let request = self.request.try_update_value(Option::take).flatten();
        if let Some(request) = request {
            // Fails only when it is over.
            let _ = request.abort();
        }
        turn
    }

    /// What the server calls it, once it has been asked.
    pub fn id(self) -> Option<UploadId> {
        self.id.try_get_value().flatten()
    }

    /// False also when the page is gone.
    fn is_turn(self, turn: u32) -> bool {
        self.turn.try_get_value() == Some(turn)
    }

    #[allow(clippy::cast_precision_loss)] // a file's size is below 2^53
    fn chunk(self, kept: &Kept) -> Option<web_sys::Blob> {
        let end = (kept.offset + kept.chunk_bytes).min(self.size);
        let slice = |file: &File| file.slice_with_f64_and_f64(kept.offset as f64, end as f64).ok();
        self.file.try_with_value(|file| file.as_ref().and_then(slice)).flatten()
    }
}

impl UploadState {
    /// It has one of the places on the line.
    pub const fn is_under_way(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Storing | Self::Interrupted { .. })
    }

    /// It becomes a document by itself, unless something happens to it.
    pub const fn is_coming(&self) -> bool {
        self.is_under_way() || matches!(self, Self::Waiting)
    }

    /// Bytes that have gone, as far as they are told.
    pub const fn sent(&self) -> u64 {
        match self {
            Self::Sending { sent } | Self::Paused { sent } | Self::Interrupted { sent } | Self::Unchosen { sent } => {
                *sent
            }
            Self::Waiting | Self::Storing | Self::Failed(_) => 0,
        }
    }
}

/// A request of which nobody wants to hear until it ends.
async fn send<T: serde::de::DeserializeOwned>(method: &str, path: &str, body: Body<'_>) -> Result<T, Trouble> {
    request::send(method, path, body, |_| {}, |_| {}).await
}

#[allow(clippy::cast_possible_truncation)] // milliseconds since 1970 are whole and below 2^53
fn whole(number: f64) -> i64 {
    number as i64
}
