//! Restoring a backup into a database and a bucket that hold nothing yet. Files come first and are only those of the backup,
//! then all rows in one transaction: a restore that breaks off has changed nothing that its repetition would not.

use super::{
    BackupError, Installation, Report, Tell,
    files::{Lines, Listed},
    manifest::{Manifest, TableFile, TableName},
    place::{self, Place},
    refuse, stream, tables, tell_files,
    verify::list,
    with_installation,
};
use crate::{
    auth,
    config::Config,
    db::{Db, System},
    fault::Fault,
    jobs, rag,
    startup::StartError,
    storage::{ObjectKey, ObjectPrefix, ObjectStore},
};
use domain::{DocumentId, Error};
use futures::StreamExt;
use sqlx::AssertSqlSafe;
use std::pin::pin;
use uuid::Uuid;

/// Restores the backup in `source` into the configured database and file store, which have to be empty. The database may have
/// been migrated, up to the backup's schema.
///
/// # Errors
/// A sentence, when there is no backup, when it is damaged, and when what it should go into holds something. The database is
/// then as empty as it was.
pub async fn restore(config: &Config, source: &str, tell: Tell<'_>) -> Result<Report, BackupError> {
    let place = Place::parse(source, config)?;
    let manifest = Manifest::read(&place).await?;
    with_installation(config, async |destination| into(destination, &place, &manifest, tell).await).await
}

pub(super) async fn into(
    destination: &Installation<'_>,
    place: &Place,
    manifest: &Manifest,
    tell: Tell<'_>,
) -> Result<Report, BackupError> {
    let Installation { db, store, .. } = destination;
    tell(format!("made on {} by Atelier {}", manifest.finished.date(), manifest.atelier));
    check_database(destination, manifest).await?;
    let mut files = list(place, manifest).await.map_err(|fault| explained(fault, "the list of files"))?;
    check_bucket(store, &mut files).await?;
    if let Some(version) = manifest.identity_schema {
        auth::migrate_embedded(db, Some(version)).await?;
    }
    db.migrate_to(manifest.schema).await.map_err(StartError::from)?;

    let mut report = Report::default();
    copy_files(store, place, files, &mut report, tell).await?;
    load(db, place, manifest, &mut report, tell).await?;

    if manifest.identity_schema.is_some() {
        auth::migrate_embedded(db, None).await?;
    }
    db.migrate().await.map_err(StartError::from)?;
    jobs::migrate(db).await?;
    tell("building the search index".to_owned());
    rag::index::restore_graph(db).await?;
    analyze(db, manifest).await?;
    Ok(report)
}

/// Whether the backup fits this release, this configuration and this database.
async fn check_database(destination: &Installation<'_>, manifest: &Manifest) -> Result<(), BackupError> {
    let mut system = destination.db.system().await?;
    if Db::newest_migration().is_none_or(|newest| newest < manifest.schema) {
        return refuse(format!(
            "The backup was made by Atelier {}, which is newer than this one. Restore it with that release.",
            manifest.atelier
        ));
    }
    match (manifest.identity_schema.is_some(), destination.with_accounts) {
        (true, false) => {
            return refuse(
                "The backup has the accounts of the embedded identity provider, and this configuration uses Supabase's. \
                 Set ATELIER_IDENTITY=embedded.",
            );
        }
        (false, true) => {
            return refuse(
                "The backup was made with Supabase, which keeps its people's accounts, and this configuration uses the \
                 embedded identity provider. Set SUPABASE_URL and the keys of that project.",
            );
        }
        _ => {}
    }
    let newer = |applied: Option<i64>, of_backup: i64| applied.is_some_and(|applied| applied > of_backup);
    let accounts = auth::embedded_schema(system.conn()).await?;
    if newer(system.applied_migration().await?, manifest.schema)
        || manifest.identity_schema.is_some_and(|version| newer(accounts, version))
    {
        return refuse(format!(
            "This database has the schema of a newer Atelier than {}, which made the backup. Restore into a new database; \
             it is migrated then.",
            manifest.atelier
        ));
    }
    check_empty(&mut system, manifest).await
}

async fn check_empty(system: &mut System, manifest: &Manifest) -> Result<(), BackupError> {
    let names = manifest.tables.iter().map(|file| &file.table);
    let filled = tables::with_rows(system.conn(), names).await?;
    if filled.is_empty() {
        return Ok(());
    }
    refuse(format!(
        "This database is not empty: there are rows in {}. Restore into a new one, or drop these tables first.",
        filled.join(", ")
    ))
}

/// Objects that are the backup's own are let be: a restore that broke off has brought them.
async fn check_bucket(store: &ObjectStore, files: &mut Lines<Listed>) -> Result<(), BackupError> {
    let mut listed = pin!(files.read().await?);
    let mut next: Option<String> = None;
    let mut after = String::new();
    loop {
        let page = store.list(ObjectPrefix::All, Some(&after)).await?;
        for object in &page.objects {
            // Both are in the order of their bytes.
            while next.as_ref().is_none_or(|key| *key < object.key) {
                match listed.next().await {
                    Some(one) => next = Some(one?.named.key),
                    None => break,
                }
            }
            // A copy that is about to become a public one has a key of its own; see `publish`.
            if next.as_ref() != Some(&object.key) && !is_staged(&object.key) {
                return refuse(format!(
                    "The file store is not empty: it has {}, which is not in the backup. Restore into a new bucket.",
                    object.key
                ));
            }
        }
        match page.objects.last() {
            Some(last) if page.more => after = last.key.clone(),
            _ => return Ok(()),
        }
    }
}

