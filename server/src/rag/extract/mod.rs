//! Text out of files: pages of clean text, or a sentence that says why there is none. What is hostile in a file meets a
//! process that can do nothing but read it ([`child`]); its text comes back page by page ([`Reading`]).

pub mod bench;
pub mod child;
mod csv;
mod html;
mod markdown;
mod normalise;
mod office;
mod pdf;
mod plain;
mod process;
#[cfg(test)]
pub(crate) mod samples;
mod sink;
#[cfg(test)]
mod tests;

pub(crate) use markdown::to_text as markdown_to_text;
pub(crate) use plain::decode_html;
pub use process::Reading;

use serde::{Deserialize, Serialize};
use sink::Sink;
use std::{fs::File, time::Duration};

/// What a child says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// The text of the next page; it may be empty. Formats without pages have one, unless it would be longer than a reader
    /// can be shown at once.
    Page(String),
    Done,
    Failed(ExtractError),
}

/// Why a file gave no text, as a sentence for its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ExtractError {
    #[error("The PDF is protected by a password. Remove the password and upload it again.")]
    Encrypted,
    #[error("The PDF is damaged or incomplete: {reason}. Save or export it again and upload the new file.")]
    DamagedPdf { reason: String },
    #[error("The PDF has no text: it is probably scanned. Run text recognition (OCR) on it and upload the result.")]
    ScannedPdf,
    #[error("The PDF is larger than {megabytes} MB. Split it and upload the parts.")]
    LargePdf { megabytes: u64 },
    #[error(
        "The file is damaged or incomplete. Open it in the program that made it, save it again and upload the new file."
    )]
    Damaged,
    #[error("The file is protected. Remove the protection and upload it again.")]
    Protected,
    #[error("The file unfolds to far more than it should hold. Save it in another format and upload it again.")]
    Unfolds,
    #[error(
        "Reading the file takes more memory than one file may have. Split it or save it in a simpler format, and upload it again."
    )]
    TooMuchMemory,
    #[error("The file has no text in it. Write something in it, or save it in another format, and upload it again.")]
    NoText,
    #[error("The file has more than {} pages. Split it and upload the parts.", Limits::MAX_PAGES)]
    TooManyPages,
    #[error("The file holds more than {} million characters of text. Split it and upload the parts.", Limits::MAX_TEXT_BYTES / 1_000_000)]
    TooMuchText,
    #[error("Reading the file took longer than {} minutes. Split it or save it in a simpler format, and upload it again.", Limits::TIME.as_secs() / 60)]
    TooSlow,
    #[error(
        "Files of the type {0} cannot be read yet. Upload a PDF, an Office or EPUB file, CSV, Markdown, HTML or plain text."
    )]
    Unsupported(String),
    /// A fault of the extractor, not of the file's owner.
    #[error(
        "The file could not be read: something in it is not understood. Save it in another format and upload it again."
    )]
    Crashed,
    #[error("The file could not be read from the disk: {0}")]
    Io(String),
}

impl From<std::io::Error> for ExtractError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// What one file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    pub const MAX_PAGES: usize = 5_000;
    /// Above what the largest upload can hold by default (200 MB).
    pub const MAX_TEXT_BYTES: usize = 250_000_000;
    /// Waiting for its reader.
    pub const TIME: Duration = Duration::from_secs(if cfg!(test) { 30 } else { 300 });
    /// Of its reader.
    pub const CPU: Duration = Duration::from_secs(if cfg!(test) { 15 } else { 120 });
    /// Of its reader, with the stack.
    pub const MEMORY_BYTES: u64 = 240 * 1024 * 1024;
    /// Nested structures recurse; this leaves room for thousands of levels where 2 MiB would overflow.
    const STACK_BYTES: usize = 32 * 1024 * 1024;
    /// Longer texts without pages are cut into pages of this many bytes, at the end of a paragraph.
    const PAGE_BYTES: usize = 100_000;
    /// A page that a format has set itself.
    const LONGEST_PAGE_BYTES: usize = 1024 * 1024;
}

/// The formats that are read, by what [`crate::documents`] finds in a file's bytes.
pub mod media_types {
    pub const PDF: &str = "application/pdf";
    pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    pub const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    pub const EPUB: &str = "application/epub+zip";
    pub const CSV: &str = "text/csv";
    pub const MARKDOWN: &str = "text/markdown";
    pub const HTML: &str = "text/html";
    pub const TEXT: &str = "text/plain";
}

/// A piece of HTML without its tags, its character references as characters.
pub(crate) fn without_tags(html: &str) -> String {
    // The end of a reference shows at the character behind it.
    html::Tags::default().without(&format!("{html} "))
}

/// Reads a file in this process, which only its own child ([`child::main`]) and a benchmark of trusted files do.
///
/// # Errors
/// [`ExtractError`]; pages that were delivered by then are void.
fn read(
    file: File,
    media_type: &str,
    deliver: &mut dyn FnMut(String) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let mut sink = Sink::new(deliver);
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match essence {
        media_types::PDF => pdf::read(file, &mut sink)?,
        media_types::DOCX => office::docx::read(file, &mut sink)?,
        media_types::PPTX => office::pptx::read(file, &mut sink)?,
        media_types::XLSX => office::xlsx::read(file, &mut sink)?,
        media_types::EPUB => office::epub::read(file, &mut sink)?,
        media_types::CSV => csv::read(file, &mut sink)?,
        media_types::MARKDOWN => markdown::read(file, &mut sink)?,
        media_types::HTML | "application/xhtml+xml" => html::read(file, &mut sink)?,
        media_types::TEXT => plain::read(file, &mut sink)?,
        other => return Err(ExtractError::Unsupported(other.to_owned())),
    }
    if sink.has_text() {
        return Ok(());
    }
    Err(if essence == media_types::PDF { ExtractError::ScannedPdf } else { ExtractError::NoText })
}
