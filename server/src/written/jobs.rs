//! From what is written to what answers are given from: the text becomes an object in the file store and a document that
//! takes the place of the old text when it is ready, like the new version of a file.

use crate::{
    AppState,
    documents::remove_files,
    events::{self, Notice},
    fault::Fault,
    jobs as queue,
    rag::extract::media_types,
    storage::ObjectKey,
};
use domain::{DocumentId, WorkspaceId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A text that ingestion does not have yet.
struct Unread {
    workspace: WorkspaceId,
    revision: i64,
    text: String,
    sha256: Vec<u8>,
    /// Ingestion has it already, or an equal one.
    is_known: bool,
}

/// Hands the present text over to ingestion, unless it has it.
///
/// # Errors
/// [`Fault::Database`] and [`Fault::Store`]; then nothing has changed.
pub(crate) async fn hand_over(state: &AppState, document: DocumentId) -> Result<(), Fault> {
    while !try_hand_over(state, document).await? {}
    Ok(())
}

/// False when ingestion has had another text than this one since it was looked at: then it begins anew.
async fn try_hand_over(state: &AppState, document: DocumentId) -> Result<bool, Fault> {
    let Some(unread) = find(state, document).await? else { return Ok(true) };
    let replacement = DocumentId::from(Uuid::now_v7());
    let key = ObjectKey::Document { workspace: unread.workspace, document: replacement };
    if !unread.is_known {
        state.store.put(key, media_types::MARKDOWN, unread.text.clone().into()).await?;
    }
    let mut system = state.db.system().await?;
    let conn = system.conn();
    // Two hand-overs of one document come one after the other.
    let read = sqlx::query!(
        "update written_documents set read_revision = $2 where document_id = $1 and read_revision < $2",
        Uuid::from(document),
        unread.revision
    )
    .execute(&mut *conn)
    .await?;
    if read.rows_affected() == 0 {
        // A newer text was handed over meanwhile, or the document is gone.
        drop(system);
        if !unread.is_known {
            remove_files(&state.store, vec![key]).await;
        }
        return Ok(true);
    }
    // Of an earlier text that is not ready yet nobody needs to hear.
    let superseded = sqlx::query!("delete from documents where replaces = $1 returning id", Uuid::from(document))
        .fetch_optional(&mut *conn)
        .await?;
    if unread.is_known && !is_still_known(conn, document, &unread).await? {
        return Ok(false);
    }
    if !unread.is_known {
        insert(conn, document, replacement, &unread, key).await?;
        queue::enqueue_ingest(conn, replacement).await?;
    }
    system.commit().await?;
    let superseded = superseded.map(|row| ObjectKey::Document { workspace: unread.workspace, document: row.id.into() });
    remove_files(&state.store, superseded.into_iter().collect()).await;
    Ok(true)
}

/// An earlier text that was in the making may have become ready meanwhile, and taken the place of this one.
async fn is_still_known(conn: &mut sqlx::PgConnection, document: DocumentId, unread: &Unread) -> Result<bool, Fault> {
    let has = sqlx::query!("select sha256, state from documents where id = $1 for no key update", Uuid::from(document))
        .fetch_optional(conn)
        .await?;
    Ok(has.is_some_and(|has| has.sha256 == unread.sha256 && has.state != "failed"))
}

async fn find(state: &AppState, document: DocumentId) -> Result<Option<Unread>, Fault> {
    let mut system = state.db.system().await?;
    let row = sqlx::query!(
        r#"select d.workspace_id, d.sha256, d.state, wd.revision, v.text as "text!"
           from written_documents wd
           join documents d on d.id = wd.document_id
           join lateral (
               select text from document_versions where document_id = wd.document_id order by number desc limit 1
           ) v on true
           where wd.document_id = $1 and wd.read_revision < wd.revision"#,
        Uuid::from(document)
    )
    .fetch_optional(system.conn())
    .await?;
    Ok(row.map(|row| {
        let sha256 = Sha256::digest(&row.text).to_vec();
        // One that failed is tried again.
        let is_known = sha256 == row.sha256 && row.state != "failed";
        Unread { workspace: row.workspace_id.into(), revision: row.revision, text: row.text, sha256, is_known }
    }))
}

async fn insert(
    conn: &mut sqlx::PgConnection,
    document: DocumentId,
    replacement: DocumentId,
    unread: &Unread,
    key: ObjectKey,
) -> Result<(), Fault> {
    let project = sqlx::query_scalar!(
        "insert into documents
             (id, workspace_id, project_id, folder_id, replaces, name, media_type, size_bytes, sha256, object_key, created_by,
              trashed_at, trashed_by, trashed_with)
         -- A document that went into the trash meanwhile has its version there too.
         select $1, d.workspace_id, d.project_id, d.folder_id, d.id, d.name, $3, $4, $5, $6, w.changed_by,
             d.trashed_at, d.trashed_by, d.trashed_with
         from documents d join written_documents w on w.document_id = d.id
         where d.id = $2
         returning project_id",
        Uuid::from(replacement),
        Uuid::from(document),
        media_types::MARKDOWN,
        i64::try_from(unread.text.len()).unwrap_or(i64::MAX),
        unread.sha256,
        key.to_string()
    )
    .fetch_one(&mut *conn)
    .await?;
    let notice = Notice::Document { project: project.into(), document };
    events::notify(conn, &notice).await
}
