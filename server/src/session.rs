//! The session of one request: who asks, and the state to do it with. Each resource implements its port on it, in its
//! own folder.

use crate::{AppState, auth::AuthUser, db::Scope, fault::Fault};
use domain::accounts::User;

/// A signed-in person's request. An axum extractor (see [`crate::auth`]); the Leptos context carries the same value as
/// `Arc<dyn domain::Session>`.
#[derive(Clone, Debug)]
pub struct UserSession {
    pub(crate) state: AppState,
    auth: AuthUser,
    user: User,
}

impl UserSession {
    /// Only a verified [`AuthUser`] makes a session.
    pub fn new(state: AppState, auth: AuthUser) -> Self {
        let user = auth.to_user();
        Self { state, auth, user }
    }

    /// A transaction for this person.
    pub(crate) async fn scope(&self) -> Result<Scope, Fault> {
        self.state.db.scope(&self.auth).await
    }
}

impl domain::Session for UserSession {
    fn user(&self) -> &User {
        &self.user
    }
}
