//! Conversations: questions about a project's documents, and answers that cite them.

use crate::{
    ConversationId, DocumentId, Error, MessageId, Page, PageRequest, ProjectId,
    documents::Span,
    projects::ProjectLink,
    text::{Name, Prose},
    workspaces::WorkspaceLink,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conversation {
    pub id: ConversationId,
    pub project: ProjectLink,
    pub workspace: WorkspaceLink,
    /// The first question's beginning until it is renamed.
    pub title: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Author {
    User,
    Assistant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Being written; follow its events.
    Streaming,
    Complete,
    /// Stopped by a person; the content is what there was.
    Stopped,
    /// The model failed; the content is what there was, the failure says why.
    Failed,
}

impl MessageState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Streaming, Self::Complete, Self::Stopped, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// A quote that stands word for word at its span of the source: one that does not is never stored or shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Citation {
    /// The numeral in the answer's text, `[1]`, from 1.
    pub number: u32,
    pub document_id: DocumentId,
    pub document_name: String,
    pub span: Span,
    /// The source's text at the span.
    pub quote: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub author: Author,
    pub state: MessageState,
    /// Markdown; citations stand in it as `[1]`. While it is streaming, what there is so far: its events begin at the
    /// beginning all the same, so who follows them starts with an empty text.
    pub content: String,
    pub citations: Vec<Citation>,
    /// The model that answered, or `extractive` for the built-in answerer.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub failure: Option<String>,
    #[serde(default)]
    pub prompt_tokens: Option<u32>,
    #[serde(default)]
    pub completion_tokens: Option<u32>,
    /// From the question to the last token.
    #[serde(default)]
    pub duration_ms: Option<u32>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A question: 1 to 8,000 characters (checked by [`Chat::ask`]).
pub type Question = Prose<8000>;

/// A question to be asked once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewQuestion {
    pub text: Question,
    /// At most 64 characters. The same key in the same conversation returns what was made the first time, so that a
    /// request that is sent again does not ask again.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// What happens while an answer is written. Each is stored with a sequence number, its SSE id, and replayed after
/// `Last-Event-ID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AnswerEvent {
    /// What is being done, for the reader: "Reading 3 documents".
    Status { text: String },
    /// More of the answer, to be appended.
    Delta { text: String },
    /// A verified citation; its numeral may already have been seen.
    Cited { citation: Citation },
    /// The last event: the message as it is stored.
    Finished { message: Message },
}

/// The two messages that a question makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asked {
    pub question: Message,
    /// Still streaming.
    pub answer: Message,
}

#[async_trait]
pub trait Chat {
    /// The project's conversations, the most recently changed first.
    async fn list_conversations(&self, project: ProjectId, page: PageRequest) -> Result<Page<Conversation>, Error>;
    async fn create_conversation(&self, project: ProjectId) -> Result<Conversation, Error>;
    async fn conversation(&self, id: ConversationId) -> Result<Conversation, Error>;
    async fn rename_conversation(&self, id: ConversationId, title: Name) -> Result<Conversation, Error>;
    async fn delete_conversation(&self, id: ConversationId) -> Result<(), Error>;
    /// A page of messages, oldest first; the first page holds the newest, the cursor goes back in time.
    async fn list_messages(&self, id: ConversationId, page: PageRequest) -> Result<Page<Message>, Error>;
    /// Stores the question and starts its answer, which goes on whether or not anyone follows it.
    ///
    /// # Errors
    /// `Invalid` with field `text` when it is empty; `Conflict` while another answer is being written.
    async fn ask(&self, id: ConversationId, question: NewQuestion) -> Result<Asked, Error>;
    /// Ends an answer that is being written; what there is of it stays.
    async fn stop_answer(&self, id: MessageId) -> Result<Message, Error>;
}
