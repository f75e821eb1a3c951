//! Whether a backup is whole. Nothing is needed for it but the backup.

use super::{
    BackupError, Report, Tell,
    files::{Lines, Listed},
    manifest::{Manifest, TableFile},
    place::{self, Place},
    stream, tell_files,
};
use crate::{config::Config, fault::Fault};
use domain::Error;
use futures::StreamExt;
use std::pin::pin;

/// Reads the whole backup in `source` and compares all that it holds with what its manifest says.
///
/// # Errors
/// A sentence when there is no backup, or when it cannot be read. What is missing or damaged in it is told, and counted in the
/// report.
pub async fn verify(config: &Config, source: &str, tell: Tell<'_>) -> Result<Report, BackupError> {
    let place = Place::parse(source, config)?;
    check(&place, tell).await
}

pub(super) async fn check(place: &Place, tell: Tell<'_>) -> Result<Report, BackupError> {
    let manifest = Manifest::read(place).await?;
    tell(format!("made on {} by Atelier {}", manifest.finished.date(), manifest.atelier));
    let mut report = Report::default();
    for table in &manifest.tables {
        report.tables += 1;
        match table_rows(place, table).await {
            Ok(rows) => report.rows += rows,
            Err(fault) => told(fault, &table.table.to_string(), &mut report, tell)?,
        }
    }
    match list(place, &manifest).await {
        Ok(listed) => check_files(place, listed, &mut report, tell).await?,
        Err(fault) => told(fault, "the list of files", &mut report, tell)?,
    }
    Ok(report)
}

/// The list of a backup's files, checked.
pub(super) async fn list(place: &Place, manifest: &Manifest) -> Result<Lines<Listed>, Fault> {
    let content = &manifest.files.content;
    Lines::unpack(stream::checked_content(place.read(&content.file).await?, content)).await
}

async fn table_rows(place: &Place, table: &TableFile) -> Result<u64, Fault> {
    let content = stream::checked_content(place.read(&table.content.file).await?, &table.content);
    let mut rows = 0;
    let mut content = stream::gunzip(content);
    while let Some(piece) = content.next().await {
        rows += piece?.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    if rows == table.rows {
        return Ok(rows);
    }
    Err(Error::conflict(format!("it has {rows} rows, and the manifest says {}", table.rows)).into())
}

async fn check_files(
    place: &Place,
    mut listed: Lines<Listed>,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), BackupError> {
    let mut listed = pin!(listed.read().await?);
    while let Some(one) = listed.next().await {
        let Listed { named, absent: None, .. } = one? else { continue };
        let read = async {
            let content = place.read(&place::file(named.sha256)).await?;
            stream::drain(stream::checked(content, named.sha256, named.size)).await
        };
        match read.await {
            Ok(()) => {
                report.count(named.size.unwrap_or_default(), false);
                tell_files(tell, report.files);
            }
            Err(fault) => {
                let file = place::file(named.sha256);
                let mend = format!("delete {file}, and the next backup sends it again");
                told(fault, &format!("{} (document {}; {mend})", named.name, named.document), report, tell)?;
            }
        }
    }
    Ok(())
}

/// Tells of what is missing or damaged; any other failure ends the check.
fn told(fault: Fault, what: &str, report: &mut Report, tell: Tell<'_>) -> Result<(), Fault> {
    let why = match &fault {
        Fault::Refused(Error::NotFound) => "it is missing",
        other => match stream::damage(other) {
            Some(why) => why,
            None => return Err(fault),
        },
    };
    tell(format!("DAMAGED: {what}: {why}"));
    report.lost += 1;
    Ok(())
}
