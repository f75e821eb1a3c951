//! The JSON API and the event stream of conversations.

use super::{export, follow};
use crate::{
    AppState,
    documents::download::disposition,
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        page::PageQuery,
    },
    session::UserSession,
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use domain::{
    ConversationId, DocumentId, Error, MessageId, Page, ProjectId, ToolCallId,
    chat::{
        AnswerEvent, Asked, Branch, Chat, ChatDocument, ChatScope, Conversation, ConversationChange, Found, Message,
        NewConversation, NewQuestion,
    },
    documents::Document,
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Proxies cut a connection that is silent for 30 seconds or more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(find))
        .routes(routes!(show, change, delete))
        .routes(routes!(export_file))
        .routes(routes!(scope, choose))
        .routes(routes!(documents))
        .routes(routes!(project_scope))
        .routes(routes!(use_in_chat))
        .routes(routes!(messages, ask))
        .routes(routes!(message))
        .routes(routes!(branch))
        .routes(routes!(select))
        .routes(routes!(regenerate))
        .routes(routes!(events))
        .routes(routes!(stop))
        .routes(routes!(decide))
}

/// Which of the project's conversations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Those that are archived instead of those that are not.
    #[serde(default)]
    #[param(required = false)]
    archived: bool,
}

/// The project's conversations, the most recently changed first
#[utoipa::path(get, path = "/projects/{id}/conversations", operation_id = "list_conversations", tag = "Conversations", params(("id" = ProjectId, Path), Listed, PageQuery),
    responses((status = OK, body = Page<Conversation>), Problems))]
async fn list(
    session: UserSession,
    Path(id): Path<ProjectId>,
    Query(listed): Query<Listed>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Conversation>>, HttpError> {
    Ok(Json(session.list_conversations(id, listed.archived, page.into()).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Words that all stand in a message or title, at most 200 characters. Words in quotation marks stand together; `-`
    /// before a word means without it.
    q: String,
}

/// Search in conversations
///
/// Messages, and titles of conversations none of whose messages has the words; the newest first, archived conversations
/// too. Of a very long message only the first 100,000 characters are found.
#[utoipa::path(get, path = "/projects/{id}/messages", operation_id = "search_messages", tag = "Conversations", params(("id" = ProjectId, Path), Wanted, PageQuery),
    responses((status = OK, body = Page<Found>), Problems))]
async fn find(
    session: UserSession,
    Path(id): Path<ProjectId>,
    Query(wanted): Query<Wanted>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Found>>, HttpError> {
    Ok(Json(session.find_messages(id, wanted.q, page.into()).await?))
}

/// Begin a conversation
#[utoipa::path(post, path = "/projects/{id}/conversations", operation_id = "create_conversation", tag = "Conversations", params(("id" = ProjectId, Path)),
    responses((status = CREATED, body = Conversation), Problems))]
async fn create(
    session: UserSession,
    Path(id): Path<ProjectId>,
) -> Result<(StatusCode, Json<Conversation>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_conversation(id, NewConversation::default()).await?)))
}

/// A conversation
#[utoipa::path(get, path = "/conversations/{id}", operation_id = "get_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = OK, body = Conversation), Problems))]
async fn show(session: UserSession, Path(id): Path<ConversationId>) -> Result<Json<Conversation>, HttpError> {
    Ok(Json(session.conversation(id).await?))
}

/// Rename a conversation, archive it or bring it back, or let its models work without asking
#[utoipa::path(patch, path = "/conversations/{id}", operation_id = "change_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    request_body = ConversationChange, responses((status = OK, body = Conversation), Problems))]
async fn change(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Json(change): Json<ConversationChange>,
) -> Result<Json<Conversation>, HttpError> {
    Ok(Json(session.change_conversation(id, change).await?))
}

/// Delete a conversation with its messages
#[utoipa::path(delete, path = "/conversations/{id}", operation_id = "delete_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn delete(session: UserSession, Path(id): Path<ConversationId>) -> Result<StatusCode, HttpError> {
    session.delete_conversation(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a conversation is written down.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConversationFormat {
    /// The branch in view, with citations as footnotes.
    #[default]
    Markdown,
    /// The whole tree.
    Json,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Written {
    /// `markdown` when absent.
    format: Option<ConversationFormat>,
}

/// A conversation as a file
///
/// Markdown has the branch in view, with its citations as footnotes; JSON has every message of the tree.
#[utoipa::path(get, path = "/conversations/{id}/export", operation_id = "export_conversation", tag = "Conversations", params(("id" = ConversationId, Path), Written),
    responses((status = OK, content((String = "text/markdown"), (export::ConversationExport = "application/json"))), Problems))]
