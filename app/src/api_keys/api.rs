//! Server functions of API keys.

use crate::{call::Call, error::ApiError, members::api::Secret};
#[cfg(feature = "ssr")]
use crate::{members::shown_once, session::session, workspaces::settings_path};
use domain::{
    ApiKeyId, Page, WorkspaceId,
    api_keys::{ApiKey, KeyScope},
};
#[cfg(feature = "ssr")]
use domain::{FieldError, PageRequest, api_keys::NewApiKey, text::Name};
use leptos::prelude::*;

/// The newest hundred: nobody manages more by hand, and the API lists them all.
#[server(protocol = Call)]
pub async fn list_api_keys(workspace: WorkspaceId) -> Result<Page<ApiKey>, ApiError> {
    let newest = PageRequest { cursor: None, limit: PageRequest::MAX_LIMIT };
    Ok(session()?.list_api_keys(workspace, newest).await?)
}

/// `expires_in_days`: nothing for a key that does not expire.
#[server(protocol = Call)]
pub async fn create_api_key(
    workspace: WorkspaceId,
    name: String,
    scope: KeyScope,
    expires_in_days: String,
) -> Result<Secret, ApiError> {
    let name = Name::parse("name", &name)?;
    let expires_in_days = match expires_in_days.as_str() {
        "" => None,
        days => Some(days.parse().map_err(|_| FieldError::new("expires_in_days", "Choose how long it is valid."))?),
    };
    let made = session()?.create_api_key(workspace, NewApiKey { name, scope, expires_in_days }).await?;
    let secret = Secret::ApiKey { name: made.key.name, token: made.token };
    shown_once::keep(&settings_path(workspace), &secret);
    Ok(secret)
}

#[server(protocol = Call)]
pub async fn revoke_api_key(id: ApiKeyId) -> Result<(), ApiError> {
    Ok(session()?.revoke_api_key(id).await?)
}
