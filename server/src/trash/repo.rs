//! SQL of the trash's list.

use super::Owner;
use crate::{access::ProjectAccess, db::Scope, fault::Fault, http::page, workspaces::repo::count};
use domain::{
    DocumentId, FolderId, Page, PageRequest,
    folders::{Item, Items},
    trash::{KEPT_DAYS, Trashed},
};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Entries that are deleted in one transaction when the trash is emptied.
const DELETED_AT_ONCE: i64 = 50;

struct Row {
    id: Uuid,
    is_folder: bool,
    name: String,
    folder_name: Option<String>,
    document_count: i64,
    trashed_by: String,
    trashed_at: OffsetDateTime,
}

impl From<Row> for Trashed {
    fn from(row: Row) -> Self {
        Self {
            item: if row.is_folder { Item::Folder(row.id.into()) } else { Item::Document(row.id.into()) },
            name: row.name,
            folder_name: row.folder_name,
            document_count: count(row.document_count),
            trashed_by: row.trashed_by,
            trashed_at: row.trashed_at,
            kept_until: row.trashed_at + Duration::days(KEPT_DAYS),
        }
    }
}

pub(super) async fn list(
    scope: &mut Scope,
    access: &ProjectAccess,
    request: &PageRequest,
) -> Result<Page<Trashed>, Fault> {
    let after: Option<page::Recent> = page::after(request)?;
    // A version in the making is in the trash with its document, and is not an entry of its own.
    let rows = sqlx::query_as!(
        Row,
        r#"select t.id as "id!", t.is_folder as "is_folder!", t.name as "name!", p.name as "folder_name?",
               case when t.is_folder then (select count(*) from documents d where d.trashed_with = t.id) else 0 end as "document_count!",
               coalesce(u.display_name, '') as "trashed_by!", t.trashed_at as "trashed_at!: OffsetDateTime"
           from (
               select coalesce(trash_emptied_at, '-infinity') as emptied_at from projects where id = $1
           ) e cross join lateral (
               (select id, true as is_folder, name, parent_id as place, trashed_at, trashed_by
                from folders
                where project_id = $1 and trashed_at is not null and trashed_with is null and erased_at is null
                    and trashed_at > e.emptied_at
                    and (trashed_at, id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
                order by trashed_at desc, id desc limit $4)
               union all
               (select id, false, name, folder_id, trashed_at, trashed_by
                from documents
                where project_id = $1 and trashed_at is not null and trashed_with is null and replaces is null
                    and trashed_at > e.emptied_at
                    and (trashed_at, id) < (coalesce($2, 'infinity'::timestamptz), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
                order by trashed_at desc, id desc limit $4)
           ) t
           left join folders p on p.id = t.place and p.trashed_at is null
           left join users u on u.id = t.trashed_by
           order by t.trashed_at desc, t.id desc
           limit $4"#,
        Uuid::from(access.id()),
        after.map(|key| key.updated_at) as Option<OffsetDateTime>,
        after.map(|key| key.id),
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let items = rows.into_iter().map(Into::into).collect();
    Ok(page::page(items, request, |entry: &Trashed| page::Recent {
        updated_at: entry.trashed_at,
        id: match entry.item {
            Item::Folder(id) => id.into(),
            Item::Document(id) => id.into(),
        },
    })?)
}

/// From now on all that is in the trash is to be deleted. To be called under the project's lock: what is put there later is
/// put there after this time.
pub(super) async fn mark_emptied(conn: &mut PgConnection, owner: Owner) -> Result<OffsetDateTime, Fault> {
    let emptied_at = sqlx::query_scalar!(
        r#"update projects set trash_emptied_at = clock_timestamp() where id = $1
           returning trash_emptied_at as "emptied_at!: OffsetDateTime""#,
        Uuid::from(owner.project)
    );
    Ok(emptied_at.fetch_one(conn).await?)
}

/// Some entries that were put into the trash by then; none when there are no more. To be called under the project's lock.
/// Documents first: those in a folder that is in the trash too were put there by themselves.
pub(super) async fn some_of(conn: &mut PgConnection, owner: Owner, before: OffsetDateTime) -> Result<Items, Fault> {
    let project = Uuid::from(owner.project);
    let documents = sqlx::query_scalar!(
        "select id from documents
         where project_id = $1 and trashed_at is not null and trashed_with is null and trashed_at <= $2
         order by trashed_at desc, id desc limit $3",
        project,
        before as OffsetDateTime,
        DELETED_AT_ONCE
    )
    .fetch_all(&mut *conn)
    .await?;
    let folders = match documents.len() {
        0 => {
            sqlx::query_scalar!(
                "select id from folders
                 where project_id = $1 and trashed_at is not null and trashed_with is null and trashed_at <= $2
                     and erased_at is null
                 order by trashed_at desc, id desc limit $3",
                project,
                before as OffsetDateTime,
                DELETED_AT_ONCE
            )
            .fetch_all(conn)
            .await?
        }
        _ => Vec::new(),
    };
    Ok(Items {
        folders: folders.into_iter().map(FolderId::from).collect(),
        documents: documents.into_iter().map(DocumentId::from).collect(),
    })
}
