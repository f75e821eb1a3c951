//! Which model answers: the port [`ChooseModel`] on a session, and the provider's list ([`catalogue`]).

mod catalogue;
mod listing;
pub mod repo;
pub mod routes;

pub use catalogue::{Catalogue, Offer};

use crate::{
    access::ConversationAccess,
    ai::answer::context,
    chat::{self, changeable},
    db::Scope,
    fault::Fault,
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    ConversationId, Error,
    models::{ChooseModel, ContextUse, ConversationModel, ModelName, Models},
    workspaces::Role,
};

#[async_trait]
impl ChooseModel for UserSession {
    async fn list_models(&self) -> Result<Models, Error> {
        Ok(self.state.models.offer().await.models.clone())
    }

    async fn conversation_model(&self, id: ConversationId) -> Result<ConversationModel, Error> {
        let mut scope = self.reading().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        Ok(self.model_of(&mut scope, &access).await?)
    }

    async fn choose_model(&self, id: ConversationId, model: Option<ModelName>) -> Result<ConversationModel, Error> {
        self.check_offered(model.as_ref()).await?;
        let mut scope = self.scope().await?;
        let access = changeable(&mut scope, id).await?;
        repo::choose(scope.conn(), &access, model.as_ref()).await?;
        let chosen = self.model_of(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(chosen)
    }
}

impl UserSession {
    /// # Errors
    /// `Invalid` with field `model` when it cannot be chosen.
    pub async fn check_offered(&self, model: Option<&ModelName>) -> Result<(), Error> {
        let Some(model) = model else { return Ok(()) };
        if self.state.models.offer().await.models.find(model).is_some() {
            Ok(())
        } else {
            Err(Error::invalid("model", format!("{model} cannot be chosen here. Choose one of the list.")))
        }
    }

    async fn model_of(&self, scope: &mut Scope, access: &ConversationAccess) -> Result<ConversationModel, Fault> {
        let (chosen, spent) = repo::chosen_and_spent(scope.conn(), access).await?;
        let context = match chosen.as_ref().or(self.state.config.models.default.as_ref()) {
            Some(model) if self.state.config.models.default.is_some() => {
                let window_tokens = self.state.models.model(model).context_tokens;
                let (brief, history) = chat::told(scope, access).await?;
                let offered = self.state.tools.offers(access.project().workspace().role());
                let fixed = context::fixed(&brief, "", &offered);
                let room = context::room_for_attached(window_tokens, fixed);
                let attached = chat::attachments::told_next(scope.conn(), access, room).await?;
                let used_tokens = context::estimate(fixed, history, attached, window_tokens);
                Some(ContextUse { used_tokens, window_tokens })
            }
            _ => None,
        };
        Ok(ConversationModel { chosen, spent, context })
    }
}

/// Said under an answer that a model should have written that the provider has taken from its list.
pub fn gone(model: &ModelName) -> String {
    format!("The model {model} is not offered any more. Choose another one below, then try again.")
}
