//! Uploads: each file goes from the request straight to the store, and gets its row when all of them are there.

use super::{
    media_type::{self, TextCheck, is_text},
    remove_files,
    repo::{self, NewDocument},
};
use crate::{
    access::ProjectAccess,
    db::Scope,
    events::{self, Notice},
    fault::Fault,
    folders,
    http::error::HttpError,
    jobs,
    projects::repo::touch,
    session::UserSession,
    storage::ObjectKey,
};
use axum::extract::{Multipart, multipart::Field};
use bytes::Bytes;
use domain::{DocumentId, Error, FieldError, FolderId, ProjectId, documents::Document, workspaces::Role};
use futures::{Stream, StreamExt};
use std::time::Duration;
use uuid::Uuid;

/// Files of one request.
const MAX_FILES: usize = 100;

/// Characters of a file's name.
const MAX_NAME: usize = 255;

/// How long the rest of a refused request is read, so that its sender comes to read the answer.
const DRAIN: Duration = Duration::from_secs(20);

/// What the files of a form become.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Documents {
        project: ProjectId,
        folder: Option<FolderId>,
    },
    /// The next version of a document, from one file.
    Version {
        of: DocumentId,
    },
}

impl Purpose {
    async fn access(self, session: &UserSession) -> Result<ProjectAccess, Fault> {
        let mut scope = session.reading().await?;
        match self {
            Self::Documents { project, folder } => {
                let access = scope.project(project, Role::Member).await?;
                folders::repo::path(scope.conn(), project, folder).await?;
                Ok(access)
            }
            Self::Version { of } => Ok(scope.document(of, Role::Member).await?.project()),
        }
    }

    /// In a transaction that is still to be committed.
    async fn insert(self, session: &UserSession, files: &[NewDocument]) -> Result<(Scope, Vec<Document>), Fault> {
        let mut scope = session.scope().await?;
        let documents = match (self, files) {
            (Self::Documents { project, folder }, files) => insert_all(&mut scope, project, folder, files).await?,
            (Self::Version { of }, [file]) => insert_version(&mut scope, of, file).await?,
            (Self::Version { .. }, _) => {
                return Err(Error::invalid("file", "Choose one file: the new version of this document.").into());
            }
        };
        Ok((scope, documents))
    }
}

/// Stores the form's files and queues their ingestion: all of them or, on any error, none.
///
/// # Errors
/// `NotFound` and `Forbidden` before anything is read; `Invalid` on `file`; `TooLarge`; 400 when the form breaks off;
/// `Conflict` when a document is to get a version that takes none.
pub(super) async fn receive(
    session: UserSession,
    purpose: Purpose,
    mut form: Multipart,
) -> Result<Vec<Document>, HttpError> {
    let access = purpose.access(&session).await?;
    // A task of its own, because a request that is cut off here would leave files without rows.
    let task = tokio::spawn(async move {
        let mut files = Vec::new();
        let inserted = match store_all(&session, &access, &mut form, &mut files).await {
            Ok(()) => purpose.insert(&session, &files).await.map_err(HttpError::from),
            Err(error) => Err(error),
        };
        match inserted {
            // A commit whose answer is lost may have happened. Files without rows cost space; rows without files are
            // lost work. So nothing is removed from here on.
            Ok((scope, documents)) => scope.commit().await.map(|()| documents).map_err(HttpError::from),
            Err(error) => {
                remove_files(&session.state.store, files.into_iter().map(|file| file.key).collect()).await;
                drain(form, session.state.config.limits.max_upload_bytes).await;
                Err(error)
            }
        }
    });
    task.await.map_err(|error| HttpError::from(Fault::while_doing("take an upload")(error)))?
}

async fn store_all(
    session: &UserSession,
    access: &ProjectAccess,
    form: &mut Multipart,
    files: &mut Vec<NewDocument>,
) -> Result<(), HttpError> {
    while let Some(field) = form.next_field().await? {
        if field.name() != Some("file") {
            continue;
        }
        if files.len() == MAX_FILES {
            return Err(FieldError::new("file", format!("Add at most {MAX_FILES} files at once.")).into());
        }
        files.push(store(session, access, field).await?);
    }
    if files.is_empty() { Err(nothing_chosen().into()) } else { Ok(()) }
}

fn nothing_chosen() -> FieldError {
    FieldError::new("file", "Choose a file to add.")
}

