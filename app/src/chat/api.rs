//! Server functions of chat. Answers stream by `GET /api/v1/messages/{id}/events`.

use crate::call::Call;
use crate::error::ApiError;
use domain::{
    ConversationId, Cursor, DocumentId, MessageId, Page, ProjectId, ToolCallId,
    chat::{Asked, ChatDocument, ChatScope, Conversation, Found, Message},
    documents::Document,
    models::{ConversationModel, Models},
    projects::Project,
    tools::ToolsMode,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a project's chat page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatHome {
    pub project: Project,
    pub conversations: Page<Conversation>,
    /// In place of the conversations, where something is looked for.
    pub found: Option<Page<Found>>,
    /// Why nothing could be looked for.
    pub failure: Option<String>,
    pub scope: ChatScope,
    pub documents: Page<ChatDocument>,
    pub models: Models,
}

/// A conversation, a page of its messages, and the conversations beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub conversation: Conversation,
    pub messages: Page<Message>,
    /// The newest message of the branch, where it is not among these.
    pub end: Option<MessageId>,
    pub conversations: Page<Conversation>,
    pub scope: ChatScope,
    pub documents: Page<ChatDocument>,
    pub models: Models,
    pub model: ConversationModel,
    /// Whether the reader may add documents, and so attach them.
    pub may_attach: bool,
}

/// One answer for the whole page, so that it takes one round trip. With `query` the cursor is of what is found. `name`
/// is looked for in the documents to choose from.
#[server(protocol = Call)]
pub async fn open_chat(
    project: ProjectId,
    cursor: Option<Cursor>,
    query: Option<String>,
    #[server(default)] archived: bool,
    name: Option<String>,
) -> Result<ChatHome, ApiError> {
    let session = crate::session::session()?;
    let nothing = Page { items: Vec::new(), next: None };
    let (conversations, found, failure) = match query {
        None => (session.list_conversations(project, archived, at(cursor)).await?, None, None),
        Some(query) => match session.find_messages(project, query, at(cursor)).await {
            Ok(found) => (nothing, Some(found), None),
            Err(error @ domain::Error::Invalid { .. }) => (nothing, None, Some(error.to_string())),
            Err(error) => return Err(error.into()),
        },
    };
    Ok(ChatHome {
        project: session.project(project).await?,
        conversations,
        found,
        failure,
        scope: session.project_scope(project).await?,
        documents: session.chat_documents(project, name, at(None)).await?,
        models: session.list_models().await?,
    })
}

/// The same for one conversation: at its end, at a message, or further back; the cursor is of its messages.
#[server(protocol = Call)]
pub async fn open_conversation(
    id: ConversationId,
    cursor: Option<Cursor>,
    message: Option<MessageId>,
    name: Option<String>,
) -> Result<Opened, ApiError> {
    let session = crate::session::session()?;
    let conversation = session.conversation(id).await?;
    let (messages, end) = match (cursor, message) {
        (None, Some(message)) => {
            let branch = session.branch(message).await?;
            if branch.messages.items.iter().any(|message| message.conversation_id != id) {
                return Err(domain::Error::NotFound.into());
            }
            (branch.messages, branch.end)
        }
        (cursor, _) => (session.list_messages(id, at(cursor)).await?, None),
    };
    let project = conversation.project.id;
    let role = session.project(project).await?.role;
    Ok(Opened {
        conversation,
        messages,
        end,
        conversations: session.list_conversations(project, false, at(None)).await?,
        scope: session.conversation_scope(id).await?,
        documents: session.chat_documents(project, name, at(None)).await?,
        models: session.list_models().await?,
        model: session.conversation_model(id).await?,
        may_attach: role >= domain::workspaces::Role::Member,
    })
}

#[server(protocol = Call)]
pub async fn list_conversations(
    project: ProjectId,
    cursor: Option<Cursor>,
    #[server(default)] archived: bool,
) -> Result<Page<Conversation>, ApiError> {
    Ok(crate::session::session()?.list_conversations(project, archived, at(cursor)).await?)
}

#[server(protocol = Call)]
pub async fn list_messages(conversation: ConversationId, cursor: Option<Cursor>) -> Result<Page<Message>, ApiError> {
    Ok(crate::session::session()?.list_messages(conversation, at(cursor)).await?)
}

#[server(protocol = Call)]
pub async fn get_message(id: MessageId) -> Result<Message, ApiError> {
    Ok(crate::session::session()?.message(id).await?)
}

/// The project's documents that can be asked, with `name` in theirs.
#[server(protocol = Call)]
pub async fn list_chat_documents(
    project: ProjectId,
    name: Option<String>,
    cursor: Option<Cursor>,
) -> Result<Page<ChatDocument>, ApiError> {
    Ok(crate::session::session()?.chat_documents(project, name, at(cursor)).await?)
}

#[server(protocol = Call)]
pub async fn use_in_chat(document: DocumentId, in_chat: bool) -> Result<Document, ApiError> {
    Ok(crate::session::session()?.use_in_chat(document, in_chat).await?)
}

