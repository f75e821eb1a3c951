//! Server functions of chat. Answers stream by `GET /api/v1/messages/{id}/events`.

use crate::error::ApiError;
use domain::{
    ConversationId, Cursor, MessageId, Page, ProjectId,
    chat::{Asked, Conversation, Message},
    projects::Project,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a project's chat page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatHome {
    pub project: Project,
    pub conversations: Page<Conversation>,
}

/// A conversation, a page of its messages, and the conversations beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub conversation: Conversation,
    pub messages: Page<Message>,
    pub conversations: Page<Conversation>,
}

/// One answer for the whole page, so that it takes one round trip.
#[server]
pub async fn open_chat(project: ProjectId, cursor: Option<Cursor>) -> Result<ChatHome, ApiError> {
    use domain::PageRequest;

    let session = crate::session::session()?;
    let conversations = session.list_conversations(project, PageRequest { cursor, ..PageRequest::first() }).await?;
    Ok(ChatHome { project: session.project(project).await?, conversations })
}

/// The same for one conversation; the cursor is of its messages.
#[server]
pub async fn open_conversation(id: ConversationId, cursor: Option<Cursor>) -> Result<Opened, ApiError> {
    use domain::PageRequest;

    let session = crate::session::session()?;
    let conversation = session.conversation(id).await?;
    let messages = session.list_messages(id, PageRequest { cursor, ..PageRequest::first() }).await?;
    let conversations = session.list_conversations(conversation.project.id, PageRequest::first()).await?;
    Ok(Opened { conversation, messages, conversations })
}

#[server]
pub async fn list_conversations(project: ProjectId, cursor: Option<Cursor>) -> Result<Page<Conversation>, ApiError> {
    use domain::PageRequest;

    Ok(crate::session::session()?.list_conversations(project, PageRequest { cursor, ..PageRequest::first() }).await?)
}

#[server]
pub async fn list_messages(conversation: ConversationId, cursor: Option<Cursor>) -> Result<Page<Message>, ApiError> {
    use domain::PageRequest;

    Ok(crate::session::session()?.list_messages(conversation, PageRequest { cursor, ..PageRequest::first() }).await?)
}

#[server]
pub async fn rename_conversation(id: ConversationId, title: String) -> Result<Conversation, ApiError> {
    let title = domain::text::Name::parse("title", &title)?;
    Ok(crate::session::session()?.rename_conversation(id, title).await?)
}

/// Deletes a conversation and leaves for its project's chat.
#[server]
pub async fn delete_conversation(id: ConversationId, project: ProjectId) -> Result<(), ApiError> {
    crate::session::session()?.delete_conversation(id).await?;
    crate::redirect::to(&format!("/projects/{project}/chat"));
    Ok(())
}

/// Asks in a conversation. A form without JavaScript comes back to the page it was sent from, which is the conversation.
#[server]
pub async fn ask(conversation: ConversationId, text: String, key: String) -> Result<Asked, ApiError> {
    Ok(crate::session::session()?.ask(conversation, question(&text, key)?).await?)
}

/// Makes a conversation with its first question, and goes there.
#[server]
pub async fn start_conversation(project: ProjectId, text: String, key: String) -> Result<(), ApiError> {
    // Before the conversation is made: a question that is refused must not leave an empty one behind.
    let question = question(&text, key)?;
    let session = crate::session::session()?;
    let conversation = session.create_conversation(project).await?;
    session.ask(conversation.id, question).await?;
    crate::redirect::to(&format!("/chat/{}", conversation.id));
    Ok(())
}

#[server]
pub async fn stop_answer(id: MessageId) -> Result<Message, ApiError> {
    Ok(crate::session::session()?.stop_answer(id).await?)
}

#[cfg(feature = "ssr")]
fn question(text: &str, key: String) -> Result<domain::chat::NewQuestion, domain::Error> {
    use domain::{
        Error,
        chat::{NewQuestion, Question},
    };

    let text = Question::parse("text", text)?;
    if text.is_empty() {
        return Err(Error::invalid("text", "Type a question."));
    }
    Ok(NewQuestion { text, idempotency_key: Some(key).filter(|key| !key.is_empty() && key.len() <= 64) })
}
