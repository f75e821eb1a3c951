//! Identifiers. Each resource has a type of its own, so that a project's id cannot be passed for a document's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// A person; equal to the `sub` claim of the identity provider's tokens.
    UserId;
    /// A workspace: the tenant.
    WorkspaceId;
    /// A person's membership in a workspace.
    MemberId;
    /// An invitation to a workspace.
    InvitationId;
    /// An API key of a workspace's member.
    ApiKeyId;
    /// A project of a workspace.
    ProjectId;
    /// A folder of a project.
    FolderId;
    /// A document of a project.
    DocumentId;
    /// A document opened to whoever has the link.
    ShareId;
    /// A version of a document that is written here.
    VersionId;
    /// A file on its way to become a document.
    UploadId;
    /// A chunk of a document: the unit that is embedded and retrieved.
    ChunkId;
    /// A conversation in a project.
    ConversationId;
    /// A message of a conversation.
    MessageId;
    /// A call of a tool in an answer.
    ToolCallId;
}
