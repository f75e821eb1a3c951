//! People in workspaces: who is a member with what role, and invitations to become one.

mod invitations;
mod letterbox;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

pub use letterbox::{InvitationLimit, OpenLetterbox};

use crate::{access::MemberAccess, db::Scope, fault::Fault, session::UserSession};
use async_trait::async_trait;
use domain::{
    Error, InvitationId, MemberId, Page, PageRequest, WorkspaceId,
    members::{Invitation, Invited, Member, Members, NewInvitation},
    workspaces::{Role, WorkspaceLink},
};

#[async_trait]
impl Members for UserSession {
    async fn list_members(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Member>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.workspace(workspace, Role::Viewer).await?;
        Ok(repo::list(&mut scope, &access, &page).await?)
    }

    async fn membership(&self, workspace: WorkspaceId) -> Result<Member, Error> {
        let mut scope = self.reading().await?;
        let access = scope.workspace(workspace, Role::Viewer).await?;
        Ok(repo::own(&mut scope, &access).await?)
    }

    async fn change_role(&self, member: MemberId, role: Role) -> Result<Member, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.member(member, Role::Viewer).await?;
        let own = access.workspace().role();
        if !own.manages(access.role()) || !own.manages(role) {
            return Err(Error::Forbidden);
        }
        if role < Role::Owner {
            keep_an_owner(&mut scope, &access).await?;
        }
        repo::set_role(&mut scope, &access, role).await?;
        let member = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(member)
    }

    async fn remove_member(&self, member: MemberId) -> Result<(), Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.member(member, Role::Viewer).await?;
        let is_own = access.user_id() == scope.user_id();
        if !is_own && !access.workspace().role().manages(access.role()) {
            return Err(Error::Forbidden);
        }
        keep_an_owner(&mut scope, &access).await?;
        repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(())
    }

    async fn transfer_ownership(&self, member: MemberId) -> Result<Member, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.member(member, Role::Owner).await?;
        if access.user_id() == scope.user_id() {
            return Err(Error::conflict("You own this workspace already. Choose another member to hand it to."));
        }
        repo::set_role(&mut scope, &access, Role::Owner).await?;
        repo::step_down(&mut scope, &access.workspace()).await?;
        let member = repo::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(member)
    }

    async fn list_invitations(&self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Invitation>, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.workspace(workspace, Role::Admin).await?;
        Ok(invitations::list(&mut scope, &access, &page).await?)
    }

    async fn invite(&self, workspace: WorkspaceId, new: NewInvitation) -> Result<Invited, Error> {
        letterbox::invite(self, workspace, &new).await
    }

    async fn withdraw_invitation(&self, id: InvitationId) -> Result<(), Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.invitation(id, Role::Admin).await?;
        if !access.workspace().role().manages(access.role()) {
            return Err(Error::Forbidden);
        }
        invitations::withdraw(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(())
    }

    async fn accept_invitation(&self, token: &str) -> Result<WorkspaceLink, Error> {
        letterbox::accept(self, token).await
    }
}

/// The last owner stays one: nobody else could delete the workspace or make another. True until the transaction ends,
/// because [`Scope::member`] locks the workspace's memberships.
async fn keep_an_owner(scope: &mut Scope, member: &MemberAccess) -> Result<(), Fault> {
    if member.role() == Role::Owner && repo::owners(scope, &member.workspace()).await? < 2 {
        return Err(Error::conflict("A workspace needs an owner. Make another member an owner first.").into());
    }
    Ok(())
}
