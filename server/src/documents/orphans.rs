//! Where the database and the store disagree: objects without a row, documents without an object, uploads that nobody
//! finishes. A commit and an object cannot be made at once, so a crash between them leaves one without the other; this
//! finds and mends it, some time later.

use crate::{
    AppState,
    db::System,
    events::{self, Notice},
    fault::Fault,
    storage::{Listed, ObjectKey, ObjectPrefix, ObjectStore},
};
use domain::{DocumentId, Error, ProjectId};
use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};
use uuid::Uuid;

/// An upload by form makes its rows when its last file is stored: nothing younger is looked at.
pub const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Rows read at once.
const ROWS: i64 = 1000;
/// What one sweep mends; the next one does the rest.
const MOST: usize = 10_000;
/// Up to this many are mended whatever their share.
const FEW: usize = 20;

const MISSING: &str = "The file is missing from the file store. Upload it again.";

/// What a sweep found; for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Objects without a row, removed.
    pub removed: usize,
    /// Documents without an object, set failed.
    pub missing: usize,
    /// Uploads that ran out.
    pub expired: usize,
    /// Multipart uploads that no row knows, aborted.
    pub aborted: usize,
    /// Objects that Atelier has not put there; they stay.
    pub foreign: usize,
}

/// Compares the store with the database and mends what is older than `grace`. Several servers may do it at once.
///
/// # Errors
/// [`Fault::Database`] and [`Fault::Store`]; what is mended by then stays so.
pub async fn sweep(state: &AppState, grace: Duration) -> Result<Found, Fault> {
    let mut found = Found { expired: expire_uploads(state).await?, ..Found::default() };
    let differences = compare(state, grace).await?;
    found.foreign = differences.foreign;
    if trusted("files without a document", differences.orphans.len(), differences.objects) {
        found.removed = remove(state, &differences.orphans).await?;
    }
    if trusted("documents without a file", differences.missing.len(), differences.rows) {
        found.missing = set_failed(state, &differences.missing).await?;
    }
    found.aborted = abort_unknown(state, grace).await?;
    Ok(found)
}

/// Whoever is given another bucket, or another database, finds that nearly nothing fits. Then nothing is touched: what
/// looks like an orphan is somebody's file.
fn trusted(what: &str, differing: usize, all: usize) -> bool {
    let trusted = differing <= FEW || differing * 2 <= all;
    if !trusted {
        tracing::error!(
            "{differing} of {all} are {what}, so nothing was changed. Do DATABASE_URL and R2_BUCKET belong together? Files that are none of this database's can be deleted in the bucket by hand."
        );
    }
    trusted
}

#[derive(Default)]
struct Differences {
    orphans: Vec<String>,
    missing: Vec<Row>,
    objects: usize,
    rows: usize,
    foreign: usize,
}

struct Row {
    id: Uuid,
    project_id: Uuid,
    object_key: String,
    /// Older than the grace, and read to its end.
    settled: bool,
}

/// Walks through both in the order of their keys.
async fn compare(state: &AppState, grace: Duration) -> Result<Differences, Fault> {
    let mut differences = Differences::default();
    let mut after = String::new();
    loop {
        let page = state.store.list(ObjectPrefix::All, Some(&after)).await?;
        let last = page.objects.last().map(|object| object.key.clone());
        let upto = last.clone().filter(|_| page.more);
        compare_page(state, grace, &page.objects, (&after, upto.as_deref()), &mut differences).await?;
        let full = differences.orphans.len() >= MOST || differences.missing.len() >= MOST;
        match upto {
            Some(last) if !full => after = last,
            _ => return Ok(differences),
        }
    }
}

/// Compares one page of objects with the rows whose keys lie in the same range.
async fn compare_page(
    state: &AppState,
    grace: Duration,
    objects: &[Listed],
    (after, upto): (&str, Option<&str>),
    differences: &mut Differences,
) -> Result<(), Fault> {
    let there: HashSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let mut known = HashSet::new();
    let mut from = after.to_owned();
    loop {
        let mut system = state.db.system().await?;
        let rows = rows(&mut system, &from, upto, grace).await?;
        drop(system);
        let more = rows.len() as i64 == ROWS;
        if let Some(last) = rows.last() {
            from = last.object_key.clone();
        }
        for row in rows {
            differences.rows += 1;
            if there.contains(row.object_key.as_str()) {
                known.insert(row.object_key);
            } else if row.settled && differences.missing.len() < MOST {
                differences.missing.push(row);
            }
        }
        if !more {
            break;
        }
    }
    let published = published(state, objects).await?;
    let before = SystemTime::now() - grace;
    for object in objects {
        differences.objects += 1;
        let owned = match ObjectKey::parse(&object.key) {
            None => {
                differences.foreign += 1;
                continue;
            }
            Some(ObjectKey::Document { .. }) => known.contains(&object.key),
            Some(ObjectKey::Published { document, .. }) => published.contains(&document.into()),
        };
        if !owned && object.modified <= before && differences.orphans.len() < MOST {
            differences.orphans.push(object.key.clone());
        }
    }
    Ok(())
}

