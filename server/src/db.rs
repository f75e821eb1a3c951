//! The only way to the database. The pool is private here: a request gets a transaction that is scoped to its user, a
//! job one that is scoped to the user who caused it, and no other module can run SQL.

use crate::{auth::AuthUser, fault::Fault, jobs::lease::ClaimedDocument};
use domain::{UserId, WorkspaceId};
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use std::{sync::LazyLock, time::Duration};

/// Embedded in the binary, run at start under sqlx's advisory lock, so that two servers may start at once. What a newer
/// release has applied is let be: each migration is safe for the release before, which may start again or be deployed
/// again.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../migrations");
    migrations.set_ignore_missing(true);
    migrations
});

#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// # Errors
    /// When no connection can be made within ten seconds.
    pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        MIGRATIONS.run(&self.pool).await
    }

    /// The migrations up to `version`; that there are more already is no error.
    pub async fn migrate_to(&self, version: i64) -> Result<(), sqlx::migrate::MigrateError> {
        MIGRATIONS.run_to(version, &self.pool).await
    }

    /// The newest migration that this build knows, to be compared with what [`System::applied_migration`] finds.
    pub fn newest_migration() -> Option<i64> {
        MIGRATIONS.iter().map(|migration| migration.version).max()
    }

    /// A transaction for what `user` asked for. It rolls back unless [`Scope::commit`] is called.
    pub async fn scope(&self, user: &AuthUser) -> Result<Scope, Fault> {
        Ok(Scope {
            tx: self.pool.begin().await?,
            user_id: user.id(),
            only_workspace: user.key().map(|key| key.workspace()),
        })
    }

    /// A transaction for a job that holds a document. It begins by renewing the lease, which locks the document's row: as
    /// long as the transaction lasts nobody can take the document over, and a worker that has lost it writes nothing.
    /// None when the lease is lost.
    pub async fn job<'a>(&self, claimed: &'a ClaimedDocument) -> Result<Option<JobScope<'a>>, Fault> {
        let mut tx = self.pool.begin().await?;
        Ok(if claimed.renew(&mut tx).await? { Some(JobScope { tx, claimed }) } else { None })
    }

    /// A transaction for the machinery that serves no user: health, the job queue, the claim of a job, the embedded
    /// identity provider. What it reads must not reach a user.
    pub async fn system(&self) -> Result<System, Fault> {
        Ok(System { tx: self.pool.begin().await? })
    }

    /// A transaction that sees the database as it is at its first query, however long it lasts, and changes nothing. It is
    /// not ended for being slow.
    pub async fn snapshot(&self) -> Result<System, Fault> {
        let mut tx = self.pool.begin_with("begin isolation level repeatable read, read only").await?;
        sqlx::raw_sql("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
            .execute(&mut *tx)
            .await?;
        Ok(System { tx })
    }

    /// A connection for what Postgres refuses inside a transaction, such as `create index concurrently`.
    pub(crate) async fn outside_transactions(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.pool.acquire().await
    }

    /// For the job queue, which runs transactions of its own in its own schema.
    pub(crate) fn queue_pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// A connection of its own that hears NOTIFY.
    pub(crate) async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        PgListener::connect_with(&self.pool).await
    }

    /// Waits for the connections in use, then closes them all.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction with the user it serves. What it may touch is decided by the lookups in [`crate::access`].
#[derive(Debug)]
pub struct Scope {
    tx: Transaction<'static, Postgres>,
    user_id: UserId,
    only_workspace: Option<WorkspaceId>,
}

impl Scope {
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The one workspace that there is to an API key; `None` for a person, to whom there are all of theirs.
    pub fn only_workspace(&self) -> Option<WorkspaceId> {
        self.only_workspace
    }

    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub async fn commit(self) -> Result<(), Fault> {
        Ok(self.tx.commit().await?)
    }
}

/// A transaction for one claimed document; see [`Db::job`]. It may touch that document and what belongs to it.
#[derive(Debug)]
pub struct JobScope<'a> {
    tx: Transaction<'static, Postgres>,
    claimed: &'a ClaimedDocument,
}

impl JobScope<'_> {
    pub fn claimed(&self) -> &ClaimedDocument {
        self.claimed
    }

    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub async fn commit(self) -> Result<(), Fault> {
        Ok(self.tx.commit().await?)
    }
}

/// A transaction without a user; see [`Db::system`].
#[derive(Debug)]
pub struct System {
    tx: Transaction<'static, Postgres>,
}

impl System {
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The newest migration that has been applied, if any was.
    pub async fn applied_migration(&mut self) -> Result<Option<i64>, Fault> {
        let known: bool = sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null")
            .fetch_one(self.conn())
            .await?;
        if !known {
            return Ok(None);
        }
        Ok(sqlx::query_scalar("select max(version) from public._sqlx_migrations where success")
            .fetch_one(self.conn())
            .await?)
    }

    pub async fn commit(self) -> Result<(), Fault> {
        Ok(self.tx.commit().await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::{auth::Identity, mail::Mailer, testing::TestApp};

    #[tokio::test]
    async fn a_release_starts_on_a_database_that_the_next_one_has_migrated() {
        let app = TestApp::start().await;
        let mut sql = app.sql().await;
        for applied_later in [
            "insert into public._sqlx_migrations (version, description, success, checksum, execution_time)
             values (99991231000000, 'of the next release', true, '', 0)",
            "insert into auth._atelier_migrations (version, description, success, checksum, execution_time)
             values (99991231000000, 'of the next release', true, '', 0)",
        ] {
            sqlx::query(applied_later).execute(&mut sql).await.unwrap();
        }
        app.state.db.migrate().await.unwrap();
        Identity::start(&app.state.config, &app.state.db, &Mailer::default()).await.unwrap().stop();
        app.anonymous().get("/readyz").await.expect(200);
    }
}
