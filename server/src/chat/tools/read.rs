use super::{Answering, Content, Kind, Output, Pages, Tool};
use crate::{
    chat::{calls, scope},
    fault::Fault,
    rag::search,
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error,
    documents::{Document, DocumentState, Documents},
    workspaces::Role,
    written::Written,
};
use serde::Deserialize;
use std::fmt::Write as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters that one call returns: about 5,000 tokens.
const MAX_CHARS: usize = 20_000;
/// Pages that one call returns.
const MAX_PAGES: u32 = 20;

/// Reads pages of a document that the question was asked of.
pub struct ReadDocument;

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// The document's id.
    id: Uuid,
    /// The first page to read, from 1; 1 when absent.
    from_page: Option<u32>,
    /// The last page to read; at most 20 pages are read, and all of those when absent.
    to_page: Option<u32>,
}

#[async_trait]
impl Tool for ReadDocument {
    const NAME: &'static str = "read_document";
    const LABEL: &'static str = "Read a document";
    const DESCRIPTION: &'static str = "Returns the text of pages of a document, at most 20,000 characters. Of a document \
        that is written here it returns the Markdown and its revision, which edit_document needs.";
    const KIND: Kind = Kind::Reads;
    type Arguments = Arguments;

    async fn describe(&self, of: &Answering<'_>, arguments: &Arguments) -> Result<String, Error> {
        Ok(format!("Read “{}”", of.document(arguments.id).await?.name))
    }

    async fn run(&self, of: &Answering<'_>, arguments: Arguments) -> Result<Output, Error> {
        let document = of.document(arguments.id).await?;
        if !is_asked(of, document.id).await? {
            return Err(Error::conflict("The question is asked of other documents than this one."));
        }
        let from = arguments.from_page.unwrap_or(1).max(1);
        let last = from.saturating_add(MAX_PAGES - 1);
        let to = arguments.to_page.unwrap_or(last).clamp(from, last);
        // Now, so that whoever reads along sees whether it could be read.
        let pages = Pages { document: document.id, from, to };
        text_of(of.session, pages).await?;
        let name = &document.name;
        let summary = match document.page_count {
            Some(count) if document.writing.is_none() && count > 1 => {
                format!("Read “{name}”, pages {from} to {}.", to.min(count))
            }
            _ => format!("Read “{name}”."),
        };
        Ok(Output { summary, content: Content::Pages(pages) })
    }
}

/// Whether the question is asked of the document, or the conversation has made it.
async fn is_asked(of: &Answering<'_>, document: DocumentId) -> Result<bool, Fault> {
    let mut session = of.session.reading().await?;
    let conversation = session.conversation(of.conversation, Role::Viewer).await?;
    let documents = scope::of_question(session.conn(), &conversation, of.question).await?;
    let is_in_scope = match documents {
        search::Documents::All => true,
        search::Documents::Only(ids) => ids.contains(&document.into()),
        search::Documents::Except(ids) => !ids.contains(&document.into()),
    };
    Ok(is_in_scope || calls::created(session.conn(), &conversation, document).await?)
}

/// What the model is told of these pages, as they are now.
///
/// # Errors
/// `NotFound`; `Conflict` while the document has no text.
pub async fn text_of(session: &UserSession, pages: Pages) -> Result<String, Error> {
    let document = session.document(pages.document).await?;
    if document.trashed_at.is_some() {
        return Err(Error::NotFound);
    }
    let text = if document.writing.is_some() {
        let written = session.written_text(document.id).await?;
        format!("“{}”, revision {}, in Markdown:\n\n{}", document.name, written.revision, written.text)
    } else {
        text_of_file(session, &document, pages).await?
    };
    let cut: String = text.chars().take(MAX_CHARS).collect();
    Ok(if cut.len() < text.len() { format!("{cut}\n\n(Cut here: there is more.)") } else { cut })
}

async fn text_of_file(session: &UserSession, document: &Document, pages: Pages) -> Result<String, Error> {
    if document.state != DocumentState::Ready {
        return Err(Error::conflict("This document has not been read in yet."));
    }
    let limit = pages.to.saturating_sub(pages.from) + 1;
    let count = document.page_count.unwrap_or(1);
    let mut text = format!("“{}”, of {count} pages:\n", document.name);
    for page in session.document_pages(document.id, pages.from, limit).await? {
        let _ = write!(text, "\nPage {}:\n{}\n", page.number, page.text);
    }
    Ok(text)
}
