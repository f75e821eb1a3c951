#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::{collection::vec, prelude::*};

const COOKIES: SessionCookies = SessionCookies::new(true);

/// What a browser keeps after these responses: names with values, those removed left out.
fn browser(jar: &mut BTreeMap<String, String>, set: &[HeaderValue]) {
    for header in set {
        let text = header.to_str().unwrap();
        let (pair, attributes) = text.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert!(text.len() < 4096, "a browser drops it: {} bytes", text.len());
        if attributes.contains("Max-Age=0") {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn request(jar: &BTreeMap<String, String>) -> HeaderMap {
    let text = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_str(&text).unwrap());
    headers
}

fn tokens(access: &str, refresh: &str) -> SessionTokens {
    SessionTokens { access: access.to_owned(), refresh: refresh.to_owned() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// One after the other in one browser: up to several pieces, and down again, so that pieces of a longer one before
    /// are left over.
    #[test]
    fn any_tokens_come_back_as_they_went(
        sessions in vec((prop_oneof!["[!-~]{1,4000}", "\\PC{1,1500}", any_text(1..60)], any_text(1..60)), 1..6),
        secure: bool,
    ) {
        let cookies = SessionCookies::new(secure);
        let mut jar = BTreeMap::from([("theme".to_owned(), "dark".to_owned())]);
        for (access, refresh) in sessions {
            let sent = tokens(&access, &refresh);
            let received = cookies.read(&request(&jar));
            browser(&mut jar, &cookies.set(&sent, &received));
            let received = cookies.read(&request(&jar));
            prop_assert_eq!(received.access, Some(sent.access));
            prop_assert_eq!(received.refresh, Some(sent.refresh));
        }
        let received = cookies.read(&request(&jar));
        browser(&mut jar, &cookies.clear(&received));
        prop_assert_eq!(jar, BTreeMap::from([("theme".to_owned(), "dark".to_owned())]));
    }

    #[test]
    fn no_cookie_header_breaks_the_reading(headers in vec(vec(any::<u8>(), 0..200), 0..4), name in 0..4_usize, piece: u8) {
        let mut map = HeaderMap::new();
        for bytes in &headers {
            // Our names before any bytes: otherwise nothing would ever reach the decoder.
            let names = ["", "__Host-atelier-access", "__Host-atelier-refresh", "atelier-access"];
            let prefix = if piece % 2 == 0 { format!("{}=", names[name]) } else { format!("{}.{piece}=", names[name]) };
            if let Ok(value) = HeaderValue::from_bytes(&[prefix.as_bytes(), bytes].concat()) {
                map.append(header::COOKIE, value);
            }
        }
        for cookies in [COOKIES, SessionCookies::new(false)] {
            let received = cookies.read(&map);
            // Whatever it was, it can be removed, and what is written instead is read.
            cookies.clear(&received);
            let set = cookies.set(&tokens("a", "r"), &received);
            prop_assert!(set.len() >= 2);
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself_and_nothing_breaks_decoding(text in any_text(0..200)) {
        prop_assert_eq!(decode(&encode(&text)), Some(text.clone()));
        let _any = decode(&text);
    }
}

fn any_text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(any::<char>(), length).prop_map(String::from_iter)
}

#[test]
fn the_attributes_keep_scripts_and_other_sites_out() {
    let set = COOKIES.set(&tokens("a", "r"), &ReceivedTokens::default());
    assert_eq!(set.len(), 2);
    for cookie in &set {
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("__Host-atelier-"), "{text}");
        for attribute in ["; Path=/;", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(text.contains(attribute), "{attribute} is missing from {text}");
        }
        assert!(!text.contains("Domain"), "__Host- allows none: {text}");
    }
}

#[test]
fn on_loopback_without_https_a_browser_still_keeps_them() {
    for cookie in SessionCookies::new(false).set(&tokens("a", "r"), &ReceivedTokens::default()) {
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("atelier-") && !text.contains("Secure") && text.contains("HttpOnly"), "{text}");
    }
}

#[test]
fn nonsense_is_no_session() {
    let long = format!("__Host-atelier-access={}", "x".repeat(100_000));
    for text in [
        "",
        ";;;",
        "=",
        "__Host-atelier-access",
        "__Host-atelier-access=",
        "__Host-atelier-access=%",
        "__Host-atelier-access=%4",
        "__Host-atelier-access=%zz",
        "__Host-atelier-access=%FF%FE",
        "__Host-atelier-access.1=later-piece-alone",
        "__Host-atelier-access.x=1",
        "__Host-atelier-accessory=1",
        "atelier-access=of-a-site-without-https",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
        let received = COOKIES.read(&headers);
        assert!(received.access.is_none() && received.refresh.is_none(), "{text}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_bytes(b"other=\xff\xfe; __Host-atelier-access=good").unwrap());
    headers.append(header::COOKIE, HeaderValue::from_static("__Host-atelier-refresh=\"quoted\""));
    headers.append(header::COOKIE, HeaderValue::from_str(&long).unwrap());
    let received = COOKIES.read(&headers);
    assert_eq!((received.access.as_deref(), received.refresh.as_deref()), (Some("good"), Some("quoted")));
}

#[test]
fn neither_debug_output_shows_a_token() {
    let shown = format!("{:?} {:?}", tokens("secret-access", "secret-refresh"), {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("__Host-atelier-access=secret-access"));
        COOKIES.read(&headers)
    });
    assert!(!shown.contains("secret"), "{shown}");
}
