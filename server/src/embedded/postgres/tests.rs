#![allow(clippy::unwrap_used, clippy::expect_used)]
//! With the real PostgreSQL from the cache (fetched if it is not there).

use super::*;
use crate::config::Config;
use rustix::process::{Pid, Signal, kill_process};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("atelier-pg-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn options(&self, major: Major) -> Options {
        let cache = Config::read(&|name| {
            std::env::var(name).ok().filter(|_| matches!(name, "HOME" | "XDG_CACHE_HOME" | "ATELIER_CACHE_DIR"))
        });
        Options { major, data: self.0.join("data"), cache: cache.unwrap().paths.cache, bin: None, volatile: true }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn ask(url: &SecretString, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

async fn run(url: &SecretString, sql: &'static str) {
    let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

fn postmaster(folder: &Folder) -> Pid {
    let note = fs::read_to_string(folder.0.join("data/18/postmaster.pid")).unwrap();
    Pid::from_raw(note.lines().next().unwrap().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn both_majors_start_with_pgvector_and_keep_their_data() {
    for (major, version) in [(Major::V18, "18.4"), (Major::V16, "16.14")] {
        let folder = Folder::new();
        let server = EmbeddedPostgres::start(folder.options(major)).await.unwrap();
        assert_eq!(ask(&server.url(), "show server_version").await, version);
        run(
            &server.url(),
            "create extension vector; create table kept (word text); insert into kept values (lower('ÄPFEL'))",
        )
        .await;
        assert_eq!(ask(&server.url(), "select extversion from pg_extension where extname = 'vector'").await, "0.8.5");
        assert_eq!(ask(&server.url(), "show listen_addresses").await, "127.0.0.1");
        server.stop().await;
        assert!(
            !folder.0.join("data").join(major.number().to_string()).join("postmaster.pid").exists(),
            "stopped cleanly"
        );
        let server = EmbeddedPostgres::start(folder.options(major)).await.unwrap();
        let word = ask(&server.url(), "select word from kept").await;
        assert!(major == Major::V16 || word == "äpfel", "{word}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = Folder::new();
    let server = EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap();
    let wrong = format!("postgres://postgres:wrong@127.0.0.1:{}/atelier", server.port);
    assert!(PgConnection::connect(&wrong).await.is_err());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.0.join("data/18.password")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    server.stop().await;
}

#[tokio::test]
async fn what_was_written_outlives_a_kill() {
    let folder = Folder::new();
    let options = Options { volatile: false, ..folder.options(Major::V18) };
    let server = EmbeddedPostgres::start(options.clone()).await.unwrap();
    run(&server.url(), "create table kept (word text); insert into kept values ('here')").await;
    kill_process(postmaster(&folder), Signal::KILL).unwrap();
    drop(server);
    assert!(folder.0.join("data/18/postmaster.pid").exists());
    let server = EmbeddedPostgres::start(options).await.unwrap();
    assert_eq!(ask(&server.url(), "select word from kept").await, "here");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_was_left_running_is_replaced() {
    let folder = Folder::new();
    let left = EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap();
    let before = postmaster(&folder);
    let refused = EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap_err();
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    // Whoever is killed holds no lock any more.
    left.lock.unlock().unwrap();
    let server = EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap();
    assert!(left.process.has_ended());
    assert_ne!(postmaster(&folder), before);
    server.stop().await;
}

#[tokio::test]
async fn a_note_with_a_strangers_number_does_not_keep_it_from_starting() {
    let folder = Folder::new();
    EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap().stop().await;
    let stranger = std::process::id();
    fs::write(folder.0.join("data/18/postmaster.pid"), format!("{stranger}\n/elsewhere\n0\n5432\n")).unwrap();
    let server = EmbeddedPostgres::start(folder.options(Major::V18)).await.unwrap();
    assert!(rustix::process::test_kill_process(Pid::from_raw(stranger.try_into().unwrap()).unwrap()).is_ok());
    server.stop().await;
}
