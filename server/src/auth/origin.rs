//! Requests that change something must come from our own pages: another site's form or script sends the cookies along.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

/// Where a request came from, as its headers say.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    ThisSite,
    AnotherSite,
    /// Nothing was said: no browser of these days, or one that was told to keep silent.
    Unknown,
}

/// Whether a request may go on that does not carry a Bearer token. One without any sign of its source may when it
/// carries no cookie of ours: then it is a program, and has nothing to borrow.
pub(super) fn is_allowed(method: &Method, headers: &HeaderMap, site: &Url, has_cookie: bool) -> bool {
    if method.is_safe() {
        return true;
    }
    match source(headers, site) {
        Source::ThisSite => true,
        Source::AnotherSite => false,
        Source::Unknown => !has_cookie,
    }
}

fn source(headers: &HeaderMap, site: &Url) -> Source {
    // The browser itself writes this one, pages cannot; it goes only to https and to this machine.
    match text(headers, &HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => return Source::ThisSite,
        Some(_) => return Source::AnotherSite,
        None => {}
    }
    let stated = text(headers, &header::ORIGIN).or_else(|| text(headers, &header::REFERER));
    let Some(stated) = stated else { return Source::Unknown };
    // `null`, too, is an origin: of a sandboxed frame, or of a page that hides where it is.
    let Ok(stated) = Url::parse(stated) else { return Source::AnotherSite };
    let same_origin = stated.origin() == site.origin();
    let same_host = text(headers, &header::HOST).is_some_and(|host| authority(&stated).as_deref() == Some(host));
    if same_origin || same_host { Source::ThisSite } else { Source::AnotherSite }
}

/// `host` or `host:port`, as a browser writes it into `Host`.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("invalid"))
}

/// 403 with what the person can do.
pub(super) fn refusal() -> Response {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "This request came from another site. Open the page here and try again.",
    });
    let mut response = (StatusCode::FORBIDDEN, Json(problem)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

#[cfg(test)]
mod tests;
