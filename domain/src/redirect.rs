//! Where a person goes after signing in: only ever to a page of this site.

/// `next` if it is a path of this site, else nothing. A path begins with exactly one `/`: browsers read `//host` and
/// `/\host` as another host, and drop tabs and line breaks before they look.
pub fn safe_next(next: &str) -> Option<&str> {
    // 2,000: longer addresses are cut by some browsers and proxies, and none of ours comes near.
    if next.len() > 2000 || next.chars().any(|c| c.is_control() || c == '\\') {
        return None;
    }
    let rest = next.strip_prefix('/')?;
    // Past the first `/` a browser may still resolve dots, so that `/.//host` would become `//host`.
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let decoded_dots = path.to_ascii_lowercase().replace("%2e", ".");
    if path.starts_with('/') || decoded_dots.split('/').any(|segment| segment == "." || segment == "..") {
        return None;
    }
    Some(next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::safe_next;
    use proptest::{collection::vec, prelude::*};
    use url::Url;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// `url` reads an address as browsers do.
        #[test]
        fn what_is_accepted_stays_on_this_site(
            pieces in vec(prop_oneof![
                4 => "[/\\\\.@:?#%a-z]",
                1 => prop_oneof![
                    Just("//".to_owned()), Just("/\\".to_owned()), Just("%2e".to_owned()), Just("%2F".to_owned()), Just("..".to_owned()),
                    Just("evil.example".to_owned()), Just("https:".to_owned()), Just("\t".to_owned()), Just("\n".to_owned()),
                    Just("user@".to_owned()), Just("\u{ff0f}".to_owned()), Just("\u{2028}".to_owned()),
                ],
                1 => any::<char>().prop_map(String::from),
            ], 0..12),
            slash: bool,
        ) {
            let next = format!("{}{}", if slash { "/" } else { "" }, pieces.concat());
            if let Some(path) = safe_next(&next) {
                prop_assert_eq!(path, &next);
                let site = Url::parse("https://atelier.example/login").unwrap();
                let there = site.join(path).unwrap();
                prop_assert_eq!(there.origin(), site.origin(), "{:?}", path);
                prop_assert!(there.username().is_empty());
                // Once more, as after a redirect that another part of the address bar's history resolves.
                prop_assert_eq!(site.join(there.path()).unwrap().origin(), site.origin(), "{:?}", path);
            }
        }
    }

    #[test]
    fn a_path_of_this_site_passes_unchanged() {
        for good in [
            "/",
            "/workspaces",
            "/documents/1?page=2&start=3#cited",
            "/a//b",
            "/chat/ø",
            "/login?next=https://a.example",
            "/a.b/..c",
        ] {
            assert_eq!(safe_next(good), Some(good));
        }
    }

    #[test]
    fn whatever_a_browser_could_take_for_another_site_is_refused() {
        let long = format!("/{}", "a".repeat(2000));
        for bad in [
            "",
            "workspaces",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\evil.example",
            "/a\\b",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            " /workspaces",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            "/\u{0}",
            "/\u{7f}",
            "/\u{85}",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e%2E//evil.example",
            "/a/../../b",
            &long,
        ] {
            assert_eq!(safe_next(bad), None, "{bad:?}");
        }
    }
}
