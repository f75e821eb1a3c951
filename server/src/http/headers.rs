//! Headers that every response has, unless its handler has set its own.

use super::public;
use crate::AppState;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// For what is no page: nothing in it may load, run or be framed. Pages bring a policy of their own, with a nonce.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
];

/// For what a share's link opens.
const SHARED: &[(&str, &str)] = &[("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex, nofollow, noarchive")];

/// What one person sees is for no shared cache, and is asked for again when shown again.
const PRIVATE: &str = "private, no-cache";
/// A page, which a step back would show without asking: also to whoever comes after a sign-out.
const PAGE: &str = "private, no-store";

pub async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let caching =
        if public::is_sign_in_page(path) { Some("no-store") } else { path.starts_with("/api/").then_some(PRIVATE) };
    let is_shared = public::is_shared(path);
    let mut response = next.run(request).await;
    if is_shared {
        for (name, value) in SHARED {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    let https = state.config.site.is_https();
    complete(response.headers_mut(), https, caching);
    response
}

/// `caching`: for what is asked for, whatever the answer is.
fn complete(headers: &mut HeaderMap, https: bool, caching: Option<&'static str>) {
    for (name, value) in ALWAYS {
        set_default(headers, HeaderName::from_static(name), value);
    }
    if https {
        set_default(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    set_default(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if let Some(caching) = caching.or(is_page.then_some(PAGE)) {
        set_default(headers, header::CACHE_CONTROL, caching);
    }
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_handlers_own_headers_stay() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        complete(&mut headers, true, None);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::CACHE_CONTROL], "private, no-store");
        assert!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn a_file_may_be_cached_and_runs_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
        complete(&mut headers, false, None);
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=1");
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"));
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
