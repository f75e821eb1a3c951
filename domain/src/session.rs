//! What a signed-in person can do: the sum of all ports.

use crate::{
    accounts::User, api_keys::ApiKeys, chat::Chat, documents::Documents, folders::Folders, links::Links,
    members::Members, models::ChooseModel, navigation::Navigate, projects::Projects, publications::Publications,
    search::Searches, shares::Shares, trash::Trash, uploads::Uploads, workspaces::Workspaces, written::Written,
};

/// Every operation open to the person of one request. Only the server makes one, after it has verified a token; without
/// a login there is none.
pub trait Session:
    Workspaces
    + Members
    + ApiKeys
    + Projects
    + Documents
    + Written
    + Links
    + Shares
    + Publications
    + Folders
    + Trash
    + Uploads
    + Searches
    + Chat
    + ChooseModel
    + Navigate
    + Send
    + Sync
{
    fn user(&self) -> &User;
}
