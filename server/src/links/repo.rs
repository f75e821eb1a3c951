//! SQL of links, before their pages are fetched; then they are documents.

use crate::{access::ProjectAccess, db::Scope, fault::Fault, storage::ObjectKey};
use domain::{DocumentId, FolderId};
use url::Url;
use uuid::Uuid;

/// The ready document that is of this page, if it is one.
pub(super) async fn of_page(scope: &mut Scope, access: &ProjectAccess, url: &Url) -> Result<Option<Uuid>, Fault> {
    let found = sqlx::query_scalar!(
        "select id from documents
         where project_id = $1 and source_url = $2 and state = 'ready' and replaces is null and trashed_at is null
         limit 2",
        Uuid::from(access.id()),
        url.as_str()
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(if let [only] = found.as_slice() { Some(*only) } else { None })
}

/// A document without a file, for the worker to fetch. What it will be is not known yet; most pages are HTML.
pub(super) async fn insert(
    scope: &mut Scope,
    access: &ProjectAccess,
    id: DocumentId,
    folder: Option<FolderId>,
    url: &Url,
    name: &str,
) -> Result<(), Fault> {
    let workspace = access.workspace().id();
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into documents
             (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, source_url, created_by, folder_id)
         values ($1, $2, $3, $4, 'text/html', 0, '', $5, $6, $7, $8)",
        Uuid::from(id),
        Uuid::from(workspace),
        Uuid::from(access.id()),
        name,
        ObjectKey::Document { workspace, document: id }.to_string(),
        url.as_str(),
        user,
        folder.map(Uuid::from)
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// Pages of the workspace that the worker has still to fetch.
pub(super) async fn unfetched(scope: &mut Scope, access: &ProjectAccess) -> Result<i64, Fault> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from documents
           where workspace_id = $1 and source_url is not null and fetched_at is null and state <> 'failed'"#,
        Uuid::from(access.workspace().id())
    );
    Ok(count.fetch_one(scope.conn()).await?)
}