async fn export_file(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Query(written): Query<Written>,
) -> Result<Response, HttpError> {
    let (name, body) = match written.format.unwrap_or_default() {
        ConversationFormat::Markdown => {
            let export::MarkdownFile { name, text } = export::markdown(&session, id).await?;
            let content_type = HeaderValue::from_static("text/markdown; charset=utf-8");
            (format!("{name}.md"), ([(header::CONTENT_TYPE, content_type)], text).into_response())
        }
        ConversationFormat::Json => {
            let whole = export::whole(&session, id).await?;
            (format!("{}.json", whole.conversation.title), axum::Json(whole).into_response())
        }
    };
    let disposition =
        HeaderValue::try_from(disposition("attachment", &name)).unwrap_or(HeaderValue::from_static("attachment"));
    Ok(([(header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// What the next question of a conversation is asked of
#[utoipa::path(get, path = "/conversations/{id}/scope", operation_id = "get_conversation_scope", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = OK, body = ChatScope), Problems))]
async fn scope(session: UserSession, Path(id): Path<ConversationId>) -> Result<Json<ChatScope>, HttpError> {
    Ok(Json(session.conversation_scope(id).await?))
}

/// Documents to ask.
#[derive(Debug, Deserialize, ToSchema)]
struct ChosenDocuments {
    /// At most 100, of the conversation's project; none means the project's default.
    documents: Vec<DocumentId>,
}

/// Choose the documents that a conversation is asked of, from its next question on
#[utoipa::path(put, path = "/conversations/{id}/scope", operation_id = "set_conversation_scope", tag = "Conversations", params(("id" = ConversationId, Path)),
    request_body = ChosenDocuments, responses((status = OK, body = ChatScope), Problems))]
async fn choose(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Json(chosen): Json<ChosenDocuments>,
) -> Result<Json<ChatScope>, HttpError> {
    Ok(Json(session.choose_documents(id, chosen.documents).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    /// Only documents with this in their name, in any case.
    name: Option<String>,
}

/// The documents that can be asked: the project's ready ones, the newest first
#[utoipa::path(get, path = "/projects/{id}/chat-documents", operation_id = "list_chat_documents", tag = "Conversations", params(("id" = ProjectId, Path), Named, PageQuery),
    responses((status = OK, body = Page<ChatDocument>), Problems))]
async fn documents(
    session: UserSession,
    Path(id): Path<ProjectId>,
    Query(named): Query<Named>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ChatDocument>>, HttpError> {
    Ok(Json(session.chat_documents(id, named.name, page.into()).await?))
}

/// What a project's conversations are asked of where they have chosen nothing
#[utoipa::path(get, path = "/projects/{id}/chat-scope", operation_id = "get_project_scope", tag = "Conversations", params(("id" = ProjectId, Path)),
    responses((status = OK, body = ChatScope), Problems))]
async fn project_scope(session: UserSession, Path(id): Path<ProjectId>) -> Result<Json<ChatScope>, HttpError> {
    Ok(Json(session.project_scope(id).await?))
}

/// Whether a document is used by default.
#[derive(Debug, Deserialize, ToSchema)]
struct InChat {
    in_chat: bool,
}

/// Use a document in the project's conversations by default, or leave it out
///
/// A conversation can still choose it by itself. Needs the role member.
#[utoipa::path(put, path = "/documents/{id}/in-chat", operation_id = "use_document_in_chat", tag = "Conversations", params(("id" = DocumentId, Path)),
    request_body = InChat, responses((status = OK, body = Document), Problems))]
async fn use_in_chat(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Json(InChat { in_chat }): Json<InChat>,
) -> Result<Json<Document>, HttpError> {
    Ok(Json(session.use_in_chat(id, in_chat).await?))
}

/// The newest messages of the branch in view, oldest first; the cursor goes back in time
#[utoipa::path(get, path = "/conversations/{id}/messages", operation_id = "list_messages", tag = "Conversations", params(("id" = ConversationId, Path), PageQuery),
    responses((status = OK, body = Page<Message>), Problems))]
async fn messages(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Message>>, HttpError> {
    Ok(Json(session.list_messages(id, page.into()).await?))
}

/// Ask a question; its answer is written in the background
///
/// Follow the answer at `/messages/{id}/events`. It waits for `attachments` that are still being read: files go up by
/// `/projects/{id}/uploads`, with `attachment`. A question that is sent again with the same key, in the header or the
/// body, returns what was made the first time.
#[utoipa::path(post, path = "/conversations/{id}/messages", operation_id = "ask_question", tag = "Conversations",
    params(("id" = ConversationId, Path), ("Idempotency-Key" = Option<String>, Header, description = "At most 64 characters; wins over the body's")),
    request_body = NewQuestion,
    responses((status = ACCEPTED, body = Asked), Problems))]
async fn ask(
    session: UserSession,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Json(mut question): Json<NewQuestion>,
) -> Result<(StatusCode, Json<Asked>), HttpError> {
    question.idempotency_key = key_of(&headers)?.or(question.idempotency_key);
    Ok((StatusCode::ACCEPTED, Json(session.ask(id, question).await?)))
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().map(str::to_owned)).transpose();
    key.map_err(|_| Error::invalid("idempotency_key", "Use a key of plain letters and digits."))
}

