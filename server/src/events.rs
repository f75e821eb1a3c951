//! What has changed, told to every process: NOTIFY in the transaction that makes the change, one LISTEN connection per
//! process, and a broadcast to whoever streams events to a browser. A notice says where to look, never what is there:
//! the listener reads it through its own session's scope.

use crate::{db::Db, fault::Fault};
use domain::{DocumentId, MessageId, ProjectId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, postgres::PgListener};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "atelier";

/// Notices that a slow subscriber may fall behind before it gets `RecvError::Lagged`.
const BACKLOG: usize = 1024;

/// Where something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The document was made, changed or deleted.
    Document { project: ProjectId, document: DocumentId },
    /// The message has new events, or a new state.
    Message { message: MessageId },
    /// The person's name has changed, or one of their sessions has ended.
    Person { user: UserId },
    /// The connection to the database was lost and is back: notices may be missing, so read again what you show.
    /// Made by the listener, never sent. Treat `RecvError::Lagged` the same way.
    Missed,
}

/// Hears the notices of every process that uses this database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    sender: broadcast::Sender<Notice>,
    stop: CancellationToken,
}

impl Events {
    /// Starts to listen; the task ends at [`Events::stop`].
    ///
    /// # Errors
    /// When the first connection cannot be made. Later ones are made again by themselves.
    pub async fn start(db: &Db) -> Result<Self, Fault> {
        let listener = listen(db).await?;
        let events = Self { sender: broadcast::Sender::new(BACKLOG), stop: CancellationToken::new() };
        tokio::spawn(events.clone().relay(db.clone(), listener));
        Ok(events)
    }

    /// Notices from now on: subscribe first, then read the state, so that no change falls between the two.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }

    /// Ends the listener and, through [`Events::stopped`], every event stream, so that the server can drain.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Resolves when the server stops; every event stream ends on it.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    async fn relay(self, db: Db, mut listener: PgListener) {
        loop {
            let heard = tokio::select! {
                () = self.stop.cancelled() => return,
                heard = listener.try_recv() => heard,
            };
            match heard {
                Ok(Some(notification)) => match serde_json::from_str(notification.payload()) {
                    Ok(notice) => self.tell(notice),
                    // Another release may know notices that this one does not.
                    Err(error) => tracing::debug!(%error, "an unknown notice"),
                },
                // The connection was lost; sqlx has made it again.
                Ok(None) => self.tell(Notice::Missed),
                // The pool waits for this connection to be given back before it is closed.
                Err(sqlx::Error::PoolClosed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the event listener lost the database");
                    // After a reset connection sqlx keeps the dead one, so it takes a new listener.
                    let Some(again) = self.listen_again(&db).await else { return };
                    listener = again;
                    self.tell(Notice::Missed);
                }
            }
        }
    }

    /// Tries until it works; `None` when the server stops first.
    async fn listen_again(&self, db: &Db) -> Option<PgListener> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            match listen(db).await {
                Ok(listener) => return Some(listener),
                Err(sqlx::Error::PoolClosed) => return None,
                Err(error) => tracing::warn!(%error, "the event listener still cannot reach the database"),
            }
        }
    }

    fn tell(&self, notice: Notice) {
        // The only error is that nobody listens.
        let _ = self.sender.send(notice);
    }
}

async fn listen(db: &Db) -> Result<PgListener, sqlx::Error> {
    let mut listener = db.listener().await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Tells every process at the commit of the transaction that `conn` is in; a rollback tells nobody.
///
/// # Errors
/// When the database does not take it.
pub async fn notify(conn: &mut PgConnection, notice: &Notice) -> Result<(), Fault> {
    let payload = serde_json::to_string(notice).map_err(Fault::while_doing("write a notice"))?;
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, payload).execute(conn).await?;
    Ok(())
}

/// [`notify`] for documents of one project, in one statement.
///
/// # Errors
/// As [`notify`].
pub async fn notify_of_documents(
    conn: &mut PgConnection,
    project: ProjectId,
    documents: &[DocumentId],
) -> Result<(), Fault> {
    let notices = documents.iter().map(|&document| serde_json::to_string(&Notice::Document { project, document }));
    let payloads: Vec<String> = notices.collect::<Result<_, _>>().map_err(Fault::while_doing("write a notice"))?;
    sqlx::query!("select pg_notify($1, payload) from unnest($2::text[]) as payload", CHANNEL, &payloads)
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::testing::TestApp;
    use uuid::Uuid;

    async fn next(heard: &mut broadcast::Receiver<Notice>) -> Notice {
        tokio::time::timeout(Duration::from_secs(10), heard.recv())
            .await
            .expect("no notice within ten seconds")
            .unwrap()
    }

    fn message() -> Notice {
        Notice::Message { message: Uuid::now_v7().into() }
    }

    #[tokio::test]
    async fn a_commit_tells_everybody_and_a_rollback_nobody() {
        let app = TestApp::start().await;
        let (mut here, mut there) = (app.state.events.subscribe(), app.state.events.subscribe());
        let (rolled_back, committed) = (message(), message());
        let mut scope = app.state.db.system().await.unwrap();
        notify(scope.conn(), &rolled_back).await.unwrap();
        drop(scope);
        let mut scope = app.state.db.system().await.unwrap();
        notify(scope.conn(), &committed).await.unwrap();
        scope.commit().await.unwrap();
        assert_eq!(next(&mut here).await, committed);
        assert_eq!(next(&mut there).await, committed);
    }

    #[tokio::test]
    async fn after_a_lost_connection_it_listens_again_and_says_so() {
        let app = TestApp::start().await;
        let mut heard = app.state.events.subscribe();
        let mut sql = app.sql().await;
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen %'";
        assert_eq!(sqlx::query(cut).execute(&mut sql).await.unwrap().rows_affected(), 1);
        assert_eq!(next(&mut heard).await, Notice::Missed);
        let notice = message();
        notify(&mut sql, &notice).await.unwrap();
        assert_eq!(next(&mut heard).await, notice);
    }

    #[tokio::test]
    async fn it_does_not_keep_the_pool_from_closing() {
        let app = TestApp::start().await;
        tokio::time::timeout(Duration::from_secs(10), app.state.db.close())
            .await
            .expect("the pool waits for the listener");
    }

    #[tokio::test]
    async fn what_another_release_says_is_passed_over() {
        let app = TestApp::start().await;
        let mut heard = app.state.events.subscribe();
        let mut sql = app.sql().await;
        for payload in ["", "{", r#"{"picture":{"id":1}}"#] {
            sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(&mut sql).await.unwrap();
        }
        let notice = message();
        notify(&mut sql, &notice).await.unwrap();
        assert_eq!(next(&mut heard).await, notice);
    }
}
