//! The HTTP status of a page or of a server function's answer. All of Leptos' ways to set it are in this file.

use domain::Error;
use http::{HeaderMap, Method, StatusCode, header::ACCEPT, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Gives the response the status that stands for `error`.
///
/// A plain form's answer is left alone: it is a redirect back to the form, which shows the error. So is a page that
/// needs a login: [`crate::redirect`] sends it to the login page.
pub(crate) fn set(error: &Error) {
    let (Some(request), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else {
        return;
    };
    let redirected =
        accepts_html(&request.headers) && (request.method != Method::GET || *error == Error::Unauthenticated);
    if !redirected && let Ok(status) = StatusCode::from_u16(error.status()) {
        response.set_status(status);
    }
}

/// Whether a browser asked for a page, or sent a form without JavaScript.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}
