//! What a page has a browser load before a click works: what it names of the site's files, and what its scripts import
//! at once.

use std::collections::BTreeSet;

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Html,
    Style,
    Script,
    Wasm,
    /// Fonts and pictures: they change with the design, and the page is there without them.
    Other,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Html, Self::Style, Self::Script, Self::Wasm, Self::Other];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::Style => "CSS",
            Self::Script => "JS",
            Self::Wasm => "WASM",
            Self::Other => "fonts and pictures",
        }
    }

    /// Of a file by its name; `None` for what is no file of a site.
    pub fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "css" => Some(Self::Style),
            "js" | "mjs" => Some(Self::Script),
            "wasm" => Some(Self::Wasm),
            "woff2" | "svg" | "png" | "ico" | "webp" | "jpg" => Some(Self::Other),
            _ => None,
        }
    }
}

/// The files that a page names: its style, what it preloads, its scripts and those that they load by name, its pictures.
pub(super) fn of_page(html: &str) -> BTreeSet<String> {
    named(html.split('<').filter(|element| !is_prefetch(element)))
}

/// The files that a page has fetched for the one after it, when the browser has nothing else to do.
pub(super) fn of_next_page(html: &str) -> BTreeSet<String> {
    named(html.split('<').filter(|element| is_prefetch(element)))
}

fn is_prefetch(element: &str) -> bool {
    element.starts_with("link") && element.contains(r#"rel="prefetch""#)
}

fn named<'a>(elements: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let quoted = elements.flat_map(|element| element.split(['"', '\'', '`']));
    quoted.filter(|text| is_path(text) && Kind::of(text).is_some()).map(str::to_owned).collect()
}

/// Of this site, and written out.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
}

/// What a module imports before it runs, as it writes it. `import(…)` waits until it is called.
pub(super) fn of_script(script: &str) -> Vec<&str> {
    let mut imported = Vec::new();
    for keyword in ["from", "import"] {
        for (at, _) in script.match_indices(keyword) {
            let rest = script[at + keyword.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { continue };
            let Some((path, _)) = rest[1..].split_once(quote) else { continue };
            if path.starts_with('.') || is_path(path) {
                imported.push(path);
            }
        }
    }
    imported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_files_are_those_that_it_names() {
        let page = r#"<link rel="preload" href="/fonts/geist-latin.woff2" as="font">
            <link rel="stylesheet" href="/pkg/atelier.aB-1_.css"><link rel="icon" href="/favicon.svg">
            <link rel="modulepreload" href="/pkg/atelier.aB-1_.js">
            <script type="module">import('/pkg/atelier.aB-1_.js').then(m => m.default('/pkg/atelier.aB-1_.wasm'))</script>
            <link rel="prefetch" href="/pkg/next.aB-1_.wasm" as="fetch">
            <a href="/projects/1">"report.png"</a><img src="https://elsewhere/x.png"><img src="//elsewhere/y.png">"#;
        let expected = [
            "/favicon.svg",
            "/fonts/geist-latin.woff2",
            "/pkg/atelier.aB-1_.css",
            "/pkg/atelier.aB-1_.js",
            "/pkg/atelier.aB-1_.wasm",
        ];
        assert!(of_page(page).iter().eq(expected));
        assert!(of_next_page(page).iter().eq(["/pkg/next.aB-1_.wasm"]));
    }

    #[test]
    fn a_scripts_imports_are_those_that_it_cannot_do_without() {
        let script = r#"import * as wbg from "./snippets/a/inline0.js";import{x}from'/pkg/b.js';
            import "./c.js"; const later = () => import("./later.js"); const from = "elsewhere";"#;
        let mut imported = of_script(script);
        imported.sort_unstable();
        assert_eq!(imported, ["./c.js", "./snippets/a/inline0.js", "/pkg/b.js"]);
    }

    #[test]
    fn a_file_is_counted_by_its_extension() {
        assert_eq!(Kind::of("/pkg/a.b.wasm"), Some(Kind::Wasm));
        assert_eq!(Kind::of("/projects/1"), None);
        assert_eq!(Kind::of("/api/v1/openapi.json"), None);
    }
}
