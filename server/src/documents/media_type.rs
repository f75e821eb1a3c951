//! What a file is, by its bytes; its extension only tells Markdown from plain text, and must not contradict.

use domain::FieldError;

/// What can be added, for people.
const ACCEPTED: &str = "Add a PDF, Markdown (.md), text (.txt) or HTML file.";

/// Bytes from the beginning that are looked at. A PDF's header may stand anywhere in its first 1,024 bytes (ISO 32000-1,
/// annex H.3.4.1).
pub(super) const PEEK: usize = 1024;

/// A byte order mark in UTF-8, which editors on Windows write.
const BOM: &[u8] = b"\xEF\xBB\xBF";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Pdf,
    Html,
    /// UTF-8 so far, without control characters that text does not have.
    Text,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    Pdf,
    Html,
    Markdown,
    Text,
    None,
    Other,
}

/// The media type of a file that begins with `head` (its first [`PEEK`] bytes, or all of it).
///
/// # Errors
/// A [`FieldError`] on `file` that says what is wrong and what can be added.
pub(super) fn of(name: &str, head: &[u8]) -> Result<&'static str, FieldError> {
    let refuse = |message: String| Err(FieldError::new("file", message));
    let extension = extension(name);
    match (content(head), extension) {
        (Content::Pdf, Extension::Pdf | Extension::None) => Ok("application/pdf"),
        (Content::Html, Extension::Html | Extension::None) => Ok("text/html"),
        (Content::Text, Extension::Markdown) => Ok("text/markdown"),
        (Content::Text, Extension::Text) => Ok("text/plain"),
        // A fragment of a page has no doctype and no <html>.
        (Content::Text, Extension::Html) if text_of(head).contains('<') => Ok("text/html"),
        (_, Extension::Other) => refuse(format!("“{name}” is not of a kind that can be read. {ACCEPTED}")),
        (Content::Pdf, _) => refuse(format!("“{name}” is a PDF inside. Rename it to end in .pdf and add it again.")),
        (Content::Html, _) => {
            refuse(format!("“{name}” is a web page inside. Rename it to end in .html and add it again."))
        }
        (_, Extension::Pdf) => refuse(format!("“{name}” is not a PDF inside, or it is damaged. {ACCEPTED}")),
        (_, Extension::Html) => refuse(format!("“{name}” is not a web page inside. {ACCEPTED}")),
        (Content::Text, Extension::None) => {
            refuse(format!("“{name}” has no extension. Rename it to end in .md or .txt and add it again."))
        }
        (Content::Other, Extension::Markdown | Extension::Text) => {
            refuse(format!("“{name}” is not text in UTF-8. Save it as UTF-8 and add it again."))
        }
        (Content::Other, Extension::None) => refuse(format!("“{name}” is not of a kind that can be read. {ACCEPTED}")),
    }
}

fn extension(name: &str) -> Extension {
    let Some((_, extension)) = name.rsplit_once('.') else { return Extension::None };
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Extension::Pdf,
        "html" | "htm" | "xhtml" => Extension::Html,
        "md" | "markdown" => Extension::Markdown,
        "txt" | "text" => Extension::Text,
        _ => Extension::Other,
    }
}

fn content(head: &[u8]) -> Content {
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Content::Pdf;
    }
    if !is_text(head) {
        return Content::Other;
    }
    let beginning = text_of(head).trim_start().to_ascii_lowercase();
    let after_prolog = if beginning.starts_with("<?xml") {
        beginning.split_once("?>").map_or("", |(_, rest)| rest.trim_start())
    } else {
        beginning.as_str()
    };
    if after_prolog.starts_with("<!doctype html") || after_prolog.starts_with("<html") {
        return Content::Html;
    }
    Content::Text
}

/// UTF-8 with at most a character cut off at the end, and none of the control characters of binary formats.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    // Tab, line feed, form feed, carriage return and escape occur in text.
    valid && !head.iter().any(|byte| byte < &0x20 && !matches!(byte, b'\t' | b'\n' | 0x0C | b'\r' | 0x1B))
}

fn text_of(head: &[u8]) -> String {
    String::from_utf8_lossy(head.strip_prefix(BOM).unwrap_or(head)).into_owned()
}

