//! Server functions of members and invitations.

use crate::{call::Call, error::ApiError};
#[cfg(feature = "ssr")]
use crate::{members::shown_once, redirect, session, session::session, workspaces::settings_path};
use domain::{
    Cursor, InvitationId, MemberId, Page, WorkspaceId,
    members::{Invitation, Member, ReceivedInvitation},
    workspaces::{Role, WorkspaceLink},
};
#[cfg(feature = "ssr")]
use domain::{
    Error, PageRequest,
    accounts::SignOutScope,
    members::{Letterbox, NewInvitation},
    text::Email,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The members' section of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    pub members: Page<Member>,
    /// For whoever may invite.
    pub invitations: Option<Page<Invitation>>,
}

/// What is shown once, right after it was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secret {
    Invitation { email: String, link: String, mailed: bool },
    ApiKey { name: String, token: String },
    Share { link: String },
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The page of an invitation's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    pub invitation: ReceivedInvitation,
    /// The address of whoever is signed in.
    pub signed_in_as: Option<String>,
}

#[server(protocol = Call)]
pub async fn get_people(
    workspace: WorkspaceId,
    cursor: Option<Cursor>,
    invited: Option<Cursor>,
) -> Result<People, ApiError> {
    let session = session()?;
    let page = |cursor| PageRequest { cursor, ..PageRequest::first() };
    let members = session.list_members(workspace, page(cursor)).await?;
    let invitations = match session.list_invitations(workspace, page(invited)).await {
        Ok(invitations) => Some(invitations),
        Err(Error::Forbidden) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(People { members, invitations })
}

#[server(protocol = Call)]
pub async fn change_role(member: MemberId, role: Role) -> Result<Member, ApiError> {
    Ok(session()?.change_role(member, role).await?)
}

#[server(protocol = Call)]
pub async fn remove_member(member: MemberId) -> Result<(), ApiError> {
    Ok(session()?.remove_member(member).await?)
}

#[server(protocol = Call)]
pub async fn transfer_ownership(member: MemberId) -> Result<Member, ApiError> {
    Ok(session()?.transfer_ownership(member).await?)
}

/// Ends the person's own membership and goes to the workspaces that are left.
#[server(protocol = Call)]
pub async fn leave_workspace(workspace: WorkspaceId) -> Result<(), ApiError> {
    let session = session()?;
    let own = session.membership(workspace).await?;
    session.remove_member(own.id).await?;
    redirect::to("/workspaces");
    Ok(())
}

#[server(protocol = Call)]
pub async fn invite_member(
    workspace: WorkspaceId,
    email: String,
    role: Role,
    expires_in_days: Option<u16>,
) -> Result<Secret, ApiError> {
    let email = Email::parse("email", &email)?;
    let invited = session()?.invite(workspace, NewInvitation { email, role, expires_in_days }).await?;
    let secret =
        Secret::Invitation { email: invited.invitation.email.into(), link: invited.link, mailed: invited.mailed };
    shown_once::keep(&settings_path(workspace), &secret);
    Ok(secret)
}

#[server(protocol = Call)]
pub async fn withdraw_invitation(id: InvitationId) -> Result<(), ApiError> {
    Ok(session()?.withdraw_invitation(id).await?)
}

#[server(protocol = Call)]
pub async fn get_invitation(token: String) -> Result<InvitationView, ApiError> {
    let letterbox = use_context::<std::sync::Arc<dyn Letterbox>>()
        .ok_or_else(|| Error::unavailable("Invitations cannot be read right now. Try again in a moment."))?;
    let invitation = letterbox.received_invitation(&token).await?;
    let signed_in_as = session::signed_in_as();
    if signed_in_as.is_none() {
        // The forms of login and register begin with it.
        crate::auth::api::keep_typed(invitation.email.as_str(), crate::auth::api::WHILE_TYPING);
    }
    Ok(InvitationView { invitation, signed_in_as })
}

/// Makes a member of the person and goes to the workspace.
#[server(protocol = Call)]
pub async fn accept_invitation(token: String) -> Result<WorkspaceLink, ApiError> {
    let workspace = session()?.accept_invitation(&token).await?;
    redirect::to(&format!("/workspaces/{}", workspace.id));
    Ok(workspace)
}

/// For whoever is signed in with another address than the invitation's: signs out and comes back to it.
#[server(protocol = Call)]
pub async fn sign_out_for_invitation(token: String) -> Result<(), ApiError> {
    session::accounts()?.sign_out(SignOutScope::Local).await?;
    redirect::to(&format!("/invite/{}", redirect::encode(&token)));
    Ok(())
}
