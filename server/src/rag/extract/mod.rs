//! Text out of files: pages of clean text, or a sentence that says why there is none.

mod html;
mod markdown;
mod normalise;
mod pdf;
mod plain;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration, time::Instant};

/// The text of each page, in order; a page may be empty. Formats without pages have one, unless it would be longer than
/// a reader can be shown at once.
pub type Pages = Vec<String>;

/// Why a file gave no text, as a sentence for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    #[error("The PDF is protected by a password. Remove the password and upload it again.")]
    Encrypted,
    #[error("The PDF is damaged or incomplete: {reason}. Save or export it again and upload the new file.")]
    DamagedPdf { reason: String },
    #[error("The PDF has no text: it is probably scanned. Run text recognition (OCR) on it and upload the result.")]
    ScannedPdf,
    #[error("The file has no text in it.")]
    NoText,
    #[error("The file has more than {} pages. Split it and upload the parts.", Limits::MAX_PAGES)]
    TooManyPages,
    #[error("The file holds more than {} million characters of text. Split it and upload the parts.", Limits::MAX_CHARS / 1_000_000)]
    TooMuchText,
    #[error("Reading the file took longer than {} minutes. Split it or save it in a simpler format, and upload it again.", Limits::TIME.as_secs() / 60)]
    TooSlow,
    #[error("Files of the type {0} cannot be read yet. Upload a PDF, Markdown, HTML or plain text file.")]
    Unsupported(String),
    /// A fault of the extractor, not of the file's owner.
    #[error(
        "The file could not be read: something in it is not understood. Save it in another format and upload it again."
    )]
    Crashed,
    #[error("The file could not be read from the disk: {0}")]
    Io(String),
}

/// What one file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    deadline: Instant,
}

impl Limits {
    pub const MAX_PAGES: usize = 5_000;
    pub const MAX_CHARS: usize = 50_000_000;
    pub const TIME: Duration = Duration::from_secs(300);
    /// Nested structures recurse; this leaves room for thousands of levels where a worker's 2 MiB would overflow.
    const STACK_BYTES: usize = 64 * 1024 * 1024;
    /// Longer texts without pages are cut into pages of this many bytes, at the end of a paragraph.
    const PAGE_BYTES: usize = 100_000;

    fn start() -> Self {
        Self { deadline: Instant::now() + Self::TIME }
    }

    fn check_time(&self) -> Result<(), ExtractError> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(ExtractError::TooSlow) }
    }
}

/// Reads a file's pages on a thread of its own; a panic in there and a deadline that passes are errors like any other.
/// The thread stops at its next page when the deadline has passed.
///
/// # Errors
/// [`ExtractError`].
pub async fn extract(path: PathBuf, media_type: &str) -> Result<Pages, ExtractError> {
    let limits = Limits::start();
    let media_type = media_type.to_owned();
    let (reply, answer) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("extract".to_owned())
        .stack_size(Limits::STACK_BYTES)
        .spawn(move || {
            let pages = std::panic::catch_unwind(|| extract_blocking(&path, &media_type, &limits));
            // The caller may have given up.
            let _ = reply.send(pages.unwrap_or(Err(ExtractError::Crashed)));
        })
        .map_err(|error| ExtractError::Io(error.to_string()))?;
    match tokio::time::timeout(Limits::TIME, answer).await {
        Ok(Ok(pages)) => pages,
        Ok(Err(_)) => Err(ExtractError::Crashed),
        Err(_) => Err(ExtractError::TooSlow),
    }
}

fn extract_blocking(path: &std::path::Path, media_type: &str, limits: &Limits) -> Result<Pages, ExtractError> {
    let bytes = std::fs::read(path).map_err(|error| ExtractError::Io(error.to_string()))?;
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let pages = match essence {
        "application/pdf" => pdf::pages(bytes, limits)?,
        "text/markdown" => cut(&normalise::running_text(&markdown::to_text(&plain::decode(&bytes)))),
        "text/html" | "application/xhtml+xml" => {
            cut(&normalise::running_text(&html::to_text(&plain::decode_html(&bytes), limits)?))
        }
        "text/plain" => cut(&normalise::running_text(&plain::decode(&bytes))),
        other => return Err(ExtractError::Unsupported(other.to_owned())),
    };
    if pages.len() > Limits::MAX_PAGES {
        return Err(ExtractError::TooManyPages);
    }
    if pages.iter().map(String::len).sum::<usize>() > Limits::MAX_CHARS {
        return Err(ExtractError::TooMuchText);
    }
    if pages.iter().all(|page| page.trim().is_empty()) {
        return Err(if essence == "application/pdf" { ExtractError::ScannedPdf } else { ExtractError::NoText });
    }
    Ok(pages)
}

/// One page, or several where one would be too long to show.
fn cut(text: &str) -> Pages {
    let mut pages = Vec::new();
    let mut rest = text;
    while rest.len() > Limits::PAGE_BYTES {
        let limit = rest.floor_char_boundary(Limits::PAGE_BYTES);
        let window = &rest[..limit];
        // The end of a paragraph, of a line, of a word, or wherever the limit falls.
        let end = ["\n\n", "\n", " "]
            .iter()
            .filter_map(|separator| window.rfind(separator).map(|at| at + separator.len()))
            .find(|&end| end > limit / 2)
            .unwrap_or(limit);
        pages.push(rest[..end].trim_end().to_owned());
        rest = &rest[end..];
    }
    pages.push(rest.trim_end().to_owned());
    pages
}
