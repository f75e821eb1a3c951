//! SQL of publications.

use crate::{access::DocumentAccess, db::Scope, fault::Fault};
use domain::publications::Publication;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

pub(super) async fn find(scope: &mut Scope, access: &DocumentAccess, url: &Url) -> Result<Option<Publication>, Fault> {
    let row = sqlx::query!(
        r#"select p.published_at as "published_at!: OffsetDateTime", coalesce(u.display_name, '') as "published_by!",
               coalesce(p.sha256 = d.sha256, false) as "current!"
           from publications p
           join documents d on d.id = p.document_id
           left join users u on u.id = p.published_by
           where p.document_id = $1 and p.published_at is not null and p.withdrawn_at is null"#,
        Uuid::from(access.id())
    )
    .fetch_optional(scope.conn())
    .await?;
    Ok(row.map(|row| Publication {
        document_id: access.id(),
        url: url.to_string(),
        published_at: row.published_at,
        published_by: row.published_by,
        current: row.current,
    }))
}

/// When a copy was begun, by which [`complete`] knows it again.
#[derive(Clone, Copy)]
pub(super) struct Begun(OffsetDateTime);

/// Waits for a removal of the copy that is under way. What is published stays so until [`complete`].
pub(super) async fn begin(scope: &mut Scope, access: &DocumentAccess) -> Result<Begun, Fault> {
    let begun = sqlx::query_scalar!(
        r#"insert into publications (document_id, workspace_id)
           values ($1, $2)
           on conflict (document_id) do update
           set begun_at = clock_timestamp(), withdrawn_at = null,
               published_at = case when publications.withdrawn_at is null then publications.published_at end
           returning begun_at as "begun_at: OffsetDateTime""#,
        Uuid::from(access.id()),
        Uuid::from(access.project().workspace().id())
    )
    .fetch_one(scope.conn())
    .await?;
    Ok(Begun(begun))
}

/// False when it was withdrawn meanwhile, or begun anew by somebody else.
pub(super) async fn complete(
    scope: &mut Scope,
    access: &DocumentAccess,
    begun: Begun,
    sha256: &[u8],
) -> Result<bool, Fault> {
    let done = sqlx::query!(
        "update publications set published_at = now(), published_by = $3, sha256 = $4
         where document_id = $1 and begun_at = $2 and withdrawn_at is null",
        Uuid::from(access.id()),
        begun.0 as OffsetDateTime,
        Uuid::from(scope.user_id()),
        sha256
    )
    .execute(scope.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has a copy removed that was made after its row had gone; where somebody else has begun one, that stays.
pub(super) async fn withdraw_copy(scope: &mut Scope, access: &DocumentAccess) -> Result<(), Fault> {
    sqlx::query!(
        "insert into publications (document_id, workspace_id, withdrawn_at) values ($1, $2, now())
         on conflict (document_id) do nothing",
        Uuid::from(access.id()),
        Uuid::from(access.project().workspace().id())
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

pub(super) async fn withdraw(scope: &mut Scope, access: &DocumentAccess) -> Result<(), Fault> {
    sqlx::query!(
        "update publications set withdrawn_at = now() where document_id = $1 and withdrawn_at is null",
        Uuid::from(access.id())
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}