#[server(protocol = Call)]
pub async fn choose_documents(
    conversation: ConversationId,
    #[server(default)] documents: Vec<DocumentId>,
) -> Result<ChatScope, ApiError> {
    Ok(crate::session::session()?.choose_documents(conversation, documents).await?)
}

#[server(protocol = Call)]
pub async fn rename_conversation(id: ConversationId, title: String) -> Result<Conversation, ApiError> {
    let title = domain::text::Name::parse("title", &title)?;
    let change = domain::chat::ConversationChange { title: Some(title), ..Default::default() };
    Ok(crate::session::session()?.change_conversation(id, change).await?)
}

#[server(protocol = Call)]
pub async fn archive_conversation(id: ConversationId, archived: bool) -> Result<Conversation, ApiError> {
    let change = domain::chat::ConversationChange { archived: Some(archived), ..Default::default() };
    Ok(crate::session::session()?.change_conversation(id, change).await?)
}

/// Deletes a conversation and leaves for its project's chat.
#[server(protocol = Call)]
pub async fn delete_conversation(id: ConversationId, project: ProjectId) -> Result<(), ApiError> {
    crate::session::session()?.delete_conversation(id).await?;
    crate::redirect::to(&format!("/projects/{project}/chat"));
    Ok(())
}

/// Asks in a conversation. A form without JavaScript comes back to the page it was sent from, which is the conversation.
#[server(protocol = Call)]
pub async fn ask(
    conversation: ConversationId,
    text: String,
    key: String,
    after: Option<MessageId>,
    instead_of: Option<MessageId>,
    #[server(default)] attachments: Vec<DocumentId>,
) -> Result<Asked, ApiError> {
    let question = domain::chat::NewQuestion { after, instead_of, ..question(&text, key, attachments)? };
    Ok(crate::session::session()?.ask(conversation, question).await?)
}

/// Makes a conversation with its first question, and goes there.
#[server(protocol = Call)]
pub async fn start_conversation(
    project: ProjectId,
    text: String,
    key: String,
    #[server(default)] documents: Vec<DocumentId>,
    #[server(default)] model: String,
    #[server(default)] attachments: Vec<DocumentId>,
) -> Result<(), ApiError> {
    // Before the conversation is made: a question that is refused must not leave an empty one behind.
    let question = question(&text, key, attachments)?;
    let new = domain::chat::NewConversation { documents, model: crate::models::api::chosen(&model)? };
    let session = crate::session::session()?;
    let conversation = session.create_conversation(project, new).await?;
    if let Err(error) = session.ask(conversation.id, question).await {
        // An attached file that is gone by now. What fails here leaves an empty conversation, and no more.
        let _ = session.delete_conversation(conversation.id).await;
        return Err(error.into());
    }
    crate::redirect::to(&format!("/chat/{}", conversation.id));
    Ok(())
}

/// Answers the question of this answer again.
#[server(protocol = Call)]
pub async fn regenerate_answer(id: MessageId, key: String) -> Result<Asked, ApiError> {
    Ok(crate::session::session()?.regenerate(id, usable(key)).await?)
}

/// Makes the branch through a message the one in view. A form without JavaScript goes to the conversation itself: its page
/// may have been opened at another message.
#[server(protocol = Call)]
pub async fn select_branch(id: MessageId, conversation: ConversationId) -> Result<Page<Message>, ApiError> {
    let page = crate::session::session()?.select_branch(id).await?;
    crate::redirect::plain_form_to(&format!("/chat/{conversation}"));
    Ok(page)
}

#[server(protocol = Call)]
pub async fn stop_answer(id: MessageId) -> Result<Message, ApiError> {
    Ok(crate::session::session()?.stop_answer(id).await?)
}

/// Lets a model do what it wants to, or not.
#[server(protocol = Call)]
pub async fn decide_tool_call(id: ToolCallId, approve: bool) -> Result<Message, ApiError> {
    Ok(crate::session::session()?.decide_tool_call(id, approve).await?)
}

#[server(protocol = Call)]
pub async fn set_tools_mode(id: ConversationId, mode: ToolsMode) -> Result<Conversation, ApiError> {
    let change = domain::chat::ConversationChange { tools_mode: Some(mode), ..Default::default() };
    Ok(crate::session::session()?.change_conversation(id, change).await?)
}

#[cfg(feature = "ssr")]
fn at(cursor: Option<Cursor>) -> domain::PageRequest {
    domain::PageRequest { cursor, ..domain::PageRequest::first() }
}

#[cfg(feature = "ssr")]
fn question(text: &str, key: String, attachments: Vec<DocumentId>) -> Result<domain::chat::NewQuestion, domain::Error> {
    use domain::{
        Error,
        chat::{NewQuestion, Question},
    };

    let text = Question::parse("text", text)?;
    if text.is_empty() {
        return Err(Error::invalid("text", "Type a question."));
    }
    // None at all leaves another version of a question with those that it has.
    let attachments = (!attachments.is_empty()).then_some(attachments);
    Ok(NewQuestion { text, idempotency_key: usable(key), after: None, instead_of: None, attachments })
}

#[cfg(feature = "ssr")]
fn usable(key: String) -> Option<String> {
    Some(key).filter(|key| !key.is_empty() && key.len() <= 64)
}
