//! API keys: what a program sends instead of a person's token. A key belongs to one member of one workspace, sees
//! nothing else, and ends with the membership.

use crate::{ApiKeyId, Error, Page, PageRequest, UserId, WorkspaceId, text::Name};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a key may do; never more than its owner's role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// GET only.
    Read,
    /// Whatever its owner may do, but for managing the workspace and its people.
    Write,
}

impl KeyScope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|scope| scope.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub scope: KeyScope,
    /// The key's beginning, to tell it from others.
    pub prefix: String,
    /// Whose it is.
    pub user_id: UserId,
    pub user_name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// To the minute; absent before its first use.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<OffsetDateTime>,
    /// Absent when it does not expire.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    /// Whether that is past.
    pub expired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewApiKey {
    /// What it is for.
    pub name: Name,
    pub scope: KeyScope,
    /// 1 to 366; a key without it does not expire.
    #[serde(default)]
    pub expires_in_days: Option<u16>,
}

impl NewApiKey {
    pub const MAX_DAYS: u16 = 366;
}

/// A key that was made just now. `Debug` leaves its secret out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeApiKey {
    pub key: ApiKey,
    /// What the program sends as `Authorization: Bearer …`. Shown this once: only its hash is kept.
    pub token: String,
}

impl std::fmt::Debug for MadeApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// All of it needs a person, not an API key (else `Denied`).
#[async_trait]
pub trait ApiKeys {
    /// The person's own; all of the workspace's for an admin. The newest first.
    async fn list_api_keys(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<ApiKey>, Error>;
    /// For the person. [`KeyScope::Write`] needs the role member.
    async fn create_api_key(&self, workspace: WorkspaceId, new: NewApiKey) -> Result<MadeApiKey, Error>;
    /// One's own, or anyone's for an admin. It ends at once.
    async fn revoke_api_key(&self, id: ApiKeyId) -> Result<(), Error>;
}
