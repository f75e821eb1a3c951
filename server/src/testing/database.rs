//! A database for each test, copied from a template that has all migrations.

use super::{config, connect, prepare};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;
use url::Url;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database that is dropped with this value.
pub(crate) struct TestDatabase {
    pub url: String,
    name: String,
}

impl TestDatabase {
    /// With all migrations.
    pub async fn create() -> Self {
        let template = TEMPLATE.get_or_init(make_template).await;
        Self::copy(template).await
    }

    /// With nothing in it.
    pub async fn empty() -> Self {
        Self::copy("template1").await
    }

    async fn copy(template: &str) -> Self {
        let name = format!("{}{}", prefix(std::process::id()), COUNT.fetch_add(1, Ordering::Relaxed));
        run(&format!("create database {name} template {template}")).await;
        Self { url: url_of(&name), name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop_it = format!("drop database if exists {} with (force)", self.name);
        // A thread of its own: the test's runtime cannot be waited for from within.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(&drop_it));
        });
        assert!(dropped.join().is_ok() || std::thread::panicking(), "the test's database was not dropped");
    }
}

fn server() -> Url {
    let url = std::env::var("TEST_DATABASE_URL")
        .expect("Set TEST_DATABASE_URL to a superuser's postgres:// URL, or run `cargo xtask test`, which brings its own Postgres.");
    Url::parse(&url).expect("TEST_DATABASE_URL is no URL")
}

fn url_of(name: &str) -> String {
    let mut url = server();
    url.set_path(name);
    url.into()
}

async fn run(statement: &str) {
    let mut connection = PgConnection::connect(server().as_str()).await.expect("the Postgres of TEST_DATABASE_URL");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect(statement);
    connection.close().await.expect("the connection closes");
}

fn prefix(process: u32) -> String {
    format!("atelier_test_{process}_")
}

async fn make_template() -> String {
    sweep().await;
    let name = format!("{}template", prefix(std::process::id()));
    run(&format!("create database {name}")).await;
    // Not dropped with a value: every test copies it. The next run sweeps it.
    let template = std::mem::ManuallyDrop::new(TestDatabase { url: url_of(&name), name: name.clone() });
    let folder = tempfile::tempdir().expect("a folder for the template");
    let config = config(&template, folder.path(), &[]);
    let db = connect(&template, 4).await;
    prepare(&db, &config).await.stop();
    db.close().await;
    name
}

/// Drops what test processes have left that are not there any more.
async fn sweep() {
    let mut connection = PgConnection::connect(server().as_str()).await.expect("the Postgres of TEST_DATABASE_URL");
    let names: Vec<String> =
        sqlx::query_scalar(r"select datname from pg_database where datname like 'atelier\_test\_%'")
            .fetch_all(&mut connection)
            .await
            .expect("the databases");
    for name in names {
        let process = name.trim_start_matches("atelier_test_").split('_').next().and_then(|id| id.parse::<u32>().ok());
        let gone = process.is_some_and(|id| !std::path::Path::new(&format!("/proc/{id}")).exists());
        // On systems without /proc every database looks abandoned: one in use cannot be dropped, so that is harmless.
        if gone
            && let Err(error) =
                sqlx::query(AssertSqlSafe(format!("drop database if exists {name}"))).execute(&mut connection).await
        {
            tracing::debug!(%error, name, "a database of an earlier run remains");
        }
    }
}
