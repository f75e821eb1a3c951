//! The only way to the database. The pool is private here: a request gets a transaction, or a connection to read by, that is
//! scoped to its user, a job a transaction that is scoped to the user who caused it, and no other module can run SQL.

use crate::{auth::AuthUser, fault::Fault, jobs::lease::ClaimedDocument, metrics::recorded};
use domain::{UserId, WorkspaceId};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use std::{
    ops::{Deref, DerefMut},
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Embedded in the binary, run at start under a lock, so that two servers may start at once. What a newer release
/// has applied is let be: each migration is safe for the release before, which may start again or be deployed again.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../migrations");
    migrations.set_ignore_missing(true);
    migrations
});

/// How long whoever needs a connection waits for one. Tests share their machine with many others: what they are about is
/// not how fast its disk is.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(if cfg!(test) { 25 } else { 10 });

/// A connection that was given back this long ago is asked for a sign of life before it is used again. The pool asks at
/// each return too, so until then that was just done: it is a round trip, of which a page would make several.
const UNTESTED: Duration = Duration::from_secs(1);

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
            .acquire_timeout(WAIT_FOR_CONNECTION)
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    if metadata.idle_for >= UNTESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    pub async fn migrate(&self) -> Result<(), MigrateError> {
        self.apply(&MIGRATIONS).await
    }

    /// Servers that start at once ask for the lock again and again, and do not wait in the database as with sqlx's own: a
    /// statement that waits is one that `create index concurrently` waits for, so the two would wait for each other.
    async fn apply(&self, migrations: &Migrator) -> Result<(), MigrateError> {
        // Not given back to the pool: the lock goes with the connection, however this ends.
        let mut conn = self.pool.acquire().await?.detach();
        let lock = "select pg_try_advisory_lock(hashtextextended('atelier:migrations', 0))";
        while !sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut conn).await? {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        drop_broken_indexes(&mut conn).await?;
        migrations.run(&mut conn).await?;
        Ok(conn.close().await?)
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
        Ok(Scope::of(user, Held::Transaction(self.begin().await?)))
    }

    /// As [`Self::scope`], to read only. Postgres shows each statement of a transaction of ours what was committed before it
    /// (`read committed`), so that for reading alone a transaction would cost two messages and give nothing.
    ///
    /// In tests it is a transaction all the same, in which Postgres refuses to write.
    pub async fn reading(&self, user: &AuthUser) -> Result<Reading, Fault> {
        let held = if cfg!(test) {
            Held::Transaction(self.pool.begin_with("begin read only").await?)
        } else {
            let waiting = Waiting::begin();
            let connection = self.pool.acquire().await;
            waiting.end(connection.is_ok());
            Held::Connection(connection?)
        };
        Ok(Reading(Scope::of(user, held)))
    }

    /// A transaction for a job that holds a document. It begins by renewing the lease, which locks the document's row: as
    /// long as the transaction lasts nobody can take the document over, and a worker that has lost it writes nothing.
    /// None when the lease is lost.
    pub async fn job<'a>(&self, claimed: &'a ClaimedDocument) -> Result<Option<JobScope<'a>>, Fault> {
        let mut tx = self.begin().await?;
        Ok(if claimed.renew(&mut tx).await? { Some(JobScope { tx, claimed }) } else { None })
    }

    /// A transaction for the machinery that serves no user: health, the job queue, the claim of a job, the embedded
    /// identity provider. What it reads must not reach a user.
    pub async fn system(&self) -> Result<System, Fault> {
        Ok(System { tx: self.begin().await? })
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let waiting = Waiting::begin();
        let tx = self.pool.begin().await;
        waiting.end(tx.is_ok());
        tx
    }

    /// How the pool is used now.
    pub fn pool_usage(&self) -> PoolUsage {
        PoolUsage { open: usize::try_from(self.pool.size()).unwrap_or(usize::MAX), idle: self.pool.num_idle() }
    }

    /// As [`Self::system`], but its commit waits for no disk: others see it at once, and a crash of Postgres itself, not
    /// one of this process, may lose the last fraction of a second.
    pub async fn system_without_flush(&self) -> Result<System, Fault> {
        Ok(System { tx: self.pool.begin_with("begin; set local synchronous_commit = off").await? })
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

/// Counts who waits for a connection, and for how long. Not around the future that it waits for: an `async fn` that is given a
/// future keeps it twice, which was 14 kB for each of a thousand event streams.
struct Waiting {
    begun: Instant,
    counted: recorded::OneMore,
}

impl Waiting {
    fn begin() -> Self {
        Self { begun: Instant::now(), counted: recorded::acquiring() }
    }

    fn end(self, acquired: bool) {
        drop(self.counted);
        recorded::acquired(acquired, self.begun.elapsed());
    }
}

/// A migration that breaks off while it builds an index concurrently leaves one that is never used, in the way of the next
/// try. Those of vectors are built by the worker, perhaps at this moment.
async fn drop_broken_indexes(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let broken: Vec<String> = sqlx::query_scalar(
        "select format('drop index concurrently if exists %I.%I', n.nspname, c.relname)
         from pg_index i
         join pg_class c on c.oid = i.indexrelid
         join pg_namespace n on n.oid = c.relnamespace
         join pg_am a on a.oid = c.relam
         where not i.indisvalid and n.nspname = 'public' and a.amname <> 'hnsw'",
    )
    .fetch_all(&mut *conn)
    .await?;
    for statement in broken {
        tracing::warn!(statement, "an index that was not built to its end is dropped");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Connections of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUsage {
    pub open: usize,
    /// Of these, those that wait for somebody.
    pub idle: usize,
}

/// A transaction, or a connection to read by, with the user it serves. What it may touch is decided by the lookups in
/// [`crate::access`].
#[derive(Debug)]
pub struct Scope {
    held: Held,
    user_id: UserId,
    only_workspace: Option<WorkspaceId>,
}

#[derive(Debug)]
enum Held {
    Transaction(Transaction<'static, Postgres>),
    Connection(PoolConnection<Postgres>),
}

/// A scope that cannot be committed; see [`Db::reading`].
#[derive(Debug)]
pub struct Reading(Scope);

impl Deref for Reading {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Scope {
        &mut self.0
    }
}

impl Scope {
    fn of(user: &AuthUser, held: Held) -> Self {
        Self { held, user_id: user.id(), only_workspace: user.key().map(|key| key.workspace()) }
    }

    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The one workspace that there is to an API key; `None` for a person, to whom there are all of theirs.
    pub fn only_workspace(&self) -> Option<WorkspaceId> {
        self.only_workspace
    }

    pub fn conn(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Held::Transaction(tx) => tx,
            Held::Connection(connection) => connection,
        }
    }

    pub async fn commit(self) -> Result<(), Fault> {
        match self.held {
            Held::Transaction(tx) => Ok(tx.commit().await?),
            // Of a `Reading`, which gives its scope to nobody.
            Held::Connection(_) => Err(Fault::while_doing("commit")("what only reads has nothing to commit")),
        }
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
    use super::{MIGRATIONS, Migrator};
    use crate::{auth::Identity, mail::Mailer, testing::TestApp};

    /// Tables that grow with every document and every message.
    const LARGE: &[&str] = &[
        "chunk_embeddings",
        "chunks",
        "citations",
        "deleted_documents",
        "document_pages",
        "document_versions",
        "documents",
        "message_attachments",
        "message_events",
        "message_search",
        "messages",
        "tool_calls",
    ];
    /// Until the end of that day, indexes were built as any others; what has run cannot be changed.
    const RULE_SINCE: i64 = 20_261_127_000_000;

    /// The first statement that would keep people waiting while it builds an index on a large table, or drops any.
    fn waited_for(sql: &str) -> Option<String> {
        let code: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        let code = code.join(" ").to_lowercase().replace("public.", "");
        let statements: Vec<String> = code
            .split(';')
            .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|statement| !statement.is_empty())
            .collect();
        let is_alone = sql.starts_with("-- no-transaction") && statements.len() == 1;
        let is_new = |table: &str| {
            statements.iter().any(|statement| {
                statement.starts_with(&format!("create table {table} ("))
                    || statement.starts_with(&format!("create table {table}("))
            })
        };
        let waits = |statement: &String| {
            let words: Vec<&str> = statement.split([' ', '(']).collect();
            let concurrently = words.contains(&"concurrently") && is_alone;
            let table = match words.as_slice() {
                ["create", "index", ..] | ["create", "unique", "index", ..] => {
                    let on = words.iter().position(|word| *word == "on");
                    on.and_then(|on| words[on + 1..].iter().find(|word| **word != "only"))
                }
                // A constraint that builds its own index.
                ["alter", "table", rest @ ..]
                    if [" unique", " primary key"].iter().any(|word| statement.contains(word))
                        && !statement.contains(" using index ") =>
                {
                    rest.iter().find(|word| !["if", "exists", "only"].contains(word))
                }
                // What broke off is dropped by the next start, which then finds none here.
                ["drop", "index", ..] => return !(concurrently && statement.contains(" if exists ")),
                _ => None,
            };
            table.is_some_and(|table| LARGE.contains(table) && !is_new(table)) && !concurrently
        };
        statements.iter().find(|statement| waits(statement)).cloned()
    }

    #[test]
    fn a_new_index_on_a_large_table_is_built_while_it_is_in_use() {
        for migration in MIGRATIONS.iter().filter(|migration| migration.version >= RULE_SINCE) {
            let waited_for = waited_for(migration.sql.as_str());
            assert_eq!(waited_for, None, "{}: see migrations/README.md", migration.description);
        }
        let refused = [
            "create index documents_x on documents (name);",
            "-- Why.\nCREATE UNIQUE INDEX\n  x ON ONLY public.chunks\n using gin (tsv)",
            "create index concurrently x on messages (content)",
            "-- no-transaction\ncreate index concurrently x on messages (content);\nselect 1",
            "-- no-transaction\ncreate index x on messages (content)",
            "alter table citations add constraint x unique (message_id, number)",
            "drop index if exists messages_x",
            "-- no-transaction\ndrop index concurrently messages_x",
        ];
        for sql in refused {
            assert!(waited_for(sql).is_some(), "{sql}");
        }
        let accepted = [
            "create index x on shares (document_id)",
            "create table message_events (id uuid); create index x on message_events (id)",
            "-- no-transaction\n-- Why.\ncreate index concurrently x on messages (content);\n",
            "alter table citations add constraint x unique using index y",
            "alter table documents add column x int",
            "-- no-transaction\n-- Why.\ndrop index concurrently if exists messages_x;\n",
        ];
        for sql in accepted {
            assert_eq!(waited_for(sql), None, "{sql}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn servers_that_start_at_once_build_an_index_concurrently() {
        let app = TestApp::start().await;
        let folder = tempfile::tempdir().unwrap();
        let sql = "-- no-transaction\ncreate index concurrently of_the_next_release on documents (size_bytes);\n";
        std::fs::write(folder.path().join("99991231000000_index.sql"), sql).unwrap();
        let mut next = Migrator::new(folder.path()).await.unwrap();
        next.set_ignore_missing(true);
        // What another try has left.
        let mut connection = app.sql().await;
        for left in [
            "create index of_the_next_release on documents (size_bytes)",
            "update pg_index set indisvalid = false where indexrelid = 'public.of_the_next_release'::regclass",
        ] {
            sqlx::query(left).execute(&mut connection).await.unwrap();
        }
        let db = &app.state.db;
        let (first, second, third) = tokio::join!(db.apply(&next), db.apply(&next), db.apply(&next));
        first.unwrap();
        second.unwrap();
        third.unwrap();
        let is_valid: bool = sqlx::query_scalar(
            "select indisvalid from pg_index where indexrelid = 'public.of_the_next_release'::regclass",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert!(is_valid);
    }

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
