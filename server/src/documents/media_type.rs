//! What a file is, by its bytes; its extension only tells Markdown from plain text, and must not contradict.

use crate::rag::extract::media_types;
use domain::FieldError;

/// What can be added, for people.
const ACCEPTED: &str = "Add a PDF, Word, PowerPoint, Excel, EPUB, CSV, Markdown (.md), text (.txt) or HTML file, or a \
    picture (PNG, JPEG, WebP, GIF).";

/// Bytes from the beginning that are looked at: as many as it takes to see past the first parts of a ZIP archive, whose
/// names tell what it is.
pub(crate) const PEEK: usize = 16 * 1024;

/// A PDF's header may stand anywhere in its first 1,024 bytes (ISO 32000-1, annex H.3.4.1).
const PDF_HEADER_WITHIN: usize = 1024;

/// Begins each part of a ZIP archive (APPNOTE.TXT, 4.3.7).
const ZIP_PART: &[u8] = b"PK\x03\x04";

/// A byte order mark in UTF-8, which editors on Windows write.
const BOM: &[u8] = b"\xEF\xBB\xBF";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Pdf,
    Html,
    /// UTF-8 so far, without control characters that text does not have.
    Text,
    /// Not UTF-8, but it has no NUL: text of an older encoding, perhaps.
    OldText,
    /// A ZIP archive whose parts' names tell what it is.
    Office(&'static str),
    /// A ZIP archive whose first parts do not tell.
    Archive,
    Image(&'static str),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    Pdf,
    Html,
    Markdown,
    Text,
    Csv,
    Office(&'static str),
    Image,
    None,
    Other,
}

/// The media type of a file that begins with `head` (its first [`PEEK`] bytes, or all of it).
///
/// # Errors
/// A [`FieldError`] on `file` that says what is wrong and what can be added.
pub(crate) fn of(name: &str, head: &[u8]) -> Result<&'static str, FieldError> {
    let refuse = |message: String| Err(FieldError::new("file", message));
    let extension = extension(name);
    match (content(head), extension) {
        (Content::Pdf, Extension::Pdf | Extension::None) => Ok(media_types::PDF),
        (Content::Html, Extension::Html | Extension::None) => Ok(media_types::HTML),
        (Content::Text, Extension::Markdown) => Ok(media_types::MARKDOWN),
        (Content::Text, Extension::Text) => Ok(media_types::TEXT),
        // Excel writes the encoding of the country.
        (Content::Text | Content::OldText, Extension::Csv) => Ok(media_types::CSV),
        // A fragment of a page has no doctype and no <html>.
        (Content::Text, Extension::Html) if text_of(head).contains('<') => Ok(media_types::HTML),
        (Content::Office(inside), Extension::Office(named)) if inside == named => Ok(inside),
        (Content::Office(inside), Extension::None) => Ok(inside),
        // Its reader looks for the parts that it must have.
        (Content::Archive, Extension::Office(named)) => Ok(named),
        // A picture is shown as what it is; its name does not matter to anybody.
        (Content::Image(inside), Extension::Image | Extension::None) => Ok(inside),
        (_, Extension::Other) => refuse(format!("“{name}” is not of a kind that can be read. {ACCEPTED}")),
        (Content::Pdf, _) => refuse(format!("“{name}” is a PDF inside. Rename it to end in .pdf and add it again.")),
        (Content::Html, _) => {
            refuse(format!("“{name}” is a web page inside. Rename it to end in .html and add it again."))
        }
        (Content::Office(_), Extension::Office(_)) => {
            refuse(format!("“{name}” is another kind of document inside. Give it its own extension and add it again."))
        }
        (_, Extension::Office(_)) => {
            refuse(format!("“{name}” is not the document that its name says, or it is damaged. {ACCEPTED}"))
        }
        (_, Extension::Image) => refuse(format!("“{name}” is not a picture inside, or it is damaged. {ACCEPTED}")),
        (_, Extension::Pdf) => refuse(format!("“{name}” is not a PDF inside, or it is damaged. {ACCEPTED}")),
        (_, Extension::Html) => refuse(format!("“{name}” is not a web page inside. {ACCEPTED}")),
        (Content::Text, Extension::None) => {
            refuse(format!("“{name}” has no extension. Rename it to end in .md or .txt and add it again."))
        }
        (_, Extension::Csv) => refuse(format!("“{name}” is not text inside. Save it as CSV and add it again.")),
        (_, Extension::Markdown | Extension::Text) => {
            refuse(format!("“{name}” is not text in UTF-8. Save it as UTF-8 and add it again."))
        }
        (_, Extension::None) => refuse(format!("“{name}” is not of a kind that can be read. {ACCEPTED}")),
    }
}

/// The media type of a page of the web that begins with `head`: as [`of`], but instead of a name there is the type that
/// its server declares, and the last part of its path. None for what cannot be read.
pub(crate) fn of_page(declared: Option<&str>, path: &str, head: &[u8]) -> Option<&'static str> {
    let is_page = matches!(declared, Some("text/html" | "application/xhtml+xml"));
    match content(head) {
        Content::Pdf => Some(media_types::PDF),
        Content::Html => Some(media_types::HTML),
        Content::Office(inside) | Content::Image(inside) => Some(inside),
        Content::Archive => match extension(path) {
            Extension::Office(named) => Some(named),
            _ => None,
        },
        // A fragment, or a page in an encoding that it names itself.
        Content::Text | Content::OldText if is_page => Some(media_types::HTML),
        Content::Text | Content::OldText if declared == Some(media_types::CSV) => Some(media_types::CSV),
        Content::Text => match (declared, extension(path)) {
            (Some(media_types::MARKDOWN), _) | (_, Extension::Markdown) => Some(media_types::MARKDOWN),
            (_, Extension::Csv) => Some(media_types::CSV),
            _ => Some(media_types::TEXT),
        },
        Content::OldText | Content::Other => None,
    }
}

