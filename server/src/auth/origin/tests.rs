#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

/// Method, whether a cookie of ours came, headers, whether it may go on.
type Case = (Method, bool, &'static [(&'static str, &'static str)], bool);

#[test]
fn only_our_own_pages_may_change_something() {
    let site = Url::parse("https://atelier.example/").unwrap();
    let cases: &[Case] = &[
        (Method::GET, true, &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], true),
        (Method::HEAD, true, &[], true),
        (Method::POST, true, &[("sec-fetch-site", "same-origin")], true),
        (Method::POST, true, &[("sec-fetch-site", "none")], true),
        (Method::POST, true, &[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
        (Method::POST, true, &[("sec-fetch-site", "cross-site"), ("origin", "https://atelier.example")], false),
        (Method::POST, true, &[("sec-fetch-site", "same-site")], false),
        (Method::POST, true, &[("sec-fetch-site", "")], false),
        (Method::POST, true, &[("origin", "https://atelier.example")], true),
        (Method::POST, true, &[("origin", "https://atelier.example:443")], true),
        (Method::PUT, true, &[("origin", "https://atelier.example:8443")], false),
        (Method::PATCH, true, &[("origin", "http://atelier.example")], false),
        (Method::DELETE, true, &[("origin", "https://evil.example")], false),
        (Method::POST, true, &[("origin", "https://atelier.example.evil.example")], false),
        (Method::POST, true, &[("origin", "https://evil.example/atelier.example")], false),
        (Method::POST, true, &[("origin", "null")], false),
        (Method::POST, true, &[("origin", "")], false),
        (Method::POST, true, &[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")], true),
        (Method::POST, true, &[("origin", "http://127.0.0.1:3001"), ("host", "127.0.0.1:3000")], false),
        (Method::POST, true, &[("referer", "https://atelier.example/projects/1")], true),
        (Method::POST, true, &[("referer", "https://evil.example/?https://atelier.example/")], false),
        (Method::POST, true, &[("origin", "https://evil.example"), ("referer", "https://atelier.example/")], false),
        (Method::POST, true, &[], false),
        // Without a cookie there is nothing to borrow; but a page of another site must not sign a visitor in either.
        (Method::POST, false, &[], true),
        (Method::POST, false, &[("origin", "https://evil.example")], false),
        (Method::POST, false, &[("sec-fetch-site", "cross-site")], false),
    ];
    for (method, has_cookie, pairs, allowed) in cases {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(
            is_allowed(method, &headers, &site, *has_cookie),
            *allowed,
            "{method} cookie={has_cookie} {pairs:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the headers say, a request with a cookie goes on only if one of them names this site.
    #[test]
    fn nothing_but_our_own_origin_passes(
        origin in prop_oneof![
            "[ -~]{0,40}", "https?://[a-z.@:]{0,30}", "https://atelier\\.example[a-z0-9.:@/-]{0,12}", "https://[a-z]{0,5}atelier\\.example",
        ],
        in_referer: bool,
        fetch_site in prop_oneof![Just(None), "[a-z-]{0,12}".prop_map(Some)],
    ) {
        let site = Url::parse("https://atelier.example/").unwrap();
        let name = if in_referer { header::REFERER } else { header::ORIGIN };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("atelier.example"));
        headers.insert(name, HeaderValue::from_str(&origin).unwrap());
        if let Some(text) = &fetch_site {
            headers.insert("sec-fetch-site", HeaderValue::from_str(text).unwrap());
        }
        if is_allowed(&Method::POST, &headers, &site, true) {
            let host_is_ours = Url::parse(&origin).is_ok_and(|url| url.host_str() == Some("atelier.example") && url.port().is_none());
            prop_assert!(host_is_ours || matches!(fetch_site.as_deref(), Some("same-origin" | "none")), "{origin:?} {fetch_site:?}");
        }
    }
}
