//! A project's documents as they change, from `GET /api/v1/projects/{id}/events`. What changed shortly before the stream
//! began, and all that is being read, is told at its beginning.

use crate::event_source::{EventStream, Received, stream_slot};
use domain::{DocumentId, ProjectId, documents::Document};
use leptos::prelude::*;
use serde::Deserialize;
use std::time::Duration;

/// How long to wait before a stream that the server ended is asked for again.
const REOPEN_AFTER: Duration = Duration::from_secs(5);

pub(crate) enum Change {
    Changed(Box<Document>),
    Deleted(DocumentId),
}

#[derive(Deserialize)]
struct Deleted {
    id: DocumentId,
}

/// Calls `heard` for each change as long as the component lives. In the browser only, after hydration.
pub(crate) fn follow(project: ProjectId, heard: impl Fn(Change) + Copy + 'static) {
    let stream = stream_slot();
    let attempt = RwSignal::new(0_u32);
    // When the last document that was told had changed, in microseconds since 1970: the browser says it when it comes back
    // by itself, and here it is said when the stream is opened anew.
    let since = StoredValue::new(None::<i128>);
    Effect::new(move |_| {
        attempt.track();
        let url = match since.get_value() {
            Some(since) => format!("/api/v1/projects/{project}/events?since={since}"),
            None => format!("/api/v1/projects/{project}/events"),
        };
        let receive = move |received| match received {
            Received::Event { name, data } => {
                let change = match name.as_str() {
                    "deleted" => serde_json::from_str(&data).map(|Deleted { id }| Change::Deleted(id)),
                    _ => serde_json::from_str::<Document>(&data).map(|document| {
                        since.set_value(since.get_value().max(Some(document.updated_at.unix_timestamp_nanos() / 1000)));
                        Change::Changed(Box::new(document))
                    }),
                };
                if let Ok(change) = change {
                    heard(change);
                }
            }
            Received::Ended => set_timeout(
                move || {
                    // Gone with its page.
                    let _ = attempt.try_update(|attempt| *attempt += 1);
                },
                REOPEN_AFTER,
            ),
        };
        stream.set_value(EventStream::open(&url, &["document", "deleted"], receive));
    });
}
