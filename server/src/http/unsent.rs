//! A form that was sent without JavaScript after its session had ended: its text is kept on a page that can send it
//! again, instead of being lost to the redirect to the login page. With JavaScript the browser keeps drafts
//! (`app::draft`).

use super::plain;
use crate::{AppState, auth::AuthUser};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::redirect::safe_next;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use leptos::prelude::*;
use url::{Url, form_urlencoded};

/// As much as a request may have: a document's text may be most of it.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The field that says which page the form stood on: sent again, it comes from a page of this module.
const BACK: &str = "__back";

/// Nothing of these is written into a page.
const SECRETS: &[&str] = &["password", "current", "code", "token", "token_hash", "access", "refresh", "confirmation"];

type Fields = Vec<(String, String)>;

pub async fn keep(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !is_plain_form(&request) {
        return next.run(request).await;
    }
    let signed_in = request.extensions().get::<AuthUser>().is_some();
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BYTES).await else { return StatusCode::BAD_REQUEST.into_response() };
    let mut fields: Fields = form_urlencoded::parse(&body).into_owned().collect();
    let back = take_back(&mut fields, &mut parts, &state.config.site.public_url);
    let path = parts.uri.path().to_owned();
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    match login_page(&response) {
        Some(login) if !signed_in && may_be_shown(&fields) => page(&state, &path, &login, back, &fields),
        _ => response,
    }
}

fn is_plain_form(request: &Request) -> bool {
    let is = |name, text: &str| {
        let value = request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.contains(text))
    };
    let size = request.headers().get(header::CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse::<usize>().ok());
    *request.method() == Method::POST
        && plain::is_wanted(request.headers())
        && is(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        && size.is_some_and(|size| size <= MAX_BYTES)
}

/// Where the form stood: in its field when it is sent again, else in the `Referer`, which is set to it for Leptos to go
/// back to.
fn take_back(fields: &mut Fields, parts: &mut Parts, site: &Url) -> Option<String> {
    let again = fields.iter().position(|(name, _)| name == BACK).map(|at| fields.remove(at).1);
    let Some(back) = again else { return path_of_referer(&parts.headers) };
    let back = safe_next(&back)?.to_owned();
    let url = site.join(&back).ok()?;
    parts.headers.insert(header::REFERER, HeaderValue::from_str(url.as_str()).ok()?);
    Some(back)
}

fn path_of_referer(headers: &HeaderMap) -> Option<String> {
    let url = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

/// Where the response sends whoever is not signed in.
fn login_page(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    (location == "/login" || location.starts_with("/login?next=")).then(|| location.to_owned())
}

fn may_be_shown(fields: &Fields) -> bool {
    !fields.is_empty() && fields.iter().all(|(name, _)| !SECRETS.contains(&name.as_str()))
}

fn page(state: &AppState, path: &str, login: &str, back: Option<String>, fields: &Fields) -> Response {
    let hidden = |name: &str, value: &str| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> };
    let inputs: Vec<_> = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    let back = back.map(|back| hidden(BACK, &back));
    let body = view! {
        <main class="plain" id="main">
            <h1>"Your session has ended"</h1>
            <p role="alert">"What you typed is kept on this page. Sign in in another tab, then come back and send it again."</p>
            <form method="post" action=path.to_owned() class="plain__actions">
                {inputs}
                {back}
                <a class="button" href=login.to_owned() target="_blank">"Sign in in another tab"</a>
                " "
                <button class="button button--primary" type="submit">"Send again"</button>
            </form>
        </main>
    };
    let mut response = (StatusCode::UNAUTHORIZED, plain::page(&state.site, "Signed out", body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
