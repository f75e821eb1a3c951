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
mod tests {
    use super::safe_next;

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
