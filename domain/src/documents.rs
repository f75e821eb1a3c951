//! Documents: uploaded files, the text extracted from them, and the passages found in it.

use crate::{
    ChunkId, DocumentId, Error, FolderId, Page, PageRequest, ProjectId,
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
    written::WritingStatus,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// How far ingestion has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Stored; waiting for a worker.
    Queued,
    /// Text is being read out of the file.
    Extracting,
    /// Chunks are being embedded; the progress counts them.
    Embedding,
    /// Questions are answered from it.
    Ready,
    /// It could not be read; the failure says why.
    Failed,
}

impl DocumentState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Extracting => "extracting",
            Self::Embedding => "embedding",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Extracting, Self::Embedding, Self::Ready, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Neither ready nor failed: a worker has it or will have it.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::Queued | Self::Extracting | Self::Embedding)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    pub id: DocumentId,
    pub project: ProjectLink,
    pub workspace: WorkspaceLink,
    /// The folder that it is in; absent at the top of the project.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
    /// Since when it is in the trash: it can be read, and is in no list, search or answer.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub trashed_at: Option<OffsetDateTime>,
    /// The document whose place this one takes when it is ready; it is gone then.
    #[serde(default)]
    pub replaces: Option<DocumentId>,
    /// The file's name, with its extension.
    pub name: String,
    /// From the bytes, not from the name: `application/pdf`, `text/markdown`, `image/png` and so on.
    pub media_type: String,
    /// 0 for a link that has not been fetched yet.
    pub size_bytes: u64,
    pub state: DocumentState,
    /// Known once the text is extracted.
    #[serde(default)]
    pub page_count: Option<u32>,
    pub chunks_done: u32,
    /// 0 until the text is chunked.
    pub chunks_total: u32,
    /// Why ingestion failed, and what to do about it.
    #[serde(default)]
    pub failure: Option<String>,
    /// The web page that it is of, if it is a link.
    #[serde(default)]
    pub source_url: Option<String>,
    /// When the page was fetched; absent before that.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub fetched_at: Option<OffsetDateTime>,
    /// How far it is, if it is written here; absent for a file.
    #[serde(default)]
    pub writing: Option<WritingStatus>,
    /// Whether the project's conversations are answered from it where they have not chosen for themselves.
    pub in_chat: bool,
    /// The reader's role in the document's workspace.
    pub role: Role,
    pub created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Document {
    /// Whether there is a file to open: a link has one from when its page was fetched.
    pub const fn has_file(&self) -> bool {
        self.source_url.is_none() || self.fetched_at.is_some()
    }

    /// Whether it can be shown to people outside of the workspace.
    ///
    /// # Errors
    /// `Conflict`, with what to do about it.
    pub fn may_leave(&self) -> Result<(), Error> {
        let obstacle = if self.replaces.is_some() {
            "This version is still in the making. Share the document that it will replace."
        } else if self.trashed_at.is_some() {
            "This document is in the trash. Restore it first."
        } else if !self.has_file() {
            "This page has not been fetched yet. Share it when it is there."
        } else {
            return Ok(());
        };
        Err(Error::conflict(obstacle))
    }
}

/// Ends the reason of a failure that was of something which reading needs, and not of the document. A reason is stored as
/// the sentence that people read, so by this it is told from the others.
pub const TRIED_OFTEN: &str = "It was tried several times; use Try again when it works again.";

/// Whether a document that failed for this reason may be read when it is tried again as it is. A file stays what it was;
/// what a link leads to may have changed.
pub fn is_worth_retrying(reason: &str, is_link: bool) -> bool {
    is_link || reason.ends_with(TRIED_OFTEN)
}

/// The text of one page. Spans count its Unicode scalar values (`char`s), from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentPage {
    /// From 1. A format without pages has one.
    pub number: u32,
    pub text: String,
}

/// A place in a document: `start..end` in `char`s of the text of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Span {
    /// From 1.
    pub page: u32,
    pub start: u32,
    pub end: u32,
}

/// Some of a text: `start..end` in its `char`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mark {
    pub start: u32,
    pub end: u32,
}

/// A passage that was found for a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passage {
    pub chunk_id: ChunkId,
    pub document_id: DocumentId,
    pub document_name: String,
    pub span: Span,
    pub text: String,
    /// The fused score that ranks it; higher is better, comparable within one search only.
    pub score: f32,
    /// Cosine similarity to the query, -1 to 1; absent when found by words alone.
    #[serde(default)]
    pub similarity: Option<f32>,
    /// BM25; absent when found by meaning alone.
    #[serde(default)]
    pub bm25: Option<f32>,
    /// What the similarity adds to the score: 1 for the most similar passage of the search, 0 for the last.
    #[serde(default)]
    pub by_meaning: f32,
    /// What BM25 adds to the score, likewise.
    #[serde(default)]
    pub by_words: f32,
    /// What the reranker gives it; absent without one. With one, this ranks.
    #[serde(default)]
    pub relevance: Option<f32>,
    /// The words of `text` that the query has too, in any of their forms.
    #[serde(default)]
    pub matches: Vec<Mark>,
}

impl Passage {
    /// One that no search has ranked: without scores.
    pub fn unranked(document_id: DocumentId, document_name: String, span: Span, text: String) -> Self {
        Self {
            chunk_id: Uuid::nil().into(),
            document_id,
            document_name,
            span,
            text,
            score: 0.0,
            similarity: None,
            bm25: None,
            by_meaning: 0.0,
            by_words: 0.0,
            relevance: None,
            matches: Vec::new(),
        }
    }
}

#[async_trait]
pub trait Documents {
    /// The project's documents in all folders, the newest first; without those in the trash.
    async fn list_documents(&self, project: ProjectId, page: PageRequest) -> Result<Page<Document>, Error>;
    async fn document(&self, id: DocumentId) -> Result<Document, Error>;
    /// Up to `limit` (at most 50) pages from page number `from` on.
    async fn document_pages(&self, id: DocumentId, from: u32, limit: u32) -> Result<Vec<DocumentPage>, Error>;
    /// Puts the document into the trash; one that is there already, and any with `forever`, is deleted with its text and
    /// its file. Needs [`Role::Member`].
    async fn delete_document(&self, id: DocumentId, forever: bool) -> Result<(), Error>;
    /// Ingests a failed document again. Needs [`Role::Member`].
    ///
    /// # Errors
    /// `Conflict` when it has not failed.
    async fn retry_document(&self, id: DocumentId) -> Result<Document, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_does_not_change_by_trying_again() {
        let of_the_file = [
            "Files of the type application/zip cannot be read yet. Upload a PDF, an Office or EPUB file, CSV, Markdown, HTML or plain text.",
            "The PDF is protected by a password. Remove the password and upload it again.",
            "",
        ];
        for reason in of_the_file {
            assert!(!is_worth_retrying(reason, false), "{reason}");
            assert!(is_worth_retrying(reason, true), "another page may stand there by now");
        }
        let away = "The file store does not answer right now. Nothing is lost; try again in a moment.";
        assert!(is_worth_retrying(&format!("{away} {TRIED_OFTEN}"), false));
    }
}
