//! Conversations: questions about a project's documents, and answers that cite them.

use crate::{
    ConversationId, DocumentId, Error, MessageId, Page, PageRequest, ProjectId, ToolCallId,
    attachments::Attachment,
    documents::{Document, Mark, Span},
    models::{MicroDollars, ModelName},
    projects::ProjectLink,
    text::{Name, Prose},
    tools::{ToolCall, ToolsMode},
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
    /// Out of the list until it is brought back, or asked in again, by whoever may change it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub archived_at: Option<OffsetDateTime>,
    #[serde(default)]
    pub tools_mode: ToolsMode,
    /// What goes on in it; none while nothing does.
    #[serde(default)]
    pub activity: Option<Activity>,
}

/// What goes on in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// An answer is being written.
    Answering,
    /// A person is to decide on what the model wants to do.
    Waiting,
}

impl Activity {
    /// Of a conversation with such an answer.
    pub const fn of(state: MessageState) -> Option<Self> {
        match state {
            MessageState::Streaming => Some(Self::Answering),
            MessageState::Waiting => Some(Self::Waiting),
            MessageState::Complete | MessageState::Stopped | MessageState::Failed => None,
        }
    }
}

/// What questions are asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The project's ready documents, but for those that it leaves out of chat.
    #[default]
    Project,
    /// Only documents that were chosen, also where the project leaves them out.
    Chosen,
}

impl ScopeKind {
    pub fn parse(text: &str) -> Self {
        if text == "chosen" { Self::Chosen } else { Self::Project }
    }
}

/// Documents that one conversation can choose, at most.
pub const MAX_CHOSEN: usize = 100;

/// What the next question of a conversation will be asked of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatScope {
    pub kind: ScopeKind,
    /// With `chosen`: those of them that still exist, by name.
    pub documents: Vec<ChatDocument>,
    /// The project's ready documents that are used where nothing is chosen.
    pub in_project: u32,
    /// The project's ready documents that are not.
    pub left_out: u32,
}

/// A document that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatDocument {
    pub id: DocumentId,
    pub name: String,
    /// Whether the project's conversations use it where they have not chosen for themselves.
    pub in_chat: bool,
}

/// What a question was asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskedScope {
    pub kind: ScopeKind,
    /// How many were chosen; with `project`, how many were left out.
    pub documents: u32,
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
    /// A person is to decide on what the model wants to do; follow its events.
    Waiting,
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
            Self::Waiting => "waiting",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Streaming, Self::Waiting, Self::Complete, Self::Stopped, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether more may come.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Streaming | Self::Waiting)
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

/// Where a message stands among those that could stand in its place: a question that was edited, an answer that was
/// written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Siblings {
    /// From 1, in the order in which they were made.
    pub position: u32,
    pub count: u32,
    #[serde(default)]
    pub previous: Option<MessageId>,
    #[serde(default)]
    pub next: Option<MessageId>,
}

impl Default for Siblings {
    fn default() -> Self {
        Self { position: 1, count: 1, previous: None, next: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// What it follows: a question follows an answer, an answer its question. None for a first question.
    #[serde(default)]
    pub parent_id: Option<MessageId>,
    #[serde(default)]
    pub siblings: Siblings,
    pub author: Author,
    pub state: MessageState,
    /// Markdown; citations stand in it as `[1]`. While it is streaming, what there is so far: its events begin at the
    /// beginning all the same, so who follows them starts with an empty text.
    pub content: String,
    pub citations: Vec<Citation>,
    /// Of a question: the files that came with it, in their order.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// What the model did for the answer, in order.
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    /// The model that answered, or `extractive` for the built-in answerer.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub failure: Option<String>,
    #[serde(default)]
    pub prompt_tokens: Option<u32>,
    #[serde(default)]
    pub completion_tokens: Option<u32>,
    /// By the prices when it was made; none where they were not known.
    #[serde(default)]
    pub cost: Option<MicroDollars>,
    /// Of an answer: how many earlier turns of its branch it was written without, since they were too long for the model. Not
    /// more than 40 are counted.
    #[serde(default)]
    pub turns_left_out: Option<u32>,
    /// From the question to the last token.
    #[serde(default)]
    pub duration_ms: Option<u32>,
    /// Of a question: what it was asked of.
    #[serde(default)]
    pub scope: Option<AskedScope>,
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
    /// The answer that it follows; absent, the end of the branch in view. Whoever names it asks in the branch that they
    /// see, whatever others do meanwhile.
    #[serde(default)]
    pub after: Option<MessageId>,
    /// The question that it is another version of: it becomes that one's sibling. Not together with `after`.
    #[serde(default)]
    pub instead_of: Option<MessageId>,
    /// Documents of the project that come with the question, at most [`MAX_ATTACHMENTS`]; they may still be in the reading.
    /// It and those after it on its branch are asked of them too, whatever the conversation's scope. Absent, they are those
    /// of the question that this is another version of. To name any needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// [`MAX_ATTACHMENTS`]: crate::attachments::MAX_ATTACHMENTS
    #[serde(default)]
    pub attachments: Option<Vec<DocumentId>>,
}

/// Part of a branch of a conversation, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Branch {
    /// `next` goes back in time.
    pub messages: Page<Message>,
    /// The branch's newest message, where it is not among these.
    #[serde(default)]
    pub end: Option<MessageId>,
}

/// Characters of what is looked for in conversations.
pub const MAX_FIND: usize = 200;

/// A message, or a title, with the words that were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    pub conversation_id: ConversationId,
    pub title: String,
    pub is_archived: bool,
    /// None where only the title has the words.
    #[serde(default)]
    pub message: Option<FoundMessage>,
    /// When it was said, or the conversation last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Where in a conversation the words stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundMessage {
    pub id: MessageId,
    pub author: Author,
    /// The words with some of what stands around them.
    pub snippet: String,
    /// The words in the snippet.
    pub matches: Vec<Mark>,
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
    /// What the model does, or wants to do; comes again, with the same id, when its state has changed.
    Tool { call: ToolCall },
    /// The answer goes on when a person has decided on each call that waits.
    Waiting,
    /// It goes on.
    Resumed,
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

/// What a conversation begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewConversation {
    /// What it is to be asked of; none means the project's.
    #[serde(default)]
    pub documents: Vec<DocumentId>,
    /// Who is to answer; none means the default.
    #[serde(default)]
    pub model: Option<ModelName>,
}

