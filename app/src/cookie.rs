//! The few cookies that pages keep themselves. The session's are the server's; the one secret is
//! [`crate::members::shown_once`]'s, of a minute.

use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// The value of the request's cookie `name`.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('=').map(ToOwned::to_owned))
}

/// Adds a `Set-Cookie` header to the response. What is no header value is not set.
pub(crate) fn set(cookie: &str) {
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(cookie)) {
        response.append_header(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xatelier_theme=light; atelier_theme=dark; b=1=2"));
        assert_eq!(read(&headers, "atelier_theme").as_deref(), Some("dark"));
        assert_eq!(read(&headers, "b").as_deref(), Some("1=2"));
        assert_eq!(read(&headers, "theme"), None);
    }
}
