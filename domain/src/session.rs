//! What a signed-in person can do: the sum of all ports.

use crate::{
    accounts::User, chat::Chat, documents::Documents, navigation::Navigate, projects::Projects, workspaces::Workspaces,
};

/// Every operation open to the person of one request. Only the server makes one, after it has verified a token; without
/// a login there is none.
pub trait Session: Workspaces + Projects + Documents + Chat + Navigate + Send + Sync {
    fn user(&self) -> &User;
}
