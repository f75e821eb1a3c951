//! Server functions of models.

use crate::call::Call;
use crate::error::ApiError;
use domain::{ConversationId, models::ConversationModel};
use leptos::prelude::*;

#[server(protocol = Call)]
pub async fn get_conversation_model(conversation: ConversationId) -> Result<ConversationModel, ApiError> {
    Ok(crate::session::session()?.conversation_model(conversation).await?)
}

/// `model` is empty for the default, as a form sends it.
#[server(protocol = Call)]
pub async fn choose_model(
    conversation: ConversationId,
    #[server(default)] model: String,
) -> Result<ConversationModel, ApiError> {
    Ok(crate::session::session()?.choose_model(conversation, chosen(&model)?).await?)
}

/// What a form means.
#[cfg(feature = "ssr")]
pub(crate) fn chosen(model: &str) -> Result<Option<domain::models::ModelName>, domain::FieldError> {
    (!model.is_empty()).then(|| domain::models::ModelName::parse("model", model)).transpose()
}