fn extension(name: &str) -> Extension {
    let Some((_, extension)) = name.rsplit_once('.') else { return Extension::None };
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Extension::Pdf,
        "html" | "htm" | "xhtml" => Extension::Html,
        "md" | "markdown" => Extension::Markdown,
        "txt" | "text" => Extension::Text,
        "csv" | "tsv" => Extension::Csv,
        "docx" => Extension::Office(media_types::DOCX),
        "pptx" => Extension::Office(media_types::PPTX),
        "xlsx" => Extension::Office(media_types::XLSX),
        "epub" => Extension::Office(media_types::EPUB),
        "png" | "jpg" | "jpeg" | "webp" | "gif" => Extension::Image,
        _ => Extension::Other,
    }
}

fn content(head: &[u8]) -> Content {
    if let Some(image) = image(head) {
        return Content::Image(image);
    }
    if head.starts_with(ZIP_PART) {
        return archive(head);
    }
    if head[..head.len().min(PDF_HEADER_WITHIN)].windows(5).any(|window| window == b"%PDF-") {
        return Content::Pdf;
    }
    if !looks_like_text(head) {
        return if head.contains(&0) { Content::Other } else { Content::OldText };
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

/// Whether a media type is of text that must be UTF-8 throughout.
pub(crate) fn is_text(media_type: &str) -> bool {
    matches!(media_type, "text/plain" | "text/markdown")
}

fn image(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// What an archive is by the names of its first parts. EPUB's first part is its media type, uncompressed (EPUB 3.3, 4.2.2).
fn archive(head: &[u8]) -> Content {
    let mut at = 0;
    while let Some(part) = head.get(at..).filter(|rest| rest.len() >= 30) {
        if part.starts_with(ZIP_PART) {
            let length = usize::from(u16::from_le_bytes([part[26], part[27]]));
            let skip = usize::from(u16::from_le_bytes([part[28], part[29]]));
            let name = part.get(30..30 + length).unwrap_or_default();
            if name == b"mimetype" {
                let is_epub =
                    part.get(30 + length + skip..).is_some_and(|rest| rest.starts_with(b"application/epub+zip"));
                return if is_epub { Content::Office(media_types::EPUB) } else { Content::Other };
            }
            for (folder, media_type) in
                [(b"word/".as_slice(), media_types::DOCX), (b"ppt/", media_types::PPTX), (b"xl/", media_types::XLSX)]
            {
                if name.starts_with(folder) {
                    return Content::Office(media_type);
                }
            }
            at += 30 + length;
        }
        // How long the part's data are stands behind them, more often than not: so the next part is looked for.
        at += head.get(at..).and_then(|rest| rest.windows(4).position(|window| window == ZIP_PART)).unwrap_or(PEEK);
    }
    Content::Archive
}

/// UTF-8 with at most a character cut off at the end, and none of the control characters of binary formats.
fn looks_like_text(head: &[u8]) -> bool {
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
pub(crate) struct TextCheck {
    /// A character that the last chunk cut off: up to three bytes.
    pending: Vec<u8>,
}

impl TextCheck {
    /// Goes on after a character that was cut off; see [`Self::tail`].
    pub fn resume(tail: Vec<u8>) -> Self {
        Self { pending: tail }
    }

    /// What the last chunk cut off.
    pub fn tail(self) -> Vec<u8> {
        self.pending
    }

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

    /// The beginnings of an archive's parts, whose data are of unknown length.
    fn zip(names: &[&str]) -> Vec<u8> {
        let part = |name: &&str| {
            let mut bytes = [ZIP_PART, &[0; 22], &[name.len() as u8, 0, 0, 0]].concat();
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b"packed data");
            bytes
        };
        names.iter().flat_map(part).collect()
    }

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
            ("a.csv", b"a;b\ncaf\xe9;1".as_slice(), "text/csv"),
            ("a.docx", zip(&["[Content_Types].xml", "word/document.xml"]).as_slice(), media_types::DOCX),
            ("a.pptx", zip(&["_rels/.rels", "ppt/presentation.xml"]).as_slice(), media_types::PPTX),
            (
                "a.xlsx",
                zip(&["[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml"]).as_slice(),
                media_types::XLSX,
            ),
            ("a", zip(&["xl/workbook.xml"]).as_slice(), media_types::XLSX),
            ("a.xlsx", zip(&["[Content_Types].xml"]).as_slice(), media_types::XLSX),
            (
                "a.epub",
                b"PK\x03\x04----------------------\x08\0\0\0mimetypeapplication/epub+zipPK".as_slice(),
                media_types::EPUB,
            ),
            ("a.jpg", b"\x89PNG\r\n\x1a\n".as_slice(), "image/png"),
            ("a.jpeg", b"\xff\xd8\xff\xe0".as_slice(), "image/jpeg"),
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
            ("a.docx", zip(&["xl/workbook.xml"]).as_slice(), "another kind"),
            ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0".as_slice(), "not the document that its name says"),
            ("a.odt", zip(&["mimetype"]).as_slice(), "Add a PDF, Word"),
            ("a.epub", zip(&["mimetype"]).as_slice(), "not the document that its name says"),
            ("a.zip", zip(&["word/document.xml"]).as_slice(), "Add a PDF, Word"),
            ("a.csv", b"a\0b".as_slice(), "not text inside"),
            ("a.png", b"hello".as_slice(), "not a picture inside"),
            ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), "Add a PDF, Word"),
            ("a.exe", b"%PDF-1.7".as_slice(), "Add a PDF, Word"),
            ("a", b"hello".as_slice(), "no extension"),
        ] {
            let error = of(name, head).unwrap_err();
            assert!(error.message.contains(reason), "{name}: {}", error.message);
            assert_eq!(error.field, "file");
        }
    }

    #[test]
    fn a_page_of_the_web_is_what_its_bytes_say() {
        let archive = zip(&["[Content_Types].xml"]);
        for (declared, path, head, media_type) in [
            (Some("text/html"), "a", b"<!doctype html><p>".as_slice(), Some("text/html")),
            (Some("text/html"), "a", b"<p>A fragment".as_slice(), Some("text/html")),
            (Some("text/html"), "a", b"<p>caf\xe9".as_slice(), Some("text/html")),
            (Some("text/html"), "a", b"%PDF-1.7".as_slice(), Some("application/pdf")),
            (Some("text/html"), "a", b"\0\x01".as_slice(), None),
            (Some("text/plain"), "a", b"<!doctype html><p>".as_slice(), Some("text/html")),
            (Some("text/plain"), "readme.md", b"# Title".as_slice(), Some("text/markdown")),
            (Some("text/plain"), "robots.txt", b"User-agent: *".as_slice(), Some("text/plain")),
            (Some("text/plain"), "a", b"caf\xe9 au lait".as_slice(), None),
            (Some("text/csv"), "a", b"caf\xe9;1".as_slice(), Some("text/csv")),
            (Some("application/octet-stream"), "a", b"%PDF-1.7".as_slice(), Some("application/pdf")),
            (Some("application/zip"), "a.docx", archive.as_slice(), Some(media_types::DOCX)),
            (Some("application/zip"), "a.zip", archive.as_slice(), None),
            (None, "a", b"\x89PNG\r\n\x1a\n".as_slice(), Some("image/png")),
            (None, "a", b"plain".as_slice(), Some("text/plain")),
        ] {
            assert_eq!(of_page(declared, path, head), media_type, "{declared:?} {path}");
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
