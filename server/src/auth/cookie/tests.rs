#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

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

#[test]
fn any_tokens_come_back_as_they_went() {
    let mut rng = StdRng::seed_from_u64(20_261_123);
    let mut jar = BTreeMap::from([("theme".to_owned(), "dark".to_owned())]);
    for round in 0..500 {
        let mut text = |max: usize| -> String {
            let length = rng.random_range(1..=max);
            let plain = rng.random_bool(0.7);
            let any =
                |rng: &mut StdRng| if plain { char::from(rng.random_range(b'!'..=b'~')) } else { rng.random::<char>() };
            (0..length).map(|_| any(&mut rng)).collect()
        };
        // Up to several pieces, and down again, so that pieces of a longer one before are left over.
        let sent = tokens(&text(if round % 3 == 0 { 2000 } else { 50 }), &text(40));
        let received = COOKIES.read(&request(&jar));
        browser(&mut jar, &COOKIES.set(&sent, &received));
        let received = COOKIES.read(&request(&jar));
        assert!(received.access.as_deref() == Some(sent.access.as_str()), "round {round}");
        assert!(received.refresh.as_deref() == Some(sent.refresh.as_str()), "round {round}");
    }
    let received = COOKIES.read(&request(&jar));
    browser(&mut jar, &COOKIES.clear(&received));
    assert_eq!(jar, BTreeMap::from([("theme".to_owned(), "dark".to_owned())]));
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
