//! The error of a form that was sent without JavaScript, on its way back to the form.
//!
//! Leptos redirects to the page that the form stands on, with the error in the address: `?__path=…&__err=…`
//! (`server_fn::error::ServerFnUrlError`). Such an address can be written by anybody, and would put their words at a
//! field of our login page. So the error goes into a cookie that lasts for one page, and the two parameters are taken out
//! of every address that comes in.

use crate::AppState;
use app::flash::FormFailure;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::{Url, form_urlencoded};

/// Browsers take 4,096 bytes for name, value and attributes together. A longer error is not one of ours.
const MAX_BYTES: usize = 3800;
/// A browser follows the redirect at once.
const MAX_AGE_SECONDS: u32 = 60;

const PATH: &str = "__path";
const ERROR: &str = "__err";

pub async fn carry(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let https = state.config.site.is_https();
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        if let Some(clean) = without_error(&request) {
            return (StatusCode::SEE_OTHER, [(header::LOCATION, clean)]).into_response();
        }
        let failure = failure_of(request.headers(), https, request.uri().path());
        let found = failure.is_some();
        if let Some(failure) = failure {
            request.extensions_mut().insert(failure);
        }
        let mut response = next.run(request).await;
        if found {
            set_cookie(&mut response, https, "", 0);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        return response;
    }
    let mut response = next.run(request).await;
    if response.status().is_redirection() {
        hide_error(&mut response, https);
    }
    response
}

/// With `__Host-` no sibling domain can plant one.
const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-atelier-form" } else { "atelier-form" }
}

/// The address without an error, if it came with one.
fn without_error(request: &Request) -> Option<HeaderValue> {
    // Parsed, not searched: the names may be percent-encoded, which Leptos decodes.
    let kept = kept(form_urlencoded::parse(request.uri().query()?.as_bytes()))?;
    let path = request.uri().path();
    HeaderValue::from_str(&if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") }).ok()
}

/// The pairs that tell of no error; nothing if none does.
fn kept(pairs: form_urlencoded::Parse<'_>) -> Option<String> {
    let (errors, others): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == PATH || name == ERROR);
    (!errors.is_empty()).then(|| form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish())
}

/// Moves the error out of the address that the response redirects to, into the cookie.
fn hide_error(response: &mut Response, https: bool) {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut url) = location.and_then(|location| Url::parse(location).ok()) else { return };
    // Of two the last is the one that was appended now.
    let newest =
        |name: &str| url.query_pairs().filter(|(other, _)| other == name).last().map(|(_, value)| value.into_owned());
    let (Some(path), Some(error)) = (newest(PATH), newest(ERROR)) else { return };
    let kept = kept(url.query_pairs()).filter(|query| !query.is_empty());
    let page = url.path().to_owned();
    url.set_query(kept.as_deref());
    let cookie = form_urlencoded::Serializer::new(String::new())
        .append_pair("page", &page)
        .append_pair("path", &path)
        .append_pair("error", &error)
        .finish();
    if let Ok(clean) = HeaderValue::from_str(url.as_str()) {
        response.headers_mut().insert(header::LOCATION, clean);
    }
    if cookie.len() <= MAX_BYTES {
        set_cookie(response, https, &cookie, MAX_AGE_SECONDS);
    }
}

/// What the cookie holds for the page at `path`. Another page leaves it to the one that it is for.
fn failure_of(headers: &HeaderMap, https: bool, path: &str) -> Option<FormFailure> {
    let value = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(cookie_name(https))?.strip_prefix('='))?;
    let pairs: Vec<_> = form_urlencoded::parse(value.as_bytes()).collect();
    let get = |name: &str| pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone().into_owned());
    if get("page")? != path {
        return None;
    }
    Some(FormFailure { path: get("path")?, error: get("error")? })
}

fn set_cookie(response: &mut Response, https: bool, value: &str, max_age: u32) {
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}", cookie_name(https));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::body::Body;

    const BACK: &str = "https://atelier.example/login?next=%2Fa%3Fb&__path=%2Fapi%2Fsign_in1&__err=eyJ9";

    fn redirect(location: &str) -> Response {
        (StatusCode::FOUND, [(header::LOCATION, location.to_owned())]).into_response()
    }

    fn cookie(response: &Response) -> String {
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    fn with_cookie(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&format!("a=b; {cookie}")).unwrap())])
    }

    #[test]
    fn an_error_leaves_the_address_and_is_found_by_its_page_alone() {
        let mut response = redirect(BACK);
        hide_error(&mut response, true);
        assert_eq!(response.headers()[header::LOCATION], "https://atelier.example/login?next=%2Fa%3Fb");
        let headers = with_cookie(&cookie(&response));
        let expected = FormFailure { path: "/api/sign_in1".to_owned(), error: "eyJ9".to_owned() };
        assert_eq!(failure_of(&headers, true, "/login"), Some(expected));
        assert_eq!(failure_of(&headers, true, "/register"), None);
        assert_eq!(failure_of(&headers, false, "/login"), None, "a name without the prefix can be planted");
    }

    #[test]
    fn a_redirect_without_an_error_stays_as_it_is() {
        for location in ["/workspaces", "https://atelier.example/login?next=%2Fa%3Fb"] {
            let mut response = redirect(location);
            hide_error(&mut response, true);
            assert_eq!(response.headers()[header::LOCATION], location);
            assert!(!response.headers().contains_key(header::SET_COOKIE));
        }
    }

    #[test]
    fn an_address_with_an_error_in_it_is_taken_at_nobodys_word() {
        let clean = |uri: &str| without_error(&Request::builder().uri(uri).body(Body::empty()).unwrap());
        assert_eq!(clean("/login?__err=eyJ9&__path=%2Fapi&next=%2Fa").unwrap(), "/login?next=%2Fa");
        assert_eq!(clean("/login?%5F_err=eyJ9&a=b").unwrap(), "/login?a=b");
        assert_eq!(clean("/login?__err=").unwrap(), "/login");
        assert!(clean("/login?next=/a__err").is_none());
        assert!(clean("/login").is_none());
    }
}
