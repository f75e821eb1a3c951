//! Making a backup: the tables in one snapshot, then the files that its rows name, and the manifest last.

use super::{
    BackupError, Installation, Report, Tell,
    files::{self, Lines, Listed, Named},
    manifest::{Beginning, Content, FileList, Hash, Manifest, TableFile},
    open,
    place::{self, Place},
    refuse, stream,
    tables::{self, Table},
    tell_files, with_installation,
};
use crate::{
    auth,
    config::Config,
    db::System,
    fault::Fault,
    storage::{ObjectKey, Stored},
};
use futures::StreamExt;
use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// A run that was begun longer ago and is not the newest was broken off.
const LONGEST: time::Duration = time::Duration::days(2);

/// Files copied at once: each holds a part of [`crate::storage::PART_BYTES`] in memory at most.
const AT_ONCE: usize = 4;

/// Makes a backup of the configured database and files in `target`: a folder, or `s3://bucket/prefix`. Everything may go on
/// running meanwhile. Files that lie there from an earlier backup are not sent again; what was a backup there stays one until
/// the new one is finished.
///
/// # Errors
/// A sentence; then `target` is as it was, but for what the next try need not send again. A file that is missing is no error
/// but in the report.
pub async fn backup(config: &Config, target: &str, tell: Tell<'_>) -> Result<Report, BackupError> {
    let place = Place::parse(target, config)?;
    place.check().await?;
    with_installation(config, async |source| make(source, &place, tell).await).await
}

pub(super) async fn make(source: &Installation<'_>, place: &Place, tell: Tell<'_>) -> Result<Report, BackupError> {
    let started = OffsetDateTime::now_utc();
    let before = previous(place).await;
    let run = Uuid::now_v7();
    let mut report = Report::default();

    let mut snapshot = source.db.snapshot().await?;
    tables::set_formats(snapshot.conn()).await?;
    let Some(schema) = snapshot.applied_migration().await? else {
        return refuse("This database has no tables of Atelier: there is nothing to back up. Check DATABASE_URL.");
    };
    let identity_schema = if source.with_accounts { auth::embedded_schema(snapshot.conn()).await? } else { None };
    let beginning = Beginning { started, run, schema, identity_schema };
    let mut written = Vec::new();
    for table in tables::find(snapshot.conn(), identity_schema.is_some()).await? {
        let file = copy_out(&mut snapshot, place, run, table).await?;
        tell(format!("{}: {} rows", file.table, file.rows));
        report.tables += 1;
        report.rows += file.rows;
        written.push(file);
    }
    let named = files::named(&mut snapshot).await?;
    drop(snapshot);

    let list = copy_files(source, place, run, named, &mut report, tell).await?;
    Manifest::new(beginning, written, list).write(place).await?;
    forget_others(place, run, before.map(|before| before.run)).await;
    Ok(report)
}

/// One that cannot be read any more is none.
async fn previous(place: &Place) -> Option<Manifest> {
    Manifest::find(place).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is in the place of the backup before is left there");
        None
    })
}

async fn copy_out(snapshot: &mut System, place: &Place, run: Uuid, table: Table) -> Result<TableFile, BackupError> {
    let Table { name, columns, sequences } = table;
    let file = place::table(run, &name);
    let rows = AtomicU64::new(0);
    // Each row is a line: what is a line's end in a value is written in another way.
    let content = snapshot.conn().copy_out_raw(&tables::copy(&name, &columns, "to stdout")).await?;
    let stored = place.write(&file, stream::gzip(content, &rows)).await?;
    let rows = rows.load(Ordering::Relaxed);
    Ok(TableFile { table: name, columns, sequences, rows, content: content_of(file, stored) })
}

fn content_of(file: String, stored: Stored) -> Content {
    Content { file, size: stored.size, sha256: Hash(stored.sha256) }
}

async fn copy_files(
    source: &Installation<'_>,
    place: &Place,
    run: Uuid,
    mut named: Lines<Named>,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<FileList, BackupError> {
    let mut listed = Lines::new()?;
    {
        let copies = named.read().await?.map(|named| async move { copy_file(source, place, named?).await });
        let mut copies = pin!(copies.buffered(AT_ONCE));
        while let Some(copied) = copies.next().await {
            let Copied { listed: one, transferred, lost } = copied?;
            match &one.absent {
                Some(why) => {
                    let about = if lost { "MISSING" } else { "gone meanwhile" };
                    tell(format!("{about}: {} (document {}): {why}", one.named.name, one.named.document));
                    report.lost += u64::from(lost);
                }
                None => {
                    report.count(one.named.size.unwrap_or_default(), transferred);
                    tell_files(tell, report.files);
                }
            }
            listed.push(&one).await?;
        }
    }
    let lines = AtomicU64::new(0);
    let file = place::list(run);
    let stored = place.write(&file, listed.compressed(&lines).await?).await?;
    let absent = lines.load(Ordering::Relaxed) - report.files;
    Ok(FileList { present: report.files, absent, content: content_of(file, stored) })
}

struct Copied {
    listed: Listed,
    transferred: bool,
    /// It is not in the backup and should be.
    lost: bool,
}

async fn copy_file(source: &Installation<'_>, place: &Place, named: Named) -> Result<Copied, Fault> {
    let Some(key) = ObjectKey::parse(&named.key) else {
        return Ok(absent(named, "its row names an object that is none of Atelier's", true));
    };
    let file = place::file(named.sha256);
    let kept = place.size(&file).await?;
    let Some(object) = open(source.store, key).await? else {
        let lost = files::is_named(source.db, &named).await?;
        let why = if lost { "its file is not in the file store" } else { "it was deleted, or has another file by now" };
        return Ok(absent(named, why, lost));
    };
    let (media_type, disposition, size) = (object.media_type, object.disposition, object.size);
    let transferred = kept != Some(size) || named.size.is_some_and(|known| known != size);
    if transferred {
        let content = stream::checked(object.stream, named.sha256, named.size);
        if let Err(fault) = place.write(&file, content).await {
            return match stream::damage(&fault) {
                // What is published anew meanwhile has another content at the same place, and is in the next backup.
                Some(why) => {
                    let lost = files::is_named(source.db, &named).await?;
                    Ok(absent(named, why, lost))
                }
                None => Err(fault),
            };
        }
    }
    let named = Named { size: Some(size), ..named };
    Ok(Copied { listed: Listed { named, media_type, disposition, absent: None }, transferred, lost: false })
}

fn absent(named: Named, why: &str, lost: bool) -> Copied {
    let listed = Listed { named, media_type: String::new(), disposition: None, absent: Some(why.to_owned()) };
    Copied { listed, transferred: false, lost }
}

/// Removes the tables of the backup before, and of those that were broken off. What stays of them by a failure does no harm.
async fn forget_others(place: &Place, run: Uuid, before: Option<Uuid>) {
    let now = OffsetDateTime::now_utc();
    let may_be_under_way = |other: Uuid| {
        let begun = other.get_timestamp().map(|begun| begun.to_unix().0).and_then(|begun| i64::try_from(begun).ok());
        begun.is_some_and(|begun| now.unix_timestamp() - begun < LONGEST.whole_seconds())
    };
    let keep = |other: Uuid| other == run || (Some(other) != before && may_be_under_way(other));
    if let Err(error) = place.forget_runs(keep).await {
        tracing::warn!(%error, "the tables of a backup before could not be removed");
    }
}
