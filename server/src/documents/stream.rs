//! The events of a project's documents, for as long as somebody looks.

use super::repo;
use crate::{
    events::Notice,
    fault::Fault,
    session::{CHECK_ACCESS, UserSession},
};
use axum::response::sse::Event;
use domain::{DocumentId, Error, ProjectId, documents::Document, workspaces::Role};
use futures::Stream;
use std::{collections::HashSet, convert::Infallible, time::Duration};
use time::OffsetDateTime;
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::Instant,
};
use uuid::Uuid;

/// Changes that come within this time are told together: ingestion reports every batch.
const COALESCE: Duration = Duration::from_millis(200);

/// After this a stream ends and the browser makes a new one, with a session that has been verified anew.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// What changed so recently that the page may have been rendered before it.
const RECENTLY: time::Duration = time::Duration::minutes(1);

/// A transaction's time is that of its beginning: one that began before the last event may have ended after it.
const OVERLAP: time::Duration = time::Duration::seconds(10);

/// A project's documents as they change.
#[derive(Debug)]
pub(super) struct DocumentEvents {
    session: UserSession,
    project: ProjectId,
    notices: Receiver<Notice>,
    first: Vec<Document>,
    /// When it was last made sure that the reader may read.
    checked: Instant,
    first_gone: Vec<DocumentId>,
}

impl DocumentEvents {
    /// Subscribes, then reads what there is to tell at once: documents being ingested, and what changed since
    /// `last_event` (microseconds since 1970) or within the last minute.
    ///
    /// # Errors
    /// `NotFound` when the project is absent or another tenant's.
    pub async fn open(session: UserSession, project: ProjectId, last_event: Option<u64>) -> Result<Self, Fault> {
        let notices = session.state.events.subscribe();
        let since = last_event
            .and_then(|micros| OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok())
            .map_or(RECENTLY, |at| OffsetDateTime::now_utc() - at + OVERLAP)
            .clamp(RECENTLY, time::Duration::DAY);
        let mut scope = session.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let first = repo::active(&mut scope, &access, since).await?;
        let first_gone = repo::deleted(&mut scope, &access, since).await?;
        drop(scope);
        Ok(Self { session, project, notices, first, first_gone, checked: Instant::now() })
    }

    pub fn into_stream(mut self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        async_stream::stream! {
            let end = Instant::now() + LONGEST;
            for document in std::mem::take(&mut self.first) {
                yield Ok(changed(&document));
            }
            for gone in std::mem::take(&mut self.first_gone) {
                yield Ok(deleted(gone));
            }
            while let Some(changes) = self.next_changes(end).await {
                match self.read(&changes).await {
                    Ok((documents, gone)) => {
                        for document in &documents {
                            yield Ok(changed(document));
                        }
                        for gone in gone {
                            yield Ok(deleted(gone));
                        }
                    }
                    // No longer a member, or the project is gone.
                    Err(Fault::Refused(Error::NotFound | Error::Forbidden)) => break,
                    Err(error) => {
                        tracing::warn!(%error, "a stream of document events ends; its reader will come back");
                        break;
                    }
                }
            }
        }
    }

    /// Waits for changes of this project; `None` when the stream is to end: at its time, when the server stops, and when
    /// its reader's session or membership has ended.
    async fn next_changes(&mut self, end: Instant) -> Option<Changes> {
        let events = self.session.state.events.clone();
        let mut changes = Changes::default();
        while changes.is_empty() {
            let check = self.checked + CHECK_ACCESS;
            tokio::select! {
                () = tokio::time::sleep_until(check) => {
                    if !self.may_go_on().await {
                        return None;
                    }
                    self.checked = Instant::now();
                }
                () = events.stopped() => return None,
                () = tokio::time::sleep_until(end) => return None,
                notice = self.notices.recv() => match notice {
                    Ok(notice) => changes.add(self.project, notice),
                    Err(RecvError::Lagged(_)) => changes.missed = true,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
        tokio::select! {
            () = events.stopped() => return None,
            () = tokio::time::sleep(COALESCE) => {}
        }
        loop {
            match self.notices.try_recv() {
                Ok(notice) => changes.add(self.project, notice),
                Err(TryRecvError::Lagged(_)) => changes.missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(changes),
            }
        }
    }

    /// A database that does not answer ends the stream too: its reader comes back.
    async fn may_go_on(&self) -> bool {
        let still_there = async {
            let stands = self.session.stands().await?;
            self.session.reading().await?.project(self.project, Role::Viewer).await?;
            Ok::<_, Fault>(stands)
        };
        still_there.await.unwrap_or(false)
    }

    /// Reads through the session's own scope, so that membership is checked each time.
    async fn read(&self, changes: &Changes) -> Result<(Vec<Document>, Vec<DocumentId>), Fault> {
        let mut scope = self.session.reading().await?;
        let access = scope.project(self.project, Role::Viewer).await?;
        let ids: Vec<Uuid> = changes.documents.iter().map(|id| Uuid::from(*id)).collect();
        let mut documents = repo::find_all(&mut scope, &access, &ids).await?;
        let mut gone: Vec<DocumentId> = changes.gone(&documents).collect();
        if changes.missed {
            documents.extend(repo::active(&mut scope, &access, RECENTLY).await?);
            gone.extend(repo::deleted(&mut scope, &access, RECENTLY).await?);
        }
        Ok((documents, gone))
    }
}

#[derive(Debug, Default)]
struct Changes {
    documents: HashSet<DocumentId>,
    /// Notices were lost, so anything may have changed.
    missed: bool,
}

impl Changes {
    fn add(&mut self, project: ProjectId, notice: Notice) {
        match notice {
            Notice::Document { project: changed, document } if changed == project => {
                self.documents.insert(document);
            }
            Notice::Missed => self.missed = true,
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.documents.is_empty() && !self.missed
    }

    /// What changed and is not there any more.
    fn gone(&self, found: &[Document]) -> impl Iterator<Item = DocumentId> {
        let found: HashSet<DocumentId> = found.iter().map(|document| document.id).collect();
        self.documents.iter().copied().filter(move |id| !found.contains(id))
    }
}

fn changed(document: &Document) -> Event {
    let micros = document.updated_at.unix_timestamp_nanos() / 1000;
    let event = Event::default().event("document").id(micros.to_string());
    event.json_data(document).unwrap_or_else(|error| {
        tracing::error!(%error, "a document could not be written as JSON");
        Event::default().comment("a document was left out")
    })
}

fn deleted(id: DocumentId) -> Event {
    Event::default().event("deleted").data(format!(r#"{{"id":"{id}"}}"#))
}