/// Answer a question again
///
/// By its id, or that of one of its answers, with which the new answer shares its parent. Its branch becomes the one in
/// view. The documents are those that the question was asked of.
#[utoipa::path(post, path = "/messages/{id}/regenerate", operation_id = "regenerate_answer", tag = "Conversations",
    params(("id" = MessageId, Path), ("Idempotency-Key" = Option<String>, Header, description = "At most 64 characters")),
    responses((status = ACCEPTED, body = Asked), Problems))]
async fn regenerate(
    session: UserSession,
    Path(id): Path<MessageId>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Asked>), HttpError> {
    Ok((StatusCode::ACCEPTED, Json(session.regenerate(id, key_of(&headers)?).await?)))
}

/// The branch through a message
///
/// With up to 30 messages after it; below the last there may be more, to `end`. The branch in view stays what it is.
#[utoipa::path(get, path = "/messages/{id}/branch", operation_id = "get_branch", tag = "Conversations", params(("id" = MessageId, Path)),
    responses((status = OK, body = Branch), Problems))]
async fn branch(session: UserSession, Path(id): Path<MessageId>) -> Result<Json<Branch>, HttpError> {
    Ok(Json(session.branch(id).await?))
}

/// Make the branch through a message the one in view, for everyone; returns its newest messages
#[utoipa::path(post, path = "/messages/{id}/select", operation_id = "select_branch", tag = "Conversations", params(("id" = MessageId, Path)),
    responses((status = OK, body = Page<Message>), Problems))]
async fn select(session: UserSession, Path(id): Path<MessageId>) -> Result<Json<Page<Message>>, HttpError> {
    Ok(Json(session.select_branch(id).await?))
}

/// A message; while it is being written, with what there is of it
#[utoipa::path(get, path = "/messages/{id}", operation_id = "get_message", tag = "Conversations", params(("id" = MessageId, Path)),
    responses((status = OK, body = Message), Problems))]
async fn message(session: UserSession, Path(id): Path<MessageId>) -> Result<Json<Message>, HttpError> {
    Ok(Json(session.message(id).await?))
}

/// Where a follower left off.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct From {
    /// As the header `Last-Event-ID`, for clients that cannot set it.
    after: Option<u32>,
}

/// Follow an answer as server-sent events
///
/// Each event is named `answer`, has its number as id and an `AnswerEvent` as data. Without `Last-Event-ID` they begin at
/// the beginning of the answer; the last one is `finished`. After `waiting`
/// nothing comes until somebody has decided. 204 when that was seen already.
#[utoipa::path(get, path = "/messages/{id}/events", operation_id = "follow_answer", tag = "Conversations",
    params(("id" = MessageId, Path), From, ("Last-Event-ID" = Option<u32>, Header)),
    responses((status = OK, body = AnswerEvent, content_type = "text/event-stream"), (status = NO_CONTENT), Problems))]
async fn events(
    session: UserSession,
    Path(id): Path<MessageId>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    // What is not one of our numbers is no place to go on from: such a follower begins at the beginning.
    let last =
        headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|value| value.trim().parse().ok());
    let seen = last.or(from.after).map_or(0, |seen: u32| i32::try_from(seen).unwrap_or(i32::MAX));
    if follow::is_over(&session, id, seen).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stream = Sse::new(follow::follow(session, id, seen)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx gathers a response before it passes it on, unless it is told not to.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, stream).into_response())
}

/// End an answer that is being written; what there is of it stays
#[utoipa::path(post, path = "/messages/{id}/stop", operation_id = "stop_answer", tag = "Conversations", params(("id" = MessageId, Path)),
    responses((status = OK, body = Message), Problems))]
async fn stop(session: UserSession, Path(id): Path<MessageId>) -> Result<Json<Message>, HttpError> {
    Ok(Json(session.stop_answer(id).await?))
}

/// Whether a model may do what it wants to.
#[derive(Debug, Deserialize, ToSchema)]
struct ToolDecision {
    approve: bool,
}

/// Let a model do what it wants to, or refuse it
///
/// When nothing of its answer waits any more, the answer goes on, with the rights of who decided last. The same decision
/// again changes nothing.
#[utoipa::path(post, path = "/tool-calls/{id}/decision", operation_id = "decide_tool_call", tag = "Conversations", params(("id" = ToolCallId, Path)),
    request_body = ToolDecision, responses((status = OK, body = Message), Problems))]
async fn decide(
    session: UserSession,
    Path(id): Path<ToolCallId>,
    Json(ToolDecision { approve }): Json<ToolDecision>,
) -> Result<Json<Message>, HttpError> {
    Ok(Json(session.decide_tool_call(id, approve).await?))
}
