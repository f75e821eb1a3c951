//! SQL of shares.

use crate::{
    AppState,
    access::{DocumentAccess, ShareAccess},
    db::Scope,
    documents::repo::{self as documents, File},
    fault::Fault,
    http::page,
    secret,
    workspaces::repo::count,
};
use domain::{DocumentId, Error, Page, PageRequest, shares::Share};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    document_id: Uuid,
    created_by: Uuid,
    user_name: String,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    opened_count: i64,
    last_opened_at: Option<OffsetDateTime>,
}

impl From<Row> for Share {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            document_id: row.document_id.into(),
            user_id: row.created_by.into(),
            user_name: row.user_name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            expired: row.expires_at <= OffsetDateTime::now_utc(),
            opened_count: u64::try_from(row.opened_count).unwrap_or_default(),
            last_opened_at: row.last_opened_at,
        }
    }
}

/// The newest first, which their ids tell.
pub(super) async fn list(
    scope: &mut Scope,
    access: &DocumentAccess,
    request: &PageRequest,
) -> Result<Page<Share>, Fault> {
    let after: Option<Uuid> = page::after(request)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.document_id, s.created_by, u.display_name as user_name,
               s.created_at as "created_at: OffsetDateTime", s.expires_at as "expires_at: OffsetDateTime",
               s.opened_count, s.last_opened_at as "last_opened_at: OffsetDateTime"
           from shares s
           join users u on u.id = s.created_by
           where s.document_id = $1 and s.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
           order by s.id desc
           limit $3"#,
        Uuid::from(access.id()),
        after,
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(Share::from).collect();
    Ok(page::page(items, request, |item| Uuid::from(item.id))?)
}

/// A share of the scope's user. Those of the document that ended a month ago are forgotten.
pub(super) async fn insert(
    scope: &mut Scope,
    access: &DocumentAccess,
    expires_at: OffsetDateTime,
    token_hash: &[u8],
) -> Result<Share, Fault> {
    let document = Uuid::from(access.id());
    let user = Uuid::from(scope.user_id());
    sqlx::query!("delete from shares where document_id = $1 and expires_at < now() - interval '30 days'", document)
        .execute(scope.conn())
        .await?;
    let row = sqlx::query_as!(
        Row,
        r#"with made as (
               insert into shares (id, workspace_id, document_id, created_by, token_hash, expires_at)
               values ($1, $2, $3, $4, $5, $6)
               returning *
           )
           select s.id, s.document_id, s.created_by, u.display_name as user_name,
               s.created_at as "created_at: OffsetDateTime", s.expires_at as "expires_at: OffsetDateTime",
               s.opened_count, s.last_opened_at as "last_opened_at: OffsetDateTime"
           from made s
           join users u on u.id = s.created_by"#,
        Uuid::now_v7(),
        Uuid::from(access.project().workspace().id()),
        document,
        user,
        token_hash,
        expires_at as OffsetDateTime
    )
    .fetch_one(scope.conn())
    .await?;
    Ok(row.into())
}

pub(super) async fn delete(scope: &mut Scope, access: &ShareAccess) -> Result<(), Fault> {
    sqlx::query!("delete from shares where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    Ok(())
}

/// What a token opens: proof that it counts, and the one document that it is about.
pub(super) struct Opened {
    id: Uuid,
    pub document: DocumentId,
    pub page_count: u32,
    pub shared_by: String,
    pub expires_at: OffsetDateTime,
    pub file: File,
}

/// A share counts as long as whoever made it is a member who may share, with an account that counts, and its document is
/// not in the trash.
///
/// # Errors
/// `NotFound`, whatever the reason is; [`Fault::Database`].
pub(super) async fn open(state: &AppState, conn: &mut PgConnection, token: &str) -> Result<Opened, Fault> {
    let row = sqlx::query!(
        r#"select s.id, s.workspace_id, s.document_id, s.created_by, s.expires_at as "expires_at: OffsetDateTime",
               u.display_name, d.page_count
           from shares s
           join members m on m.workspace_id = s.workspace_id and m.user_id = s.created_by and m.role <> 'viewer'
           join users u on u.id = s.created_by
           join documents d on d.id = s.document_id
           where s.token_hash = $1 and s.expires_at > now() and d.trashed_at is null"#,
        secret::hash(token)
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound)?;
    if !state.identity.account_counts(conn, row.created_by.into()).await? {
        return Err(Error::NotFound.into());
    }
    let document = row.document_id.into();
    Ok(Opened {
        id: row.id,
        document,
        page_count: count(row.page_count.unwrap_or_default().into()),
        shared_by: row.display_name,
        expires_at: row.expires_at,
        file: documents::file_of(conn, row.workspace_id.into(), document).await?,
    })
}

pub(super) async fn count_opening(conn: &mut PgConnection, opened: &Opened) -> Result<(), Fault> {
    sqlx::query!("update shares set opened_count = opened_count + 1, last_opened_at = now() where id = $1", opened.id)
        .execute(conn)
        .await?;
    Ok(())
}
