//! What a page is called in the list of documents.

use crate::{
    documents::{
        media_type,
        upload::{file_name, without_controls},
    },
    rag::extract::{self, media_types},
};
use url::Url;

/// Characters of a name; longer titles are cut.
const MAX_CHARS: usize = 200;

/// The title of an HTML page; else the file's name in the address; else the address without its scheme.
pub(super) fn of(url: &Url, media_type: &str, head: &[u8]) -> String {
    let titled = if media_type == media_types::HTML { of_html(head) } else { file_in(url, media_type) };
    titled.unwrap_or_else(|| of_address(url))
}

/// For a page that nobody has seen yet.
pub(super) fn of_address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    cut(&format!("{}{}", host.strip_prefix("www.").unwrap_or(host), decoded(path)))
}

fn file_in(url: &Url, media_type: &str) -> Option<String> {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).filter(|last| !last.is_empty())?;
    let name = file_name(&decoded(last));
    // Without an extension it would say less than the address does; of pictures and text that is all the same.
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty());
    (has_extension || media_type::is_text(media_type)).then(|| cut(&name))
}

/// The content of the first `<title>`.
fn of_html(head: &[u8]) -> Option<String> {
    // The end of the head may have cut off a character, which would make all of it seem to be of an older encoding.
    let head = match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        _ => head,
    };
    let html = extract::decode_html(head);
    // Not lower case as Unicode has it, which would move the places.
    let lower = html.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower[tag..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = extract::without_tags(&html[start..end]);
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then(|| cut(&title))
}

/// On one line, and without marks that change the direction of writing.
fn cut(name: &str) -> String {
    let clean = without_controls(name);
    let clean = clean.trim();
    if clean.chars().count() <= MAX_CHARS {
        return clean.to_owned();
    }
    let short: String = clean.chars().take(MAX_CHARS - 1).collect();
    format!("{}\u{2026}", short.trim_end())
}

/// `%20` and its kin as characters, where they are UTF-8.
fn decoded(path: &str) -> String {
    // A form's decoding, in which a plus is a space: it is none here.
    let pair = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_called_by_its_title_and_else_by_its_address() {
        let long = format!("<title>{}</title>", "ø".repeat(300));
        for (html, name) in [
            ("<html><head><TITLE lang=en>\n  Prices &amp; terms\n  | Nord </Title>", "Prices & terms | Nord"),
            ("<title>Caf&#xe9; &lt;b&gt;</title>", "Café <b>"),
            ("<title> </title>", "example.com/a b/c"),
            ("<title>never ends", "example.com/a b/c"),
            ("<p>no title", "example.com/a b/c"),
            ("<title>gpj.\u{202E}fdp</title>", "gpj.fdp"),
            (long.as_str(), &format!("{}…", "ø".repeat(199))),
        ] {
            let url = Url::parse("https://www.example.com/a%20b/c/?q=1").unwrap();
            assert_eq!(of(&url, "text/html", html.as_bytes()), name, "{html}");
        }
    }

    #[test]
    fn a_file_is_called_by_its_name() {
        for (address, media_type, name) in [
            ("https://example.com/files/Brand%20guide.pdf?v=2", "application/pdf", "Brand guide.pdf"),
            ("https://example.com/a+b=c&d.pdf", "application/pdf", "a+b=c&d.pdf"),
            ("https://example.com/download", "application/pdf", "example.com/download"),
            ("https://example.com/..%2f..%2fpasswd.pdf", "application/pdf", "passwd.pdf"),
            ("https://example.com/LICENSE", "text/plain", "LICENSE"),
            ("https://example.com/", "text/plain", "example.com"),
        ] {
            assert_eq!(of(&Url::parse(address).unwrap(), media_type, b"x"), name, "{address}");
        }
    }
}
