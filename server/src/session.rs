//! The session of one request: who asks, and the state to do it with. Each resource implements its port on it, in its
//! own folder.

use crate::{
    AppState,
    access::ProjectAccess,
    auth::AuthUser,
    db::{Reading, Scope},
    fault::Fault,
};
use domain::{ProjectId, accounts::User, workspaces::Role};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How often an event stream asks [`UserSession::stands`], and whether its reader is still a member: it ends as soon
/// after they are not.
pub(crate) const CHECK_ACCESS: Duration = Duration::from_secs(5);

/// A signed-in person's request. An axum extractor (see [`crate::auth`]); the Leptos context carries the same value as
/// `Arc<dyn domain::Session>`.
#[derive(Clone, Debug)]
pub struct UserSession {
    pub(crate) state: AppState,
    auth: AuthUser,
    user: User,
    in_view: Arc<OnceCell<ProjectAccess>>,
}

impl UserSession {
    /// Only a verified [`AuthUser`] makes a session.
    pub fn new(state: AppState, auth: AuthUser) -> Self {
        let user = auth.to_user();
        Self { state, auth, user, in_view: Arc::default() }
    }

    /// A transaction for this person.
    pub(crate) async fn scope(&self) -> Result<Scope, Fault> {
        self.state.db.scope(&self.auth).await
    }

    /// As [`Self::scope`], to read only.
    pub(crate) async fn reading(&self) -> Result<Reading, Fault> {
        self.state.db.reading(&self.auth).await
    }

    /// Access to the project that this request's page is in. Looked up once: the frame and the page ask for it at the same
    /// time. Not for what outlives a request.
    pub(crate) async fn in_view(&self, scope: &mut Scope, id: ProjectId) -> Result<ProjectAccess, Fault> {
        let first = self.in_view.get_or_try_init(|| scope.project(id, Role::Viewer)).await?;
        if first.id() == id { Ok(*first) } else { scope.project(id, Role::Viewer).await }
    }

    /// As [`Self::scope`], for what a program may not do in a person's place: manage workspaces, people and keys.
    ///
    /// # Errors
    /// `Denied` for an API key.
    pub(crate) async fn persons_scope(&self) -> Result<Scope, Fault> {
        self.auth.as_person()?;
        self.scope().await
    }

    /// Whether the session or the API key still counts, for streams that outlive the check of their request.
    pub(crate) async fn stands(&self) -> Result<bool, Fault> {
        self.state.identity.stands(&self.auth).await
    }
}

impl domain::Session for UserSession {
    fn user(&self) -> &User {
        &self.user
    }
}
