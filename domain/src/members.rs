//! People in workspaces: members with their roles, and invitations to become one.

use crate::{
    Error, InvitationId, MemberId, Page, PageRequest, UserId, WorkspaceId,
    text::Email,
    workspaces::{Role, WorkspaceLink},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Of the membership: the same person has another in another workspace.
    pub id: MemberId,
    pub user_id: UserId,
    pub display_name: String,
    pub email: String,
    pub role: Role,
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
}

impl Role {
    /// Whether someone with this role may invite, change or remove someone with the role `other`, and give that role.
    pub fn manages(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => other < Self::Owner,
            Self::Viewer | Self::Member => false,
        }
    }
}

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: InvitationId,
    pub email: Email,
    pub role: Role,
    /// The name of whoever made it.
    pub invited_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// After this it cannot be accepted; it stays in the list until it is withdrawn or made anew.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Whether that is past.
    pub expired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    pub email: Email,
    pub role: Role,
    /// 1 to 30; 7 when absent.
    #[serde(default)]
    pub expires_in_days: Option<u16>,
}

impl NewInvitation {
    pub const DEFAULT_DAYS: u16 = 7;
    pub const MAX_DAYS: u16 = 30;
}

/// An invitation that was made just now. `Debug` leaves the link out: it is half of a way in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invited {
    pub invitation: Invitation,
    /// Shown this once: only its hash is kept.
    pub link: String,
    /// Whether it could be mailed; if not, hand the link over yourself.
    pub mailed: bool,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invited")
            .field("invitation", &self.invitation)
            .field("mailed", &self.mailed)
            .finish_non_exhaustive()
    }
}

/// What becomes of an invitation's link when it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Open,
    Expired,
    Accepted,
    /// Taken back, or replaced by a newer one.
    Withdrawn,
}

/// What whoever holds an invitation's link may know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedInvitation {
    pub workspace: String,
    pub invited_by: String,
    pub email: Email,
    pub role: Role,
    pub state: InvitationState,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Port to invitations for whoever follows a link, signed in or not.
#[async_trait]
pub trait Letterbox: Send + Sync {
    /// # Errors
    /// `NotFound` when no invitation has this token, or whoever made it is no longer a member.
    async fn received_invitation(&self, token: &str) -> Result<ReceivedInvitation, Error>;
}

/// Everything that changes something needs a person, not an API key (else `Denied`). The last owner can neither go nor
/// take a lower role (else `Conflict`).
#[async_trait]
pub trait Members {
    /// Ordered by address.
    async fn list_members(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Member>, Error>;
    /// The person's own membership.
    async fn membership(&self, workspace: WorkspaceId) -> Result<Member, Error>;
    /// Needs a role that [manages](Role::manages) the present and the new one.
    async fn change_role(&self, member: MemberId, role: Role) -> Result<Member, Error>;
    /// Ends a membership, and with it the person's API keys and invitations of that workspace. Needs a role that manages
    /// theirs; anyone may end their own.
    async fn remove_member(&self, member: MemberId) -> Result<(), Error>;
    /// Makes the member an owner, and an admin of the owner who does it. Needs [`Role::Owner`].
    async fn transfer_ownership(&self, member: MemberId) -> Result<Member, Error>;

    /// Those that nobody has accepted yet, by address. Needs [`Role::Admin`].
    async fn list_invitations(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Invitation>, Error>;
    /// Replaces an earlier one to the same address. Needs a role that manages the invited one.
    ///
    /// # Errors
    /// `Conflict` when the address is a member's.
    async fn invite(&self, workspace: WorkspaceId, new: NewInvitation) -> Result<Invited, Error>;
    /// Needs a role that manages the invited one.
    async fn withdraw_invitation(&self, id: InvitationId) -> Result<(), Error>;
    /// # Errors
    /// `NotFound` as for [`Letterbox`]; `Conflict` when it is expired, used or withdrawn; `Denied` when it was sent to
    /// another address than the person's.
    async fn accept_invitation(&self, token: &str) -> Result<WorkspaceLink, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_manages_owners_and_nobody_below_admin_manages_anyone() {
        use Role::{Admin, Member, Owner, Viewer};
        for (role, managed) in [
            (Owner, vec![Viewer, Member, Admin, Owner]),
            (Admin, vec![Viewer, Member, Admin]),
            (Member, vec![]),
            (Viewer, vec![]),
        ] {
            for other in [Viewer, Member, Admin, Owner] {
                assert_eq!(role.manages(other), managed.contains(&other), "{role:?} and {other:?}");
            }
        }
    }
}