async fn copy_files(
    store: &ObjectStore,
    place: &Place,
    mut files: Lines<Listed>,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), BackupError> {
    let mut files = pin!(files.read().await?);
    while let Some(one) = files.next().await {
        let Listed { named, media_type, disposition, absent } = one?;
        if let Some(why) = absent {
            tell(format!("not in the backup: {} (document {}): {why}", named.name, named.document));
            continue;
        }
        let what = || format!("{} (document {})", named.name, named.document);
        let Some(key) = ObjectKey::parse(&named.key) else {
            return refuse(format!("The backup has a file that is none of Atelier's: {}.", named.key));
        };
        let content = place.read(&place::file(named.sha256)).await.map_err(|fault| explained(fault, &what()))?;
        let content = stream::checked(content, named.sha256, named.size);
        let stored = match (key, disposition) {
            (ObjectKey::Published { .. }, Some(disposition)) => {
                publish(store, key, &media_type, &disposition, content).await
            }
            _ => store.put_stream(key, &media_type, content, u64::MAX).await.map(|_| ()),
        };
        stored.map_err(|fault| explained(fault, &what()))?;
        report.count(named.size.unwrap_or_default(), true);
        tell_files(tell, report.files);
    }
    Ok(())
}

/// The place of a file that is about to be published: no document has the id that is all zeros.
fn staging(key: ObjectKey) -> ObjectKey {
    let (ObjectKey::Document { workspace, .. } | ObjectKey::Published { workspace, .. }) = key;
    ObjectKey::Document { workspace, document: DocumentId::from(Uuid::nil()) }
}

fn is_staged(key: &str) -> bool {
    ObjectKey::parse(key).is_some_and(|key| staging(key) == key)
}

/// What the public address says of a file is said when an object is copied, here as when somebody publishes it.
async fn publish(
    store: &ObjectStore,
    key: ObjectKey,
    media_type: &str,
    disposition: &str,
    content: stream::Pieces<'_>,
) -> Result<(), Fault> {
    let staged = staging(key);
    store.put_stream(staged, media_type, content, u64::MAX).await?;
    store.copy(staged, key, media_type, disposition).await?;
    store.delete(staged).await
}

async fn load(
    db: &Db,
    place: &Place,
    manifest: &Manifest,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), BackupError> {
    let mut system = db.system().await?;
    tables::set_formats(system.conn()).await?;
    rag::index::forget_all(system.conn()).await?;
    // What a trigger would do has been done: its effects are rows of the backup. This locks the tables too.
    switch_triggers(&mut system, manifest, "disable").await?;
    check_empty(&mut system, manifest).await?;
    for file in &manifest.tables {
        let rows = copy_in(&mut system, place, file).await?;
        tell(format!("{}: {rows} rows", file.table));
        report.tables += 1;
        report.rows += rows;
        for sequence in &file.sequences {
            sqlx::query("select setval(pg_get_serial_sequence($1, $2)::regclass, $3, $4)")
                .bind(file.table.quoted())
                .bind(&sequence.column)
                .bind(sequence.last_value)
                .bind(sequence.is_called)
                .execute(system.conn())
                .await?;
        }
    }
    jobs::lease::give_back_all(&mut system).await?;
    switch_triggers(&mut system, manifest, "enable").await?;
    Ok(system.commit().await?)
}

async fn switch_triggers(system: &mut System, manifest: &Manifest, how: &str) -> Result<(), Fault> {
    for file in &manifest.tables {
        let switch = AssertSqlSafe(format!("alter table {} {how} trigger user", file.table.quoted()));
        sqlx::query(switch).execute(system.conn()).await?;
    }
    Ok(())
}

async fn copy_in(system: &mut System, place: &Place, file: &TableFile) -> Result<u64, BackupError> {
    let what = file.table.to_string();
    let content = place.read(&file.content.file).await.map_err(|fault| explained(fault, &what))?;
    let mut content = stream::gunzip(stream::checked_content(content, &file.content));
    let mut copy = system.conn().copy_in_raw(&tables::copy(&file.table, &file.columns, "from stdin")).await?;
    while let Some(piece) = content.next().await {
        match piece {
            Ok(piece) => {
                copy.send(piece).await?;
            }
            Err(fault) => {
                // What Postgres may have found wrong in it by itself says less.
                copy.abort("the backup is damaged").await.ok();
                return Err(explained(fault, &what));
            }
        }
    }
    let rows = copy.finish().await?;
    if rows == file.rows {
        return Ok(rows);
    }
    refuse(format!("The backup is damaged: {what} has {rows} rows, and its manifest says {}.", file.rows))
}

/// A sentence for what is missing in the backup, or damaged.
fn explained(fault: Fault, what: &str) -> BackupError {
    let why = match &fault {
        Fault::Refused(Error::NotFound) => Some("it is missing"),
        other => stream::damage(other),
    };
    match why {
        Some(why) => BackupError::Refused(format!(
            "The backup is damaged: {what}: {why}. Nothing was restored into the database. Use another backup."
        )),
        None => fault.into(),
    }
}

/// So that the first searches find good plans.
async fn analyze(db: &Db, manifest: &Manifest) -> Result<(), Fault> {
    let names: Vec<String> = manifest.tables.iter().map(|file| TableName::quoted(&file.table)).collect();
    let analyze = AssertSqlSafe(format!("analyze {}", names.join(", ")));
    sqlx::query(analyze).execute(&mut *db.outside_transactions().await?).await?;
    Ok(())
}
