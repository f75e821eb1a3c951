//! SQL of publications.

use crate::{access::DocumentAccess, db::Scope, fault::Fault};
use domain::{Error, publications::Publication, written::WritingStatus};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

pub(super) async fn find(scope: &mut Scope, access: &DocumentAccess, url: &Url) -> Result<Option<Publication>, Fault> {
    let row = sqlx::query!(
        r#"select p.published_at as "published_at!: OffsetDateTime", coalesce(u.display_name, '') as "published_by!",
               coalesce(p.sha256 = d.sha256 and (w.revision is null or w.revision = w.read_revision), false) as "current!"
           from publications p
           join documents d on d.id = p.document_id
           left join written_documents w on w.document_id = d.id
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

/// Nobody deletes the document, or puts it into the trash, until the transaction ends.
pub(super) async fn hold(scope: &mut Scope, access: &DocumentAccess) -> Result<(), Fault> {
    sqlx::query!("select from documents where id = $1 for share", Uuid::from(access.id()))
        .execute(scope.conn())
        .await?;
    Ok(())
}

/// What is written here is published as it stands and as somebody has approved it, not as its file was some seconds ago.
///
/// # Errors
/// `Conflict`, with what to do about it.
pub(super) async fn check_written(scope: &mut Scope, access: &DocumentAccess) -> Result<(), Fault> {
    let row = sqlx::query!(
        r#"select w.status, (w.read_revision < w.revision or exists (select from documents n where n.replaces = w.document_id)) as "is_behind!"
           from written_documents w where w.document_id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_optional(scope.conn())
    .await?;
    let Some(row) = row else { return Ok(()) };
    if !WritingStatus::parse(&row.status).is_some_and(WritingStatus::vouches) {
        return Err(
            Error::conflict("Only an approved text goes to a public address. Have this one approved first.").into()
        );
    }
    if row.is_behind {
        return Err(Error::conflict("The last change is still being taken over. Publish in a few seconds.").into());
    }
    Ok(())
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
         where document_id = $1 and begun_at = $2 and withdrawn_at is null
             and exists (select from documents d where d.id = $1 and d.trashed_at is null)",
        Uuid::from(access.id()),
        begun.0 as OffsetDateTime,
        Uuid::from(scope.user_id()),
        sha256
    )
    .execute(scope.conn())
    .await?;
    Ok(done.rows_affected() == 1)
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
