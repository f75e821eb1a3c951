//! A request that tells how much of its body has gone. `fetch` cannot; XMLHttpRequest can.

use domain::Error;
use leptos::wasm_bindgen::{JsCast, JsValue, closure::Closure};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ProgressEvent, XmlHttpRequest, js_sys::Promise};

/// What goes up.
pub(super) enum Body<'a> {
    Nothing,
    Json(String),
    /// A chunk, and where it begins.
    Chunk(&'a Blob, u64),
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The line broke, or the request was aborted.
    Broken,
    /// It may pass: the server is busy, or misses something that it needs.
    Passing(String),
    /// What was asked for is not there (any more).
    Gone(String),
    /// Asking again gives the same.
    Refused(String),
}

/// The part of a problem document (RFC 9457) that is for people.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// Sends a request that `started` may keep, to abort it; `sent` hears how many bytes have gone.
pub(super) async fn send<T: DeserializeOwned>(
    method: &str,
    path: &str,
    body: Body<'_>,
    started: impl FnOnce(&XmlHttpRequest),
    sent: impl Fn(u64) + 'static,
) -> Result<T, Trouble> {
    let unsent = |_: JsValue| Trouble::Refused("The browser could not send the file. Try again.".to_owned());
    let http = XmlHttpRequest::new().map_err(unsent)?;
    http.open(method, path).map_err(unsent)?;
    http.set_request_header("Accept", "application/json").map_err(unsent)?;
    let progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| sent(bytes(event.loaded())));
    if let Ok(upload) = http.upload() {
        upload.set_onprogress(Some(progress.as_ref().unchecked_ref()));
    }
    // The end is told in any case: after an answer, an error, an abort.
    let ended = Promise::new(&mut |resolve, _| http.set_onloadend(Some(&resolve)));
    match body {
        Body::Nothing => http.send(),
        Body::Json(json) => {
            http.set_request_header("Content-Type", "application/json").map_err(unsent)?;
            http.send_with_opt_str(Some(&json))
        }
        Body::Chunk(chunk, offset) => {
            http.set_request_header("Content-Type", "application/offset+octet-stream").map_err(unsent)?;
            http.set_request_header("Upload-Offset", &offset.to_string()).map_err(unsent)?;
            http.send_with_opt_blob(Some(chunk))
        }
    }
    .map_err(unsent)?;
    started(&http);
    // A promise that is resolved by an event, never rejected.
    let _ = JsFuture::from(ended).await;
    answer(&http)
}

/// Asks the API for what is at this path below `/api/v1/`.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Trouble> {
    send("GET", &format!("/api/v1/{path}"), Body::Nothing, |_| {}, |_| {}).await
}

fn answer<T: DeserializeOwned>(http: &XmlHttpRequest) -> Result<T, Trouble> {
    let body = http.response_text().ok().flatten().unwrap_or_default();
    let status = http.status().unwrap_or_default();
    let detail = || {
        serde_json::from_str::<Problem>(&body)
            .map_or_else(|_| "The server could not take the file. Try again.".to_owned(), |problem| problem.detail)
    };
    match status {
        0 => Err(Trouble::Broken),
        204 => serde_json::from_str("null").map_err(|_| Trouble::Refused(detail())),
        200..300 => serde_json::from_str(&body)
            .map_err(|_| Trouble::Refused("The server's answer is of another version. Reload the page.".to_owned())),
        401 => Err(Trouble::Refused(Error::Unauthenticated.to_string())),
        404 => Err(Trouble::Gone(detail())),
        // 400: the body broke off on its way. 409: the upload goes on at another place.
        400 | 408 | 409 | 429 | 500.. => Err(Trouble::Passing(detail())),
        413 if body.is_empty() => Err(Trouble::Refused("The file is larger than this server takes.".to_owned())),
        _ => Err(Trouble::Refused(detail())),
    }
}

/// Waits, but not longer than until the browser says that the line is back.
pub(super) async fn pause(duration: Duration) {
    let window = leptos::prelude::window();
    let mut back = None;
    let over = Promise::new(&mut |resolve, _| {
        let milliseconds = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        // Without a timer there is no waiting.
        if window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds).is_err() {
            let _ = resolve.call0(&JsValue::NULL);
        }
        let _ = window.add_event_listener_with_callback("online", &resolve);
        back = Some(resolve);
    });
    let _ = JsFuture::from(over).await;
    if let Some(back) = back {
        let _ = window.remove_event_listener_with_callback("online", &back);
    }
}

/// A count of bytes as JavaScript tells it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a file's size is whole and below 2^53
pub(super) fn bytes(number: f64) -> u64 {
    number as u64
}
