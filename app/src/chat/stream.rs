//! An answer as it is written, from `GET /api/v1/messages/{id}/events`.

use super::{api, thread::Shown, tool_calls};
use crate::event_source::{EventStream, Received, stream_slot};
use domain::chat::{AnswerEvent, MessageState};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// How long to wait before a stream that the server ended is asked for again.
const REOPEN_AFTER: Duration = Duration::from_secs(3);

/// All events have this name; they are told apart by their data.
const NAMES: [&str; 1] = ["answer"];

/// Keeps an answer current while it is being written. In the browser only, after hydration; all that happened before is
/// told at the stream's beginning.
pub(super) fn follow(shown: Shown) {
    let stream = stream_slot();
    let attempt = RwSignal::new(0_u32);
    // Also while it waits: another window may decide.
    let is_open = Memo::new(move |_| shown.message.with(|message| message.state.is_open()));
    let text = StoredValue::new(String::new());
    let drawing = StoredValue::new(false);
    // Not more often than the screen is drawn.
    let draw = move || {
        if drawing.try_get_value() == Some(false) {
            drawing.set_value(true);
            request_animation_frame(move || {
                if drawing.try_get_value().is_some() {
                    drawing.set_value(false);
                    show(shown, &text.get_value());
                }
            });
        }
    };
    Effect::new(move |_| {
        attempt.track();
        // The slot's stream may be the one whose event ended the answer: it is closed after that event.
        if !is_open.get() {
            set_timeout(move || drop(stream.try_set_value(None)), Duration::ZERO);
            return;
        }
        text.set_value(String::new());
        let receive = move |received| match received {
            Received::Event { data, .. } => match serde_json::from_str(&data) {
                Ok(AnswerEvent::Status { text }) => shown.status.set(Some(text)),
                Ok(AnswerEvent::Delta { text: more }) => {
                    text.update_value(|text| text.push_str(&more));
                    draw();
                }
                Ok(AnswerEvent::Cited { citation }) => shown.message.update(|message| {
                    message.citations.retain(|known| known.number != citation.number);
                    message.citations.push(citation);
                }),
                Ok(AnswerEvent::Tool { call }) => shown.message.update(|message| tool_calls::put(message, call)),
                Ok(AnswerEvent::Waiting) => {
                    shown.message.update(|message| tool_calls::set_state(message, MessageState::Waiting));
                }
                Ok(AnswerEvent::Resumed) => {
                    shown.message.update(|message| tool_calls::set_state(message, MessageState::Streaming));
                }
                Ok(AnswerEvent::Finished { message }) => shown.message.set(message),
                // From a newer server: the last event has the whole.
                Err(_) => {}
            },
            Received::Ended => set_timeout(move || spawn_local(look_again(shown, attempt)), REOPEN_AFTER),
        };
        let url = format!("/api/v1/messages/{}/events", shown.id);
        stream.set_value(EventStream::open(&url, &NAMES, receive));
    });
}

/// Never less than is there already: a replay begins at the beginning.
fn show(shown: Shown, text: &str) {
    let is_more = shown.message.with_untracked(|message| message.state.is_open() && text.len() > message.content.len());
    if is_more {
        shown.message.update(|message| text.clone_into(&mut message.content));
    }
}

/// The stream is gone: looks what became of the answer, and follows it again if it goes on.
async fn look_again(shown: Shown, attempt: RwSignal<u32>) {
    if let Ok(message) = api::get_message(shown.id).await
        && !message.state.is_open()
    {
        let _ = shown.message.try_set(message);
    }
    // Gone with its page.
    let _ = attempt.try_update(|attempt| *attempt += 1);
}