/// Documents whose published copies are among the objects, as far as they are published or about to be withdrawn.
async fn published(state: &AppState, objects: &[Listed]) -> Result<HashSet<Uuid>, Fault> {
    let documents: Vec<Uuid> = objects
        .iter()
        .filter_map(|object| match ObjectKey::parse(&object.key)? {
            ObjectKey::Published { document, .. } => Some(document.into()),
            ObjectKey::Document { .. } => None,
        })
        .collect();
    if documents.is_empty() {
        return Ok(HashSet::new());
    }
    let mut system = state.db.system().await?;
    let rows = sqlx::query_scalar!("select document_id from publications where document_id = any($1)", &documents);
    Ok(rows.fetch_all(system.conn()).await?.into_iter().collect())
}

async fn rows(system: &mut System, after: &str, upto: Option<&str>, grace: Duration) -> Result<Vec<Row>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, project_id, object_key, (state = 'ready' and updated_at <= now() - make_interval(secs => $3)) as "settled!"
           from documents
           where object_key collate "C" > $1 and ($2::text is null or object_key collate "C" <= $2)
           order by object_key collate "C" limit $4"#,
        after,
        upto,
        grace.as_secs_f64(),
        ROWS
    );
    Ok(rows.fetch_all(system.conn()).await?)
}

/// Removes what still has no row, neither a document's nor an upload's.
async fn remove(state: &AppState, orphans: &[String]) -> Result<usize, Fault> {
    let mut removed = 0;
    for keys in orphans.chunks(1000) {
        let mut system = state.db.system().await?;
        let owned: HashSet<String> = sqlx::query_scalar!(
            r#"select object_key as "key!" from documents where object_key = any($1)
               union all select object_key from uploads where object_key = any($1)"#,
            keys
        )
        .fetch_all(system.conn())
        .await?
        .into_iter()
        .collect();
        drop(system);
        let keys: Vec<String> = keys.iter().filter(|key| !owned.contains(*key)).cloned().collect();
        state.store.delete_all(&keys).await?;
        removed += keys.len();
    }
    Ok(removed)
}

/// Their text stays, so that nothing is lost should the file come back; `Retry` reads it again then.
async fn set_failed(state: &AppState, missing: &[Row]) -> Result<usize, Fault> {
    let mut changed = 0;
    for row in missing {
        let Some(key) = ObjectKey::parse(&row.object_key) else { continue };
        // A listing may be behind: only the object itself says that it is gone.
        match state.store.head(key).await {
            Err(Fault::Refused(Error::NotFound)) => {}
            Err(fault) => return Err(fault),
            Ok(_) => continue,
        }
        let mut system = state.db.system().await?;
        let failed = sqlx::query!(
            "update documents set state = 'failed', failure = $2, lease_epoch = lease_epoch + 1, updated_at = now()
             where id = $1 and state = 'ready'",
            row.id,
            MISSING
        )
        .execute(system.conn())
        .await?;
        if failed.rows_affected() > 0 {
            let (project, document) = (ProjectId::from(row.project_id), DocumentId::from(row.id));
            events::notify(system.conn(), &Notice::Document { project, document }).await?;
            tracing::error!(%document, %key, "a document's file is missing from the store");
            changed += 1;
        }
        system.commit().await?;
    }
    Ok(changed)
}

/// Forgets uploads that ran out, with their parts. A finished one's document stays.
async fn expire_uploads(state: &AppState) -> Result<usize, Fault> {
    let mut system = state.db.system().await?;
    let expired = sqlx::query!(
        "delete from uploads where expires_at < now() returning object_key, store_upload, finished_at is null as unfinished"
    )
    .fetch_all(system.conn())
    .await?;
    system.commit().await?;
    for upload in &expired {
        if let (Some(true), Some(name)) = (upload.unfinished, &upload.store_upload) {
            abort(&state.store, &upload.object_key, name).await;
        }
    }
    Ok(expired.len())
}

/// Aborts multipart uploads that no row knows: their process died, or their row is gone.
async fn abort_unknown(state: &AppState, grace: Duration) -> Result<usize, Fault> {
    let before = SystemTime::now() - grace;
    let unfinished = state.store.list_unfinished(ObjectPrefix::All).await?;
    let old: Vec<_> = unfinished
        .into_iter()
        .filter(|upload| upload.begun <= before && ObjectKey::parse(&upload.key).is_some())
        .collect();
    let names: Vec<String> = old.iter().map(|upload| upload.upload.clone()).collect();
    let mut system = state.db.system().await?;
    let known: HashSet<String> =
        sqlx::query_scalar!(r#"select store_upload as "name!" from uploads where store_upload = any($1)"#, &names)
            .fetch_all(system.conn())
            .await?
            .into_iter()
            .collect();
    drop(system);
    let mut aborted = 0;
    for upload in old.iter().filter(|upload| !known.contains(&upload.upload)) {
        aborted += usize::from(abort(&state.store, &upload.key, &upload.upload).await);
    }
    Ok(aborted)
}

/// False when it failed; the next sweep tries again.
async fn abort(store: &ObjectStore, key: &str, upload: &str) -> bool {
    match store.abort_parts(key, upload).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(key, %error, "an unfinished upload could not be aborted");
            false
        }
    }
}
