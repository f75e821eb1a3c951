//! Files on their way up, each with its own progress. Without JavaScript the form sends them as any form does.

use domain::{ProjectId, documents::Document};
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
};
use serde::Deserialize;
use web_sys::{Event, File, FileList, FormData, ProgressEvent, XmlHttpRequest};

/// How many go up at a time: more share the same line.
const AT_A_TIME: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UploadState {
    /// Until one that is on its way is done.
    Waiting,
    Sending {
        sent: u64,
    },
    /// All bytes are there; the server stores them.
    Storing,
    Failed(String),
}

/// One file. Cheap to copy: a handle.
#[derive(Clone, Copy)]
pub(super) struct Upload {
    pub key: u32,
    pub name: StoredValue<String>,
    /// In bytes.
    pub size: u64,
    pub state: RwSignal<UploadState>,
    file: StoredValue<File, LocalStorage>,
    request: StoredValue<Option<Request>, LocalStorage>,
}

/// A request with its listeners, which must live as long as it does.
struct Request {
    http: XmlHttpRequest,
    _on_progress: Closure<dyn FnMut(ProgressEvent)>,
    _on_done: Closure<dyn FnMut(Event)>,
}

/// The files of one page that are on their way.
#[derive(Clone, Copy)]
pub(super) struct Uploads {
    project: ProjectId,
    list: RwSignal<Vec<Upload>>,
    next_key: StoredValue<u32>,
    stored: Callback<Vec<Document>>,
}

impl Uploads {
    /// `stored` hears the documents that each file became.
    pub fn new(project: ProjectId, stored: Callback<Vec<Document>>) -> Self {
        Self { project, list: RwSignal::new(Vec::new()), next_key: StoredValue::new(0), stored }
    }

    pub fn list(self) -> Signal<Vec<Upload>> {
        self.list.into()
    }

    /// Begins to send these files.
    pub fn add(self, files: &FileList) {
        for file in (0..files.length()).filter_map(|index| files.item(index)) {
            let key = self.next_key.get_value();
            self.next_key.set_value(key + 1);
            let size = bytes(file.size());
            let refused = (size == 0).then(|| "The file is empty. Choose another.".to_owned());
            let upload = Upload {
                key,
                name: StoredValue::new(file.name()),
                size,
                state: RwSignal::new(refused.map_or(UploadState::Waiting, UploadState::Failed)),
                file: StoredValue::new_local(file),
                request: StoredValue::new_local(None),
            };
            self.list.update(|list| list.push(upload));
        }
        self.send_next();
    }

    /// Stops a file that is on its way, or takes one that failed off the list.
    pub fn remove(self, upload: Upload) {
        upload.request.update_value(|request| {
            if let Some(request) = request {
                // Fails only when it is over.
                let _ = request.http.abort();
            }
        });
        self.list.update(|list| list.retain(|other| other.key != upload.key));
        self.send_next();
    }

    pub fn retry(self, upload: Upload) {
        upload.state.set(UploadState::Waiting);
        self.send_next();
    }

    fn send_next(self) {
        let list = self.list.get_untracked();
        let sending = list.iter().filter(|upload| upload.state.with_untracked(UploadState::is_sending)).count();
        let waiting = list.into_iter().filter(|upload| upload.state.get_untracked() == UploadState::Waiting);
        for upload in waiting.take(AT_A_TIME.saturating_sub(sending)) {
            if self.send(upload).is_none() {
                upload.state.set(UploadState::Failed("The browser could not send the file. Try again.".to_owned()));
            }
        }
    }

    fn send(self, upload: Upload) -> Option<()> {
        let http = XmlHttpRequest::new().ok()?;
        http.open("POST", &format!("/api/v1/projects/{}/documents", self.project)).ok()?;
        http.set_request_header("Accept", "application/json").ok()?;
        let form = FormData::new().ok()?;
        let name = upload.name.get_value();
        upload.file.with_value(|file| form.append_with_blob_and_filename("file", file, &name)).ok()?;

        let on_progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            // The form's boundaries are sent too: never more than the file has.
            let sent = bytes(event.loaded()).min(upload.size);
            let all = event.length_computable() && event.loaded() >= event.total();
            upload.state.set(if all { UploadState::Storing } else { UploadState::Sending { sent } });
        });
        http.upload().ok()?.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));

        let on_done = Closure::<dyn FnMut(Event)>::new({
            let http = http.clone();
            move |_: Event| self.finish(upload, outcome(&http))
        });
        http.set_onload(Some(on_done.as_ref().unchecked_ref()));
        http.set_onerror(Some(on_done.as_ref().unchecked_ref()));

        upload.state.set(UploadState::Sending { sent: 0 });
        http.send_with_opt_form_data(Some(&form)).ok()?;
        upload.request.set_value(Some(Request { http, _on_progress: on_progress, _on_done: on_done }));
        Some(())
    }

    fn finish(self, upload: Upload, outcome: Result<Vec<Document>, String>) {
        match outcome {
            Ok(documents) => {
                self.stored.run(documents);
                self.list.update(|list| list.retain(|other| other.key != upload.key));
            }
            Err(reason) => upload.state.set(UploadState::Failed(reason)),
        }
        self.send_next();
    }
}

impl UploadState {
    pub const fn is_sending(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::Storing)
    }
}

/// The part of a problem document (RFC 9457) that is for people.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

fn outcome(http: &XmlHttpRequest) -> Result<Vec<Document>, String> {
    let body = http.response_text().ok().flatten().unwrap_or_default();
    match http.status() {
        Ok(201) => serde_json::from_str(&body).map_err(|_| "The file is stored. Reload the page to see it.".to_owned()),
        // No answer: the line broke, or the server closed it on a file that is larger than it takes.
        Err(_) | Ok(0) => {
            Err("The upload broke off. Check your connection and the file's size, then try again.".to_owned())
        }
        Ok(413) if body.is_empty() => Err("The file is larger than this server takes.".to_owned()),
        Ok(_) => Err(serde_json::from_str::<Problem>(&body)
            .map_or_else(|_| "The server could not take the file. Try again.".to_owned(), |problem| problem.detail)),
    }
}

/// A count of bytes as JavaScript tells it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a file's size is whole and below 2^53
fn bytes(number: f64) -> u64 {
    number as u64
}