/// Checks that all of a text is UTF-8 without NUL, chunk by chunk as it arrives.
#[derive(Debug, Default)]
pub(super) struct TextCheck {
    /// A character that the last chunk cut off: up to three bytes.
    pending: Vec<u8>,
}

impl TextCheck {
    /// False when the text is not UTF-8 or has a NUL.
    pub fn accepts(&mut self, chunk: &[u8]) -> bool {
        let joined;
        let bytes = if self.pending.is_empty() {
            chunk
        } else {
            joined = [self.pending.as_slice(), chunk].concat();
            joined.as_slice()
        };
        if bytes.contains(&0) {
            return false;
        }
        let rest = match std::str::from_utf8(bytes) {
            Ok(_) => &[],
            Err(error) if error.error_len().is_none() => &bytes[error.valid_up_to()..],
            Err(_) => return false,
        };
        self.pending = rest.to_vec();
        true
    }

    /// False when the text ended within a character.
    pub fn complete(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_the_extension_must_not_contradict() {
        let page = b"\xEF\xBB\xBF  <!DOCTYPE html><p>x";
        for (name, head, media_type) in [
            ("a.pdf", b"%PDF-1.7\n".as_slice(), "application/pdf"),
            ("a.PDF", b"\n\n%PDF-1.4".as_slice(), "application/pdf"),
            ("a", b"%PDF-1.7".as_slice(), "application/pdf"),
            ("a.md", b"# Title".as_slice(), "text/markdown"),
            ("a.markdown", "caf\u{e9}".as_bytes(), "text/markdown"),
            ("a.b.txt", "na\u{ef}ve".as_bytes(), "text/plain"),
            ("a.md", b"<!-- draft --><p align=center>".as_slice(), "text/markdown"),
            ("a.html", page.as_slice(), "text/html"),
            ("a.htm", b"<?xml version='1.0'?>\n<html>".as_slice(), "text/html"),
            ("a.html", b"<p>A fragment".as_slice(), "text/html"),
        ] {
            assert_eq!(of(name, head), Ok(media_type), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        for (name, head, reason) in [
            ("a.txt", b"%PDF-1.7".as_slice(), "is a PDF inside"),
            ("a.md", b"<html>".as_slice(), "is a web page inside"),
            ("a.pdf", b"hello".as_slice(), "is not a PDF inside"),
            ("a.pdf", b"PK\x03\x04".as_slice(), "is not a PDF inside"),
            ("a.html", b"hello".as_slice(), "is not a web page inside"),
            ("a.txt", b"a\0b".as_slice(), "UTF-8"),
            ("a.txt", b"caf\xe9 au lait".as_slice(), "UTF-8"),
            ("a.docx", b"PK\x03\x04".as_slice(), "Add a PDF, Markdown"),
            ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), "Add a PDF, Markdown"),
            ("a.exe", b"%PDF-1.7".as_slice(), "Add a PDF, Markdown"),
            ("a", b"hello".as_slice(), "no extension"),
            ("a", b"\x89PNG\r\n\x1a\n".as_slice(), "Add a PDF, Markdown"),
        ] {
            let error = of(name, head).unwrap_err();
            assert!(error.message.contains(reason), "{name}: {}", error.message);
            assert_eq!(error.field, "file");
        }
    }

    #[test]
    fn a_character_may_be_cut_by_the_end_of_the_head() {
        let mut head = vec![b'a'; PEEK - 1];
        head.push("\u{e9}".as_bytes()[0]);
        assert_eq!(of("a.txt", &head), Ok("text/plain"));
    }

    #[test]
    fn text_is_checked_across_chunks() {
        let text = "a\u{e9}\u{20ac}\u{1f600}b".as_bytes();
        for size in 1..text.len() {
            let mut check = TextCheck::default();
            assert!(text.chunks(size).all(|chunk| check.accepts(chunk)), "{size}");
            assert!(check.complete());
        }
        assert!(!TextCheck::default().accepts(b"a\0"));
        let mut check = TextCheck::default();
        assert!(check.accepts(b"a\xC3"));
        assert!(!check.complete());
        assert!(!check.accepts(b"a"));
    }
}
