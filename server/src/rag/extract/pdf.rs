//! PDF, page by page.

use super::{ExtractError, Limits, normalise, sink::Sink};
use pdf_oxide::{Error, document::PdfDocument};
use std::{fs::File, io::Read};

/// `%%EOF` must stand in the last 1,024 bytes (PDF 1.7, implementation note 18); some writers append more.
const END_WINDOW: usize = 4096;

/// pdf_oxide holds a file twice while it reads it (`PdfDocument::from_bytes` of 0.3), which the memory limit must allow.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// # Errors
/// What is wrong with the PDF, or as [`Sink::page`].
pub fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let length = file.metadata()?.len();
    if length > MAX_BYTES {
        return Err(ExtractError::LargePdf { megabytes: MAX_BYTES / (1024 * 1024) });
    }
    // Of the right size at once: growing would copy.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    pages(bytes, sink)
}

fn pages(bytes: Vec<u8>, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
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
    if count == 0 {
        return Err(ExtractError::DamagedPdf { reason: "it has no pages".to_owned() });
    }
    let mut failure = None;
    for number in 0..count {
        let text = match document.extract_text(number) {
            Ok(text) => normalise::typeset_text(&text),
            Err(Error::EncryptedPdf) => return Err(ExtractError::Encrypted),
            Err(error) => {
                tracing::debug!(page = number + 1, %error, "a page of a PDF cannot be read");
                failure.get_or_insert(error);
                String::new()
            }
        };
        sink.page(text)?;
    }
    match failure {
        // Some pages of text are better than none.
        Some(error) if !sink.has_text() => Err(reason(error)),
        _ => Ok(()),
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