async fn store(session: &UserSession, access: &ProjectAccess, mut field: Field<'_>) -> Result<NewDocument, HttpError> {
    let Some(name) = field.file_name().map(file_name) else {
        return Err(FieldError::new("file", "Send each file as a part with a file name.").into());
    };
    let mut beginning = Vec::new();
    let mut head = Vec::new();
    while head.len() < media_type::PEEK
        && let Some(chunk) = field.chunk().await?
    {
        head.extend_from_slice(&chunk[..chunk.len().min(media_type::PEEK - head.len())]);
        beginning.push(chunk);
    }
    if head.is_empty() {
        // A browser sends a part without name and content when no file was chosen.
        let empty = FieldError::new("file", format!("“{name}” is empty. Add a file that has something in it."));
        return Err(if field.file_name() == Some("") { nothing_chosen() } else { empty }.into());
    }
    let media_type = media_type::of(&name, &head)?;

    let id = DocumentId::from(Uuid::now_v7());
    let key = ObjectKey::Document { workspace: access.workspace().id(), document: id };
    let limit = session.state.config.limits.max_upload_bytes;
    let mut broken = None;
    let stored = {
        let content = content(&name, media_type, beginning, field, &mut broken);
        session.state.store.put_stream(key, media_type, content, limit).await
    };
    match stored {
        Ok(stored) => Ok(NewDocument { id, name, media_type: media_type.into(), stored, key }),
        Err(Fault::Refused(Error::TooLarge { .. })) => {
            let megabytes = limit / (1024 * 1024);
            let message =
                format!("“{name}” is larger than {megabytes} MB. Split it or make it smaller, and add it again.");
            Err(Error::TooLarge { message }.into())
        }
        Err(fault) => Err(broken.unwrap_or_else(|| fault.into())),
    }
}

/// The file's bytes; text is checked as it passes. Why the form broke off is left in `broken`.
fn content<'a>(
    name: &'a str,
    media_type: &'a str,
    beginning: Vec<Bytes>,
    field: Field<'a>,
    broken: &'a mut Option<HttpError>,
) -> impl Stream<Item = Result<Bytes, Fault>> + Send + 'a {
    let is_text = is_text(media_type);
    async_stream::try_stream! {
        let mut check = TextCheck::default();
        let mut chunks = futures::stream::iter(beginning.into_iter().map(Ok)).chain(field);
        while let Some(chunk) = chunks.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    *broken = Some(error.into());
                    Err(Error::invalid("file", "The upload broke off."))?
                }
            };
            if is_text && !check.accepts(&chunk) {
                Err(not_text(name))?;
            }
            yield chunk;
        }
        if is_text && !check.complete() {
            Err(not_text(name))?;
        }
    }
}

pub(crate) fn not_text(name: &str) -> FieldError {
    FieldError::new("file", format!("“{name}” is not text in UTF-8 throughout. Save it as UTF-8 and add it again."))
}

/// The rows of stored files, their jobs and their notices. A folder that is gone meanwhile, or in the trash, is no longer
/// where they go.
///
/// # Errors
/// `NotFound` and `Forbidden`, asked again because the upload may have taken long; [`Fault::Database`].
pub(crate) async fn insert_all(
    scope: &mut Scope,
    project: ProjectId,
    folder: Option<FolderId>,
    files: &[NewDocument],
) -> Result<Vec<Document>, Fault> {
    let access = scope.project(project, Role::Member).await?;
    let folder = folders::repo::hold(scope.conn(), project, folder).await?;
    for file in files {
        let old = repo::of_name(scope, &access, folder, &file.name).await?;
        insert(scope, &access, folder, file, old).await?;
    }
    find_inserted(scope, &access, files).await
}

/// With its job and its notice. It takes the place of `old` when it is ready.
async fn insert(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    file: &NewDocument,
    old: Option<Uuid>,
) -> Result<(), Fault> {
    repo::insert(scope, access, folder, file).await?;
    if let Some(old) = old {
        make_replacement(scope, access, old, file.id).await?;
    }
    jobs::enqueue_ingest(scope.conn(), file.id).await?;
    events::notify(scope.conn(), &Notice::Document { project: access.id(), document: file.id }).await
}

async fn find_inserted(
    scope: &mut Scope,
    access: &ProjectAccess,
    files: &[NewDocument],
) -> Result<Vec<Document>, Fault> {
    touch(scope.conn(), access).await?;
    let ids: Vec<Uuid> = files.iter().map(|file| file.id.into()).collect();
    repo::find_all(scope, access, &ids).await
}

