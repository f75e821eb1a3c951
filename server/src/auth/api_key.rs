//! API keys in place of a person's token. A key is looked up at every request, so that it ends at once when it is
//! revoked or expires, and when its owner's membership or account does.

use super::{AuthUser, Identity};
use crate::{fault::Fault, secret};
use domain::{ApiKeyId, Error, WorkspaceId, api_keys::KeyScope, workspaces::Role};
use http::Method;
use time::{Duration, OffsetDateTime};

/// What every key begins with, so that people and secret scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "atelier_";

/// How exact `last_used_at` is: not every request shall write.
const USE_RESOLUTION: Duration = Duration::minutes(1);

/// What a key allows. Its role is read at each request, like any member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimit {
    id: ApiKeyId,
    workspace: WorkspaceId,
}

impl KeyLimit {
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

pub(super) fn is_key(token: &str) -> bool {
    token.starts_with(TOKEN_PREFIX)
}

/// Whose key it is, if it counts. It serves the JSON API only: anywhere else it is nobody's.
///
/// # Errors
/// `Denied` when it may only read and the request would change something.
pub(super) async fn owner(
    identity: &Identity,
    token: &str,
    method: &Method,
    path: &str,
) -> Result<Option<AuthUser>, Error> {
    if !path.starts_with("/api/v1/") {
        return Ok(None);
    }
    let Some((user, scope)) = look_up(identity, token).await? else { return Ok(None) };
    if scope < KeyScope::Write && !method.is_safe() {
        return Err(Error::denied(
            "This API key may only read. Use one that may write; you make it in the workspace's settings.",
        ));
    }
    Ok(Some(user))
}

async fn look_up(identity: &Identity, token: &str) -> Result<Option<(AuthUser, KeyScope)>, Fault> {
    let mut tx = identity.standing().db().system().await?;
    let row = sqlx::query!(
        r#"select k.id, k.workspace_id, k.user_id, k.scope, m.role, u.email, u.display_name,
               k.last_used_at as "last_used_at: OffsetDateTime"
           from api_keys k
           join members m on m.workspace_id = k.workspace_id and m.user_id = k.user_id
           join users u on u.id = k.user_id
           where k.token_hash = $1 and (k.expires_at is null or k.expires_at > now())"#,
        secret::hash(token)
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    if !identity.standing().account_counts(tx.conn(), row.user_id.into()).await? {
        return Ok(None);
    }
    if row.last_used_at.is_none_or(|at| OffsetDateTime::now_utc() - at >= USE_RESOLUTION) {
        // Looked at again: of many requests at once, all but the first wait for it.
        sqlx::query!(
            "update api_keys set last_used_at = now()
             where id = $1 and (last_used_at is null or last_used_at <= now() - interval '1 minute')",
            row.id
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
    }
    let user = AuthUser {
        id: row.user_id.into(),
        email: row.email,
        display_name: row.display_name,
        session_id: None,
        key: Some(KeyLimit { id: row.id.into(), workspace: row.workspace_id.into() }),
    };
    // Whoever may no longer write has no key that does.
    let may_write =
        row.scope == KeyScope::Write.as_str() && Role::parse(&row.role).is_some_and(|role| role >= Role::Member);
    Ok(Some((user, if may_write { KeyScope::Write } else { KeyScope::Read })))
}
