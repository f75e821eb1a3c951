//! Redirects. `leptos_axum::redirect` panics on a value that is no header, and 0.9 changes it: so it is called here only.

use domain::redirect::safe_next;

/// Where a person goes who has signed in: `next` when it is a path of this site, else the workspaces.
pub fn after_sign_in(next: Option<&str>) -> String {
    next.and_then(safe_next).unwrap_or("/workspaces").to_owned()
}

/// The login page that comes back to `path`.
pub fn login_page(path: &str) -> String {
    coming_back("/login", path)
}

/// The page that asks for a code of the second factor, and then comes back to `path`.
pub fn second_factor_page(path: &str) -> String {
    coming_back("/login/second-factor", path)
}

fn coming_back(page: &str, path: &str) -> String {
    match safe_next(path) {
        Some("/" | "/workspaces") | None => page.to_owned(),
        Some(next) => format!("{page}?next={}", encode(next)),
    }
}

/// Goes to the login page, which comes back to the page in view. The pages of signing in stay and tell their error.
#[cfg(feature = "hydrate")]
pub(crate) fn sign_in_again() {
    let location = leptos::prelude::window().location();
    let path = location.pathname().unwrap_or_default();
    if !path.starts_with("/login") && !crate::part::is_leaving() {
        let search = location.search().unwrap_or_default();
        leptos::server_fn::redirect::call_redirect_hook(&login_page(&format!("{path}{search}")));
    }
}

/// Percent-encodes what may not stand in the value of a query parameter (RFC 3986, 2.3: unreserved characters stay).
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
        encoded
    })
}

/// The inverse of [`encode`]; nothing when it is no such encoding.
#[cfg(feature = "ssr")]
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                tail
            }
            (b'%', _) => return None,
            (byte, tail) => {
                bytes.push(*byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// Sends the browser to `path`, with or without JavaScript. A path that is no header value is logged by the caller's
/// absence of a redirect: it stays where it is.
#[cfg(feature = "ssr")]
#[allow(clippy::disallowed_methods)] // the one place: the value is checked here
pub fn to(path: &str) {
    if http::HeaderValue::from_str(path).is_ok() {
        leptos_axum::redirect(path);
    }
}

/// Sends a form without JavaScript to `path` instead of back to its page. A script stays where it is.
#[cfg(feature = "ssr")]
pub(crate) fn plain_form_to(path: &str) {
    let request = leptos::prelude::use_context::<http::request::Parts>();
    if request.is_some_and(|request| crate::status::accepts_html(&request.headers)) {
        to(path);
    }
}

/// Sends whoever is not signed in to the login page, and back afterwards to the page of this request.
#[cfg(feature = "ssr")]
pub(crate) fn to_login() {
    if let Some(page) = asked_page() {
        to(&login_page(&page));
    }
}

/// The same for whoever has still to give a code of their second factor.
#[cfg(feature = "ssr")]
pub(crate) fn to_second_factor() {
    if let Some(page) = asked_page() {
        to(&second_factor_page(&page));
    }
}

/// The page asked for, or the one whose form or script called a server function; `/` when nobody says.
#[cfg(feature = "ssr")]
fn asked_page() -> Option<String> {
    use http::{Method, request::Parts};

    let request = leptos::prelude::use_context::<Parts>()?;
    let is_page = request.method == Method::GET && crate::status::accepts_html(&request.headers);
    let page =
        if is_page { request.uri.path_and_query().map(ToString::to_string) } else { referring_page(&request.headers) };
    Some(page.unwrap_or_else(|| "/".to_owned()))
}

/// The path of the page whose form or script sent the request, if the browser says so.
#[cfg(feature = "ssr")]
pub fn referring_page(headers: &http::HeaderMap) -> Option<String> {
    let referer = headers.get(http::header::REFERER)?.to_str().ok()?;
    let (_, rest) = referer.split_once("://")?;
    rest.find('/').map(|at| rest[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_page_comes_back_to_a_path_of_this_site_only() {
        assert_eq!(login_page("/chat/1?a=b&c"), "/login?next=/chat/1%3Fa%3Db%26c");
        assert_eq!(login_page("/workspaces"), "/login");
        assert_eq!(login_page("//evil.example"), "/login");
        assert_eq!(second_factor_page("/chat/1"), "/login/second-factor?next=/chat/1");
        assert_eq!(second_factor_page("//evil.example"), "/login/second-factor");
    }

    #[cfg(feature = "ssr")]
    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_text_decodes_to_itself_and_none_breaks_decoding(text: String) {
            let encoded = encode(&text);
            proptest::prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)));
            let _any = decode(&text);
            proptest::prop_assert_eq!(decode(&encoded), Some(text));
        }

        #[test]
        fn the_login_page_keeps_the_way_back(path in "/[a-z0-9/?&=%#ø ]{0,40}") {
            let login = login_page(&path);
            if let Some(next) = login.strip_prefix("/login?next=") {
                proptest::prop_assert_eq!(after_sign_in(decode(next).as_deref()), path);
            } else {
                proptest::prop_assert_eq!(login, "/login");
            }
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["", "ada+news@example.com", "ø%\";, x"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("%2"), None);
        assert_eq!(decode("%ff"), None);
    }

    #[test]
    fn a_sign_in_goes_to_a_path_of_this_site_only() {
        assert_eq!(after_sign_in(Some("/projects/1")), "/projects/1");
        for bad in [None, Some(""), Some("https://evil.example"), Some("//evil.example"), Some("/\\evil.example")] {
            assert_eq!(after_sign_in(bad), "/workspaces", "{bad:?}");
        }
    }
}
