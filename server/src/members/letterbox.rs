//! An invitation's way: made, mailed, read and accepted. Its link carries 256 random bits, of which the database has a
//! hash. Holding the link is half of a way in: the other half is an account with the address that it was sent to.

use super::invitations;
use crate::{
    AppState,
    mail::Mail,
    rate_limit::{RateLimit, refusal},
    secret,
    session::UserSession,
    workspaces,
};
use async_trait::async_trait;
use domain::{
    Error, Session, UserId, WorkspaceId,
    members::{Invitation, InvitationState, Invited, Letterbox, NewInvitation, ReceivedInvitation},
    workspaces::{Role, WorkspaceLink},
};
use std::{num::NonZeroU32, time::Duration};

/// How long whoever invites waits for the mail server.
const MAIL_LIMIT: Duration = Duration::from_secs(20);

/// How many invitations one person may send, from whatever workspaces: nobody mails the world through this server.
#[derive(Debug)]
pub struct InvitationLimit(RateLimit<UserId>);

impl Default for InvitationLimit {
    /// A team at once, and as many again within the hour.
    fn default() -> Self {
        Self(RateLimit::new(NonZeroU32::MIN.saturating_add(49), Duration::from_secs(3600)))
    }
}

/// The letterbox that stands open to everybody: who has a link may read its invitation.
#[derive(Clone, Debug)]
pub struct OpenLetterbox(pub AppState);

#[async_trait]
impl Letterbox for OpenLetterbox {
    async fn received_invitation(&self, token: &str) -> Result<ReceivedInvitation, Error> {
        let mut tx = self.0.db.system().await?;
        Ok(invitations::received(tx.conn(), &secret::hash(token)).await?)
    }
}

pub(super) async fn invite(
    session: &UserSession,
    workspace: WorkspaceId,
    new: &NewInvitation,
) -> Result<Invited, Error> {
    let mut scope = session.persons_scope().await?;
    let access = scope.workspace(workspace, Role::Admin).await?;
    if !access.role().manages(new.role) {
        return Err(Error::Forbidden);
    }
    let days = new.expires_in_days.unwrap_or(NewInvitation::DEFAULT_DAYS);
    if !(1..=NewInvitation::MAX_DAYS).contains(&days) {
        return Err(Error::invalid("expires_in_days", format!("Use 1 to {} days.", NewInvitation::MAX_DAYS)));
    }
    if invitations::is_member(&mut scope, &access, &new.email).await? {
        return Err(Error::conflict(format!("{} is a member of this workspace already.", new.email)));
    }
    let earlier = invitations::open_role(&mut scope, &access, &new.email).await?;
    if earlier.is_some_and(|role| !access.role().manages(role)) {
        return Err(Error::Forbidden);
    }
    session.state.invitations.0.count(&scope.user_id()).map_err(refusal)?;
    let name = workspaces::repo::find(&mut scope, &access).await?.name;
    let token = secret::new()?;
    let (id, created_at, expires_at) =
        invitations::insert(&mut scope, &access, &new.email, new.role, &secret::hash(&token), days).await?;
    scope.commit().await?;

    let invited_by = session.user().display_name.clone();
    let invitation = Invitation {
        id: id.into(),
        email: new.email.clone(),
        role: new.role,
        invited_by,
        created_at,
        expires_at,
        expired: false,
    };
    // From the configured address, never from the request's Host, which whoever sends the request may invent.
    let link = format!("{}invite/{token}", session.state.config.site.public_url);
    let mailed = mail(session, &invitation, &name, &link, days).await;
    Ok(Invited { invitation, link, mailed })
}

/// An invitation that cannot be mailed still stands: whoever made it has the link.
async fn mail(session: &UserSession, invitation: &Invitation, workspace: &str, link: &str, days: u16) -> bool {
    let inviter = session.user();
    let valid = if days == 1 { "one day".to_owned() } else { format!("{days} days") };
    let mail = Mail {
        to: invitation.email.as_str().to_owned(),
        subject: format!("{} invites you to {workspace}", inviter.display_name),
        text: format!(
            "{} ({}) invites you to the workspace \u{201c}{workspace}\u{201d} in Atelier, as {}.\n\n\
             To accept, open this link and sign in or create an account with this address:\n\n\
             {link}\n\n\
             It is valid for {valid} and works once. If you do not know the sender, ignore this mail: nothing happens.\n",
            inviter.display_name,
            inviter.email,
            with_article(invitation.role),
        ),
    };
    match tokio::time::timeout(MAIL_LIMIT, session.state.mailer.send(mail)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(invitation = %invitation.id, %error, "an invitation could not be mailed");
            false
        }
        Err(_) => {
            tracing::warn!(invitation = %invitation.id, "the mail server took too long for an invitation");
            false
        }
    }
}

const fn with_article(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Member => "a member",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

pub(super) async fn accept(session: &UserSession, token: &str) -> Result<WorkspaceLink, Error> {
    let mut scope = session.persons_scope().await?;
    let held = invitations::hold(&mut scope, &secret::hash(token)).await?;
    // The address is the verified token's, which the provider has confirmed; ours is in lower case.
    if session.user().email.to_lowercase() != held.email {
        return Err(Error::denied(format!(
            "This invitation is for {}. Sign in with that address to accept it.",
            held.email
        )));
    }
    match held.state {
        InvitationState::Open => {}
        InvitationState::Expired => {
            return Err(Error::conflict("This invitation has expired. Ask whoever sent it for a new one."));
        }
        InvitationState::Accepted => {
            return Err(Error::conflict("This invitation has been used. The workspace is among yours."));
        }
        InvitationState::Withdrawn => {
            return Err(Error::conflict("This invitation was withdrawn or replaced by a newer one."));
        }
    }
    invitations::accept(&mut scope, &held).await?;
    scope.commit().await?;
    Ok(held.workspace)
}
