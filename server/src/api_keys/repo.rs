//! SQL of API keys.

use crate::{
    access::{ApiKeyAccess, WorkspaceAccess},
    db::Scope,
    fault::Fault,
    http::page,
};
use domain::{
    Page, PageRequest, UserId,
    api_keys::{ApiKey, KeyScope, NewApiKey},
};
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    user_id: Uuid,
    user_name: String,
    name: String,
    scope: String,
    prefix: String,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    expires_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for ApiKey {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let scope = KeyScope::parse(&row.scope)
            .ok_or_else(|| Fault::while_doing("read a key's scope")(format!("there is no scope {:?}", row.scope)))?;
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            scope,
            prefix: row.prefix,
            user_id: row.user_id.into(),
            user_name: row.user_name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            expired: row.expires_at.is_some_and(|at| at <= OffsetDateTime::now_utc()),
        })
    }
}

/// The newest first, which their ids tell; of `owner` alone, if given.
pub(super) async fn list(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    owner: Option<UserId>,
    request: &PageRequest,
) -> Result<Page<ApiKey>, Fault> {
    let after: Option<Uuid> = page::after(request)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select k.id, k.user_id, u.display_name as user_name, k.name, k.scope, k.prefix,
               k.created_at as "created_at: OffsetDateTime", k.last_used_at as "last_used_at: OffsetDateTime",
               k.expires_at as "expires_at: OffsetDateTime"
           from api_keys k
           join users u on u.id = k.user_id
           where k.workspace_id = $1 and ($2::uuid is null or k.user_id = $2)
               and k.id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
           order by k.id desc
           limit $4"#,
        Uuid::from(access.id()),
        owner.map(Uuid::from),
        after,
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(ApiKey::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(page::page(items, request, |item| Uuid::from(item.id))?)
}

/// A key of the scope's user.
pub(super) async fn insert(
    scope: &mut Scope,
    access: &WorkspaceAccess,
    new: &NewApiKey,
    prefix: &str,
    token_hash: &[u8],
) -> Result<ApiKey, Fault> {
    let user = Uuid::from(scope.user_id());
    let row = sqlx::query_as!(
        Row,
        r#"with made as (
               insert into api_keys (id, workspace_id, user_id, name, scope, prefix, token_hash, expires_at)
               values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8))
               returning *
           )
           select k.id, k.user_id, u.display_name as user_name, k.name, k.scope, k.prefix,
               k.created_at as "created_at: OffsetDateTime", k.last_used_at as "last_used_at: OffsetDateTime",
               k.expires_at as "expires_at: OffsetDateTime"
           from made k
           join users u on u.id = k.user_id"#,
        Uuid::now_v7(),
        Uuid::from(access.id()),
        user,
        new.name.as_str(),
        new.scope.as_str(),
        prefix,
        token_hash,
        new.expires_in_days.map(i32::from)
    )
    .fetch_one(scope.conn())
    .await?;
    row.try_into()
}

pub(super) async fn delete(scope: &mut Scope, access: &ApiKeyAccess) -> Result<(), Fault> {
    sqlx::query!("delete from api_keys where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    Ok(())
}