/// As [`insert_all`], for a file that is attached to a question: it replaces none of its name, and conversations are not
/// asked of it unless it is attached or chosen.
///
/// # Errors
/// As [`insert_all`].
pub(crate) async fn insert_attachment(
    scope: &mut Scope,
    project: ProjectId,
    folder: Option<FolderId>,
    mut file: NewDocument,
) -> Result<(), Fault> {
    let access = scope.project(project, Role::Member).await?;
    let folder = folders::repo::hold(scope.conn(), project, folder).await?;
    file.name = repo::free_name(scope.conn(), &access, folder, &file.name).await?;
    repo::insert(scope, &access, folder, &file).await?;
    repo::leave_out_of_chat(scope.conn(), file.id).await?;
    jobs::enqueue_ingest(scope.conn(), file.id).await?;
    events::notify(scope.conn(), &Notice::Document { project, document: file.id }).await?;
    touch(scope.conn(), &access).await
}

/// Has the new document take the place of `old` when it is ready.
pub(crate) async fn make_replacement(
    scope: &mut Scope,
    access: &ProjectAccess,
    old: Uuid,
    new: DocumentId,
) -> Result<(), Fault> {
    if let Some(superseded) = repo::replace(scope, access, old, new).await? {
        events::notify(scope.conn(), &Notice::Document { project: access.id(), document: superseded }).await?;
    }
    Ok(())
}

async fn insert_version(scope: &mut Scope, document: DocumentId, file: &NewDocument) -> Result<Vec<Document>, Fault> {
    // Asked again: the upload may have taken long.
    let access = scope.document(document, Role::Member).await?;
    let old = repo::find(scope, &access).await?;
    if old.replaces.is_some() {
        return Err(Error::conflict("This is a new version already. Replace the document itself.").into());
    }
    if old.trashed_at.is_some() {
        return Err(Error::conflict("This document is in the trash. Restore it, then replace its file.").into());
    }
    if old.writing.is_some() {
        return Err(Error::conflict("This document is written in Atelier. Edit it, or add the file beside it.").into());
    }
    let project = access.project();
    // The document keeps its name.
    let file = NewDocument { name: old.name, ..file.clone() };
    insert(scope, &project, old.folder_id, &file, Some(document.into())).await?;
    find_inserted(scope, &project, &[file]).await
}

/// Reads on for a while: a browser that is still sending shows a broken connection instead of the answer.
async fn drain(mut form: Multipart, most: u64) {
    let mut rest = most;
    let reading = async {
        while let Ok(Some(mut field)) = form.next_field().await {
            while let Ok(Some(chunk)) = field.chunk().await {
                rest = rest.saturating_sub(chunk.len() as u64);
                if rest == 0 {
                    return;
                }
            }
        }
    };
    // Past the time limit the connection is closed on the sender.
    let _ = tokio::time::timeout(DRAIN, reading).await;
}

/// Without control characters and marks that change the direction of writing: they can make `exe.pdf` of `fdp.exe`.
pub(crate) fn without_controls(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    name.chars().filter(|c| !c.is_control() && !turns(*c)).collect()
}

/// The last component of a path [without control characters](without_controls), cut to [`MAX_NAME`] characters before the
/// extension.
pub(crate) fn file_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or(sent);
    let clean = without_controls(last);
    let clean = clean.trim();
    if clean.is_empty() || clean.chars().all(|c| c == '.') {
        return "file".to_owned();
    }
    if clean.chars().count() <= MAX_NAME {
        return clean.to_owned();
    }
    let extension = clean.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
    let extension = if extension.chars().count() > 16 { String::new() } else { extension };
    let stem: String = clean.chars().take(MAX_NAME - extension.chars().count()).collect();
    stem + &extension
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_neither_path_nor_control_characters() {
        for (sent, name) in [
            ("brief.pdf", "brief.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\brief.pdf", "brief.pdf"),
            ("a\r\nb\0.txt", "ab.txt"),
            (" caf\u{e9} – été.md ", "caf\u{e9} – été.md"),
            ("gpj.\u{202E}fdp.exe", "gpj.fdp.exe"),
            ("", "file"),
            ("..", "file"),
            ("folder/", "file"),
        ] {
            assert_eq!(file_name(sent), name, "{sent:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = file_name(&("ø".repeat(400) + ".markdown"));
        assert_eq!(name.chars().count(), MAX_NAME);
        assert!(name.ends_with("ø.markdown"));
        assert_eq!(file_name(&("a.".to_owned() + &"b".repeat(400))).chars().count(), MAX_NAME);
    }
}
