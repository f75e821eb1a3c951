//! A document as a file for elsewhere: Markdown as it was typed, Word, and PDF.

mod docx;
mod pdf;
#[cfg(test)]
mod tests;

use crate::{fault::Fault, rag::extract::media_types};
use app::markdown::{Block, Inline, parse_document};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Md,
    Docx,
    Pdf,
}

impl Format {
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Md => "md",
            Self::Docx => "docx",
            Self::Pdf => "pdf",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Md => "text/markdown; charset=utf-8",
            Self::Docx => media_types::DOCX,
            Self::Pdf => media_types::PDF,
        }
    }
}

/// Files that are made at once: each takes a core for a while, which a request that ends does not give back.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Makes the file.
///
/// # Errors
/// When it cannot be made, which is a fault of ours.
pub(super) async fn make(title: String, text: String, format: Format) -> Result<Bytes, Fault> {
    if format == Format::Md {
        return Ok(text.into());
    }
    let _turn = TURNS.acquire().await.map_err(Fault::while_doing("wait to export a document"))?;
    let made = tokio::task::spawn_blocking(move || {
        let blocks = titled(&title, parse_document(&text));
        match format {
            Format::Pdf => pdf::write(&title, &blocks),
            _ => docx::write(&title, &blocks),
        }
    });
    Ok(made.await.map_err(Fault::while_doing("export a document"))??.into())
}

/// What stands where a text of too many parts was cut.
fn cut() -> Vec<Inline> {
    vec![Inline::Text("The rest is not in this file: the text has too many parts. Export it as Markdown.".to_owned())]
}

/// A text that does not begin with a title gets the document's.
fn titled(title: &str, mut blocks: Vec<Block>) -> Vec<Block> {
    if !matches!(blocks.first(), Some(Block::Heading(1, words)) if !words.is_empty()) {
        blocks.insert(0, Block::Heading(1, vec![app::markdown::Inline::Text(title.to_owned())]));
    }
    blocks
}