/// What to change of a conversation; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationChange {
    #[serde(default)]
    pub title: Option<Name>,
    #[serde(default)]
    pub archived: Option<bool>,
    /// `autonomous` needs [`Role::Member`](crate::workspaces::Role::Member), also of who began the conversation: whoever
    /// asks in it lends the model their rights.
    #[serde(default)]
    pub tools_mode: Option<ToolsMode>,
}

#[async_trait]
pub trait Chat {
    /// The project's conversations, or those of them that are archived, the most recently changed first.
    async fn list_conversations(
        &self,
        project: ProjectId,
        archived: bool,
        page: PageRequest,
    ) -> Result<Page<Conversation>, Error>;
    /// Messages and titles of the project's conversations with all of these words, the newest first; archived
    /// conversations too.
    ///
    /// # Errors
    /// `Invalid` with field `q` when it is empty or longer than [`MAX_FIND`].
    async fn find_messages(&self, project: ProjectId, query: String, page: PageRequest) -> Result<Page<Found>, Error>;
    /// # Errors
    /// As [`Chat::choose_documents`] and [`ChooseModel::choose_model`](crate::models::ChooseModel::choose_model).
    async fn create_conversation(&self, project: ProjectId, new: NewConversation) -> Result<Conversation, Error>;
    async fn conversation(&self, id: ConversationId) -> Result<Conversation, Error>;
    /// Needs [`Role::Member`](crate::workspaces::Role::Member), or to have begun it.
    async fn change_conversation(&self, id: ConversationId, change: ConversationChange) -> Result<Conversation, Error>;
    async fn delete_conversation(&self, id: ConversationId) -> Result<(), Error>;

    /// The project's ready documents, the newest first; with `name`, those that have it in theirs.
    async fn chat_documents(
        &self,
        project: ProjectId,
        name: Option<String>,
        page: PageRequest,
    ) -> Result<Page<ChatDocument>, Error>;
    /// Whether the project's conversations use the document by default. Needs the role member.
    async fn use_in_chat(&self, document: DocumentId, in_chat: bool) -> Result<Document, Error>;
    /// What a new conversation of the project is asked of.
    async fn project_scope(&self, project: ProjectId) -> Result<ChatScope, Error>;
    async fn conversation_scope(&self, id: ConversationId) -> Result<ChatScope, Error>;
    /// From the next question on only these; none means the project's default.
    ///
    /// # Errors
    /// `Invalid` with field `documents` for more than [`MAX_CHOSEN`], or one that is not in the project.
    async fn choose_documents(&self, id: ConversationId, documents: Vec<DocumentId>) -> Result<ChatScope, Error>;

    /// A page of the branch in view, oldest first; the first page holds the newest, the cursor goes back in time.
    async fn list_messages(&self, id: ConversationId, page: PageRequest) -> Result<Page<Message>, Error>;
    async fn message(&self, id: MessageId) -> Result<Message, Error>;
    /// The branch through a message, where it stands. The branch in view stays what it is.
    async fn branch(&self, id: MessageId) -> Result<Branch, Error>;
    /// Makes the branch through a message the one in view; returns its newest messages.
    async fn select_branch(&self, id: MessageId) -> Result<Page<Message>, Error>;
    /// Stores the question and starts its answer, which goes on whether or not anyone follows it. Its branch becomes the
    /// one in view.
    ///
    /// # Errors
    /// `Invalid` with field `text` when it is empty, with field `attachments` when there are too many or one is not in the
    /// project or in its trash; `Forbidden` for a viewer who names any; `Conflict` while another answer is being written
    /// (one that waits is stopped), or when the conversation is archived and not theirs to bring back; `NotFound` when
    /// what it follows or replaces is not of this conversation.
    async fn ask(&self, id: ConversationId, question: NewQuestion) -> Result<Asked, Error>;
    /// Answers the same question again, of the same documents: the new answer is a sibling of this one.
    ///
    /// # Errors
    /// `Conflict` as for [`Chat::ask`].
    async fn regenerate(&self, answer: MessageId, idempotency_key: Option<String>) -> Result<Asked, Error>;
    /// Ends an answer that is being written; what there is of it stays.
    async fn stop_answer(&self, id: MessageId) -> Result<Message, Error>;
    /// Lets the model do what it wants to, or not. When nothing of its answer waits any more, the answer goes on, with the
    /// rights of who decided last. Needs [`Role::Member`](crate::workspaces::Role::Member), or to have asked.
    ///
    /// # Errors
    /// `Conflict` when it was decided otherwise, or the answer does not wait.
    async fn decide_tool_call(&self, id: ToolCallId, approve: bool) -> Result<Message, Error>;
}
