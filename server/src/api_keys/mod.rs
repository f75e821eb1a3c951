//! API keys: made, listed and revoked here; recognised in `auth/api_key.rs`.

mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{auth::TOKEN_PREFIX, secret, session::UserSession};
use async_trait::async_trait;
use domain::{
    ApiKeyId, Error, Page, PageRequest, WorkspaceId,
    api_keys::{ApiKey, ApiKeys, KeyScope, MadeApiKey, NewApiKey},
    workspaces::Role,
};

/// How much of a key its list shows: enough to tell keys apart, far too little to guess the rest from.
const SHOWN: usize = TOKEN_PREFIX.len() + 6;

#[async_trait]
impl ApiKeys for UserSession {
    async fn list_api_keys(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<ApiKey>, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.workspace(workspace, Role::Viewer).await?;
        let owner = (access.role() < Role::Admin).then(|| scope.user_id());
        Ok(repo::list(&mut scope, &access, owner, &page).await?)
    }

    async fn create_api_key(&self, workspace: WorkspaceId, new: NewApiKey) -> Result<MadeApiKey, Error> {
        let mut scope = self.persons_scope().await?;
        let needed = if new.scope == KeyScope::Write { Role::Member } else { Role::Viewer };
        let access = scope.workspace(workspace, needed).await?;
        if new.expires_in_days.is_some_and(|days| !(1..=NewApiKey::MAX_DAYS).contains(&days)) {
            return Err(Error::invalid("expires_in_days", format!("Use 1 to {} days, or none.", NewApiKey::MAX_DAYS)));
        }
        let token = format!("{TOKEN_PREFIX}{}", secret::new()?);
        let prefix = token.chars().take(SHOWN).collect::<String>();
        let key = repo::insert(&mut scope, &access, &new, &prefix, &secret::hash(&token)).await?;
        scope.commit().await?;
        Ok(MadeApiKey { key, token })
    }

    async fn revoke_api_key(&self, id: ApiKeyId) -> Result<(), Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.api_key(id, Role::Viewer).await?;
        if access.user_id() != scope.user_id() && access.workspace().role() < Role::Admin {
            return Err(Error::Forbidden);
        }
        repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(())
    }
}
