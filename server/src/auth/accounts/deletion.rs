//! The end of an account.
//!
//! The order is such that a failure anywhere leaves something that can be repeated: first it is made sure that the
//! provider would delete the account, then our own rows go in one transaction, then their files, and the account itself
//! last. As long as it is there, the person can sign in and ask again.

use super::{Present, RequestAccounts};
use crate::{AppState, auth::AuthUser, db::Scope, fault::Fault, workspaces};
use domain::{Error, WorkspaceId};
use uuid::Uuid;

/// So many workspaces are named to a person.
const NAMED: usize = 5;

impl RequestAccounts {
    pub(super) async fn delete(&self, confirmation: &str) -> Result<(), Error> {
        let present = self.present().await?;
        let own = present.user.to_user().email;
        if own.is_empty() || confirmation.trim().to_lowercase() != own.to_lowercase() {
            return Err(Error::invalid("email", format!("Type your own address, {own}, to delete the account.")));
        }
        let client = self.identity().client();
        if !client.is_admin() {
            return Err(Error::unavailable(
                "Accounts cannot be deleted here yet: the administrator of this server has to set SUPABASE_SECRET_KEY. \
                 Nothing was deleted.",
            ));
        }
        let id = Uuid::from(present.user.id());
        client.account_exists(id).await?;
        // In a task of its own, because a request that is cut off here would leave it half done.
        let (state, accounts) = (self.state.clone(), self.clone());
        let deletion = tokio::spawn(async move { accounts.delete_everything(&state, &present).await });
        deletion.await.map_err(|error| Error::from(Fault::while_doing("delete an account")(error)))??;
        self.jar.clear();
        Ok(())
    }

    async fn delete_everything(&self, state: &AppState, present: &Present) -> Result<(), Error> {
        let user = present.user.id();
        for workspace in delete_rows(state, &present.user).await? {
            workspaces::delete_files(state.store.clone(), workspace).await;
        }
        if let Err(error) = self.identity().client().delete_account(user.into()).await {
            tracing::error!(%user, %error, "the rows of an account are deleted, the account at the provider is not");
            return Err(Error::unavailable(
                "Your workspaces are left or deleted, but the sign-in service does not answer, so the account itself is \
                 still there. Delete it once more in a moment.",
            ));
        }
        self.tell(user).await;
        // A request that was under way with the same token may have made it again.
        delete_user(state, &present.user).await?;
        tracing::info!(%user, "an account was deleted");
        Ok(())
    }
}

/// Deletes the person's row, with their memberships and keys, and the workspaces in which they are alone; those are
/// returned.
async fn delete_rows(state: &AppState, user: &AuthUser) -> Result<Vec<WorkspaceId>, Fault> {
    let mut scope = state.db.scope(user).await?;
    let own = own_workspaces(&mut scope).await?;
    let orphaned: Vec<&str> =
        own.iter().filter(|one| !one.is_alone && one.is_last_owner).map(|one| one.name.as_str()).take(NAMED).collect();
    if !orphaned.is_empty() {
        return Err(Error::conflict(format!(
            "You are the last owner of {}. Make another member an owner there, or delete it, and then your account.",
            orphaned.join(", ")
        ))
        .into());
    }
    let alone: Vec<Uuid> = own.iter().filter(|one| one.is_alone).map(|one| one.id).collect();
    sqlx::query!("delete from workspaces where id = any($1)", &alone).execute(scope.conn()).await?;
    sqlx::query!("delete from users where id = $1", Uuid::from(user.id())).execute(scope.conn()).await?;
    scope.commit().await?;
    Ok(alone.into_iter().map(WorkspaceId::from).collect())
}

struct OwnWorkspace {
    id: Uuid,
    name: String,
    is_alone: bool,
    is_last_owner: bool,
}

/// The person's workspaces. Their rows and memberships are locked until the transaction ends: nobody joins one that is
/// about to go, and no other owner leaves it.
async fn own_workspaces(scope: &mut Scope) -> Result<Vec<OwnWorkspace>, Fault> {
    let user = Uuid::from(scope.user_id());
    // A new membership needs a share of the workspace's row, by its foreign key. In the order of ids, so that two who do
    // this at once do not wait for each other.
    sqlx::query!(
        "select w.id from workspaces w where w.id in (select workspace_id from members where user_id = $1)
         order by w.id for update",
        user
    )
    .fetch_all(scope.conn())
    .await?;
    sqlx::query!(
        "select workspace_id from members
         where workspace_id in (select workspace_id from members where user_id = $1)
         order by workspace_id, user_id for update",
        user
    )
    .fetch_all(scope.conn())
    .await?;
    let own = sqlx::query_as!(
        OwnWorkspace,
        r#"select w.id, w.name,
               not exists (
                   select from members o where o.workspace_id = w.id and o.user_id <> $1
               ) as "is_alone!",
               m.role = 'owner' and not exists (
                   select from members o where o.workspace_id = w.id and o.user_id <> $1 and o.role = 'owner'
               ) as "is_last_owner!"
           from members m
           join workspaces w on w.id = m.workspace_id
           where m.user_id = $1
           order by w.name, w.id"#,
        user
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(own)
}

async fn delete_user(state: &AppState, user: &AuthUser) -> Result<(), Fault> {
    let mut scope = state.db.scope(user).await?;
    sqlx::query!("delete from users where id = $1", Uuid::from(user.id())).execute(scope.conn()).await?;
    scope.commit().await
}
