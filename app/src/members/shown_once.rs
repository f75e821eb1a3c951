//! A secret that a form without JavaScript made, on its way through the redirect to the page that shows it: in a cookie
//! of a minute for that one page, which scripts cannot read and the page takes away.

use crate::{cookie, members::api::Secret, redirect, status};
use http::{header::REFERER, request::Parts};
use leptos::prelude::use_context;

const COOKIE: &str = "atelier_shown_once";

/// Keeps the secret for the page at `path` if it was a plain form that asked: whoever asked by a script has it in the
/// answer.
pub(crate) fn keep(path: &str, secret: &Secret) {
    let Some(request) = use_context::<Parts>() else { return };
    if !status::accepts_html(&request.headers) {
        return;
    }
    let referer = request.headers.get(REFERER).and_then(|value| value.to_str().ok());
    let secure = if referer.is_some_and(|referer| referer.starts_with("https://")) { "; Secure" } else { "" };
    if let Ok(json) = serde_json::to_string(secret) {
        let value = redirect::encode(&json);
        cookie::set(&format!("{COOKIE}={value}; Path={path}; Max-Age=60; HttpOnly; SameSite=Lax{secure}"));
    }
}

/// What was kept for the page at `path`, which is gone from the browser then.
pub(crate) fn take(path: &str) -> Option<Secret> {
    let request = use_context::<Parts>()?;
    let value = cookie::read(&request.headers, COOKIE)?;
    cookie::set(&format!("{COOKIE}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax"));
    serde_json::from_str(&redirect::decode(&value)?).ok()
}
