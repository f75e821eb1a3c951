//! The models that can be chosen, and the one that a conversation has.

use crate::{
    AppState,
    http::error::{HttpError, Json, Path, Problems},
    session::UserSession,
};
use domain::{
    ConversationId,
    models::{ChooseModel, ConversationModel, ModelName, Models},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, choose))
}

/// The models that can answer, by name
///
/// Those that the configured provider lists. While it is away they stay what they were.
#[utoipa::path(get, path = "/models", operation_id = "list_models", tag = "Conversations", responses((status = OK, body = Models), Problems))]
async fn list(session: UserSession) -> Result<Json<Models>, HttpError> {
    Ok(Json(session.list_models().await?))
}

/// Who answers the next question of a conversation, what its answers have cost, and how full the model's context is
#[utoipa::path(get, path = "/conversations/{id}/model", operation_id = "get_conversation_model", tag = "Conversations", params(("id" = ConversationId, Path)),
    responses((status = OK, body = ConversationModel), Problems))]
async fn show(session: UserSession, Path(id): Path<ConversationId>) -> Result<Json<ConversationModel>, HttpError> {
    Ok(Json(session.conversation_model(id).await?))
}

/// A model of the list.
#[derive(Debug, Deserialize, ToSchema)]
struct ChosenModel {
    /// Absent or null: the default.
    #[serde(default)]
    model: Option<ModelName>,
}

/// Choose the model that answers, from the next question on
#[utoipa::path(put, path = "/conversations/{id}/model", operation_id = "set_conversation_model", tag = "Conversations", params(("id" = ConversationId, Path)),
    request_body = ChosenModel, responses((status = OK, body = ConversationModel), Problems))]
async fn choose(
    session: UserSession,
    Path(id): Path<ConversationId>,
    Json(ChosenModel { model }): Json<ChosenModel>,
) -> Result<Json<ConversationModel>, HttpError> {
    Ok(Json(session.choose_model(id, model).await?))
}
