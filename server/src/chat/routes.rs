//! The JSON API and the event stream of conversations.

use super::follow;
use crate::{
    AppState,
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
    ConversationId, Error, MessageId, Page, ProjectId,
    chat::{AnswerEvent, Asked, Chat, Conversation, Message, NewQuestion},
    text::Name,
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
        .routes(routes!(show, rename, delete))
        .routes(routes!(messages, ask))
        .routes(routes!(message))
        .routes(routes!(events))
        .routes(routes!(stop))
}

/// The project's conversations, the most recently changed first
#[utoipa::path(get, path = "/projects/{id}/conversations", operation_id = "list_conversations", tag = "Conversations", params(("id" = ProjectId, Path), PageQuery),
    responses((status = OK, body = Page<Conversation>), Problems))]
async fn list(
    session: UserSession,
    Path(id): Path<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Conversation>>, HttpError> {
    Ok(Json(session.list_conversations(id, page.into()).await?))
}

/// Begin a conversation
#[utoipa::path(post, path = "/projects/{id}/conversations", operation_id = "create_conversation", tag = "Conversations", params(("id" = ProjectId, Path)),
    responses((status = CREATED, body = Conversation), Problems))]
async fn create(
    session: UserSession,
    Path(id): Path<ProjectId>,
) -> Result<(StatusCode, Json<Conversation>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_conversation(id).await?)))
}

/// A conversation
#[utoipa::path(get, path = "/conversations/{id}", operation_id = "get_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = OK, body = Conversation), Problems))]
async fn show(session: UserSession, Path(id): Path<ConversationId>) -> Result<Json<Conversation>, HttpError> {
    Ok(Json(session.conversation(id).await?))
}

/// What to change of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
struct ConversationChange {
    title: Name,
}

/// Rename a conversation
#[utoipa::path(patch, path = "/conversations/{id}", operation_id = "change_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    request_body = ConversationChange, responses((status = OK, body = Conversation), Problems))]
async fn rename(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Json(change): Json<ConversationChange>,
) -> Result<Json<Conversation>, HttpError> {
    Ok(Json(session.rename_conversation(id, change.title).await?))
}

/// Delete a conversation with its messages
#[utoipa::path(delete, path = "/conversations/{id}", operation_id = "delete_conversation", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn delete(session: UserSession, Path(id): Path<ConversationId>) -> Result<StatusCode, HttpError> {
    session.delete_conversation(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The newest messages, oldest first; the cursor goes back in time
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
/// Follow the answer at `/messages/{id}/events`. A question that is sent again with the same key, in the header or the
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
    if let Some(key) = headers.get("idempotency-key") {
        let key =
            key.to_str().map_err(|_| Error::invalid("idempotency_key", "Use a key of plain letters and digits."))?;
        question.idempotency_key = Some(key.to_owned());
    }
    Ok((StatusCode::ACCEPTED, Json(session.ask(id, question).await?)))
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
/// the beginning of the answer; the last one is `finished`. 204 when that was seen already.
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
