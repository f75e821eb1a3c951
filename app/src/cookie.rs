//! The few cookies that pages keep themselves. The session's are the server's; the secrets are
//! [`crate::members::shown_once`]'s, of a minute, and that of an authenticator app while it is being added.

use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Whether the site is served over https, so that its cookies need never travel in the clear. The server says.
#[derive(Clone, Copy, Debug)]
pub struct Https(pub bool);

/// The value of the request's cookie `name`.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('=').map(ToOwned::to_owned))
}

/// The text that [`keep`] put into this request's cookie `name`.
pub(crate) fn kept(name: &str) -> Option<String> {
    let request = use_context::<http::request::Parts>()?;
    read(&request.headers, name).and_then(|value| crate::redirect::decode(&value)).filter(|text| !text.is_empty())
}

/// Keeps `text` for the next requests, out of the URL (which ends up in logs) and out of reach of scripts.
pub(crate) fn keep(name: &str, text: &str, seconds: u32) {
    let value = crate::redirect::encode(text);
    // Browsers take 4,096 bytes for name, value and attributes together.
    if value.len() <= 3800 {
        set(&format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{}", secure()));
    }
}

pub(crate) fn forget(name: &str) {
    set(&format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", secure()));
}

fn secure() -> &'static str {
    if use_context::<Https>().is_some_and(|https| https.0) { "; Secure" } else { "" }
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
