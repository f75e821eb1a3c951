//! PDF, page by page.

use super::{ExtractError, Limits, Pages, normalise};
use pdf_oxide::{Error, document::PdfDocument};

/// `%%EOF` must stand in the last 1,024 bytes (PDF 1.7, implementation note 18); some writers append more.
const END_WINDOW: usize = 4096;

pub fn pages(bytes: Vec<u8>, limits: &Limits) -> Result<Pages, ExtractError> {
    if !bytes[bytes.len().saturating_sub(END_WINDOW)..].windows(5).any(|window| window == b"%%EOF") {
        // pdf_oxide would rebuild what there is and drop the rest without a word.
        return Err(ExtractError::DamagedPdf {
            reason: "its end is missing, so it was probably cut off in a transfer".to_owned(),
        });
    }
    let document = PdfDocument::from_bytes(bytes).map_err(reason)?;
    if document.is_encrypted() && !document.is_authenticated() && !document.authenticate(b"").unwrap_or(false) {
        return Err(ExtractError::Encrypted);
    }
    let count = document.page_count().map_err(reason)?;
    if count > Limits::MAX_PAGES {
        return Err(ExtractError::TooManyPages);
    }
    let mut pages = Vec::with_capacity(count);
    let mut chars = 0;
    let mut failures = Vec::new();
    for number in 0..count {
        limits.check_time()?;
        let text = match document.extract_text(number) {
            Ok(text) => normalise::typeset_text(&text),
            Err(Error::EncryptedPdf) => return Err(ExtractError::Encrypted),
            Err(error) => {
                tracing::debug!(page = number + 1, %error, "a page of a PDF cannot be read");
                failures.push(error);
                String::new()
            }
        };
        chars += text.len();
        if chars > Limits::MAX_CHARS {
            return Err(ExtractError::TooMuchText);
        }
        pages.push(text);
    }
    match failures.into_iter().next() {
        // Some pages of text are better than none.
        Some(error) if pages.iter().all(String::is_empty) => Err(reason(error)),
        _ if pages.is_empty() => Err(ExtractError::DamagedPdf { reason: "it has no pages".to_owned() }),
        _ => Ok(pages),
    }
}

fn reason(error: Error) -> ExtractError {
    let reason = match error {
        Error::EncryptedPdf => return ExtractError::Encrypted,
        Error::InvalidHeader(_) => "it does not begin like a PDF",
        Error::InvalidXref | Error::ObjectNotFound(..) => "its table of contents is broken",
        Error::UnexpectedEof => "it ends too early",
        Error::CircularReference(_) | Error::RecursionLimitExceeded(_) => "its parts refer to each other in a circle",
        Error::UnsupportedVersion(_) | Error::Unsupported(_) | Error::UnsupportedFilter(_) => {
            "it uses a part of PDF that is not supported"
        }
        _ => "its structure is broken",
    };
    tracing::debug!(%error, "a PDF cannot be read");
    ExtractError::DamagedPdf { reason: reason.to_owned() }
}
