#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Real databases, real stores: what was backed up is compared row by row and byte by byte with what was restored.

use super::{
    BackupError, Report, backup,
    manifest::{Manifest, TableName},
    place::{MANIFEST, Place},
    restore, stream, tables, verify,
};
use crate::{
    config::{Config, backup::BackupStore, store::S3, store::Store},
    search::tests::{found, ready},
    storage::{Key, ObjectKey, ObjectPrefix, ObjectStore, embedded::EmbeddedStore},
    testing::{Client, TestApp, TestDatabase},
};
use domain::chat::{Asked, Message};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;

const GUIDE: &str = "# Brand guide\n\nThe primary colour is harbour blue.\n\nPrices are stated, not sold.";

fn silent(_: String) {}

/// An app whose store others can reach too.
async fn app_with_store() -> (TestApp, S3) {
    let cell = OnceCell::new();
    let app = TestApp::start_on(&[], |settings| {
        let public_url = Some("https://files.example.com".parse().unwrap());
        let settings = S3 { public_url, ..settings.clone() };
        cell.set(settings.clone()).unwrap();
        ObjectStore::new(&settings)
    })
    .await;
    (app, cell.into_inner().unwrap())
}

/// A workspace with all that a workspace can have.
struct Studio {
    app: TestApp,
    config: Config,
    ada: Client,
    workspace: Uuid,
    project: Uuid,
    guide: Uuid,
    answer: Uuid,
}

impl Studio {
    async fn open() -> Self {
        let (app, store) = app_with_store().await;
        app.start_worker().await;
        let ada = app.user("ada").await;
        let bob = app.user("bob").await;
        let workspace = ada.new_workspace("Nord").await;
        bob.get("/api/v1/me").await.expect(200);
        ada.add_member(workspace, &bob, "bob", "member").await;
        ada.new_api_key(workspace, "read").await;
        let project = ada.new_project(workspace, "Launch").await;
        let folder = ada.new_folder(project, None, "Drafts").await;
        ada.new_folder(project, Some(folder), "Old").await;
        let guide = ready(&ada, project, "guide.md", GUIDE).await;
        ready(&ada, project, "page.html", "<h1>Übersicht</h1><p>Der Hafen öffnet um neun.</p>").await;
        let large =
            format!("# Rows\n\n{}", "A sentence for the archive, with a tab\tand a backslash \\N. ".repeat(100));
        ready(&ada, project, "rows.txt", &large).await;
        let gone = ready(&ada, project, "old.txt", "An old note, which is not needed.").await;
        ada.delete(&format!("/api/v1/documents/{gone}")).await.expect(204);
        let new = json!({ "title": "Letter", "text": "The first letter to the harbour." });
        let written = ada.post(&format!("/api/v1/projects/{project}/written-documents"), &new).await.id();
        ada.new_share(guide).await;
        ada.put(&format!("/api/v1/documents/{guide}/publication"), &json!({})).await.expect(200);
        let conversations = format!("/api/v1/projects/{project}/conversations");
        let conversation = ada.post(&conversations, &json!({ "title": "Colours" })).await.id();
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let asked: Asked = ada.post(&path, &json!({ "text": "Which colour is primary?" })).await.json(202);
        let answer = Uuid::from(asked.answer.id);
        let config = Config { store: Store::S3(store), ..app.state.config.clone() };
        let studio = Self { app, config, ada, workspace, project, guide, answer };
        studio.until("the letter is read", &format!("/api/v1/documents/{written}"), "ready").await;
        studio.until("the answer is whole", &format!("/api/v1/messages/{answer}"), "complete").await;
        let message: Message = studio.ada.get(&format!("/api/v1/messages/{answer}")).await.json(200);
        assert!(!message.citations.is_empty(), "{}", message.content);
        studio
    }

    async fn until(&self, what: &str, path: &str, state: &str) {
        for _ in 0..600 {
            if self.ada.get(path).await.json::<Value>(200)["state"] == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} within 30 seconds");
    }

    async fn back_up(&self, target: &str) -> Report {
        backup(&self.config, target, &silent).await.unwrap()
    }

    fn document(&self, document: Uuid) -> ObjectKey {
        ObjectKey::Document { workspace: self.workspace.into(), document: document.into() }
    }
}

/// A database and a store with nothing in them.
struct Elsewhere {
    database: TestDatabase,
    folder: tempfile::TempDir,
    objects: EmbeddedStore,
}

impl Elsewhere {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = EmbeddedStore::start(&folder.path().join("objects"), 1 << 30).await.unwrap();
        Self { database: TestDatabase::empty().await, folder, objects }
    }

    /// The configuration that has it in the place of the studio's own.
    fn config(&self, studio: &Studio) -> Config {
        let mut config = studio.config.clone();
        config.database.url = Some(self.database.url.clone().into());
        config.store = Store::S3(self.objects.settings().clone());
        config.paths.data = self.folder.path().join("data");
        config
    }

    async fn restore(&self, studio: &Studio, source: &str) -> Result<Report, BackupError> {
        restore(&self.config(studio), source, &silent).await
    }

    #[track_caller]
    fn refused(outcome: Result<Report, BackupError>, said: &str) {
        let error = outcome.expect_err(said);
        assert!(matches!(error, BackupError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
    }

    async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.database.url).await.unwrap()
    }

    /// Whether the database has none of our rows.
    async fn is_empty(&self) -> bool {
        let mut sql = self.sql().await;
        let found = tables::find(&mut sql, true).await.unwrap();
        let names: Vec<TableName> = found.into_iter().map(|table| table.name).collect();
        tables::with_rows(&mut sql, names.iter()).await.unwrap().is_empty()
    }
}

/// A hash of the rows of every table. When a server last said that it wants an index is of the moment.
async fn rows(sql: &mut PgConnection) -> BTreeMap<String, (i64, String)> {
    let mut hashes = BTreeMap::new();
    for table in tables::find(sql, true).await.unwrap() {
        let rows = format!("select to_jsonb(t) - 'wanted_at' - 'leased_until' as r from {} t", table.name.quoted());
        let query =
            format!("select count(*), coalesce(md5(string_agg(r::text, E'\\n' order by r::text)), '') from ({rows}) s");
        hashes.insert(table.name.to_string(), sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *sql).await.unwrap());
    }
    hashes
}

/// Every object's content, media type and disposition by its key.
async fn objects(store: &ObjectStore) -> BTreeMap<String, (Vec<u8>, String, Option<String>)> {
    let mut all = BTreeMap::new();
    for listed in store.list(ObjectPrefix::All, None).await.unwrap().objects {
        let key = ObjectKey::parse(&listed.key).unwrap();
        let bytes = store.get_bytes(key, u64::MAX).await.unwrap().to_vec();
        let head = store.head(key).await.unwrap();
        all.insert(listed.key, (bytes, head.media_type, head.disposition));
    }
    all
}

/// For keys that are none of the product's.
struct Prefix<'a>(&'a str);

impl std::fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Key for Prefix<'_> {}

async fn keys_of(store: &ObjectStore, prefix: &str) -> Vec<String> {
    let page = store.list(Prefix(prefix), None).await.unwrap();
    page.objects.into_iter().map(|object| object.key).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

fn file_named(folder: &Path, part: &str) -> PathBuf {
    let found = files_below(folder).into_iter().find(|file| file.display().to_string().contains(part));
    found.unwrap_or_else(|| panic!("no file {part}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_is_what_was_backed_up_and_people_go_on_with_it() {
    let studio = Studio::open().await;
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("nightly").display().to_string();
    let made = studio.back_up(&target).await;
    let before = rows(&mut studio.app.sql().await).await;
    // Four documents, one of them in the trash, a text that is written here, and a published copy of the first, whose content
    // lies in the backup already.
    assert_eq!((made.files, made.transferred, made.lost), (6, 5, 0), "{made}");
    assert_eq!(made.rows, before.values().map(|(count, _)| u64::try_from(*count).unwrap()).sum::<u64>());
    for table in
        ["auth.users", "public.chunk_embeddings", "public.citations", "public.shares", "public.document_versions"]
    {
        assert!(before[table].0 > 0, "{table}");
    }

    let elsewhere = Elsewhere::new().await;
    let restored = elsewhere.restore(&studio, &target).await.unwrap();
    assert_eq!((restored.rows, restored.files, restored.bytes), (made.rows, made.files, made.bytes));
    assert_eq!(rows(&mut elsewhere.sql().await).await, before);
    let store = ObjectStore::new(elsewhere.objects.settings());
    let files = objects(&store).await;
    assert_eq!(files, objects(&studio.app.state.store).await);
    assert!(files.values().any(|(_, _, disposition)| disposition.is_some()), "the published copy");
    let highest: i32 = sqlx::query_scalar("select max(id) from embedding_indexes")
        .fetch_one(&mut elsewhere.sql().await)
        .await
        .unwrap();
    let next: i32 = sqlx::query_scalar(
        "insert into embedding_indexes (model, dimensions, state) values ('next', 3, 'retired') returning id",
    )
    .fetch_one(&mut elsewhere.sql().await)
    .await
    .unwrap();
    assert!(next > highest, "sequences go on: {next} after {highest}");
    let graphs: i64 =
        sqlx::query_scalar("select count(*) from pg_indexes where indexname like 'chunk\\_embeddings\\_hnsw\\_%'")
            .fetch_one(&mut elsewhere.sql().await)
            .await
            .unwrap();
    assert_eq!(graphs, 1);

    let path = format!("projects/{}/search?q=harbour", studio.project);
    let there = found(&studio.ada, &path).await;
    let message: Value = studio.ada.get(&format!("/api/v1/messages/{}", studio.answer)).await.json(200);
    let Elsewhere { database, folder, objects } = elsewhere;
    objects.stop().await;
    let app = TestApp::start_over(database, folder).await;
    let ada = app.returning("ada").await;
    assert_eq!(ada.user_id(), studio.ada.user_id());
    let here = found(&ada, &path).await;
    assert!(!here.is_empty());
    assert_eq!(serde_json::to_value(here).unwrap(), serde_json::to_value(there).unwrap());
    assert_eq!(ada.get(&format!("/api/v1/messages/{}", studio.answer)).await.json::<Value>(200), message);
    let file = ada.get(&format!("/api/v1/documents/{}/file", studio.guide)).await;
    assert_eq!(file.expect(200).text(), GUIDE);
    // Accounts that were made before the restore work, and so do new ones.
    app.start_worker().await;
    let project = ada.new_project(ada.new_workspace("New").await, "New").await;
    ready(&ada, project, "new.md", "Something new.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_in_another_bucket_is_added_to_and_is_none_without_its_manifest() {
    let mut studio = Studio::open().await;
    let elsewhere = Elsewhere::new().await;
    let S3 { endpoint, access_key, secret_key, bucket, .. } = elsewhere.objects.settings().clone();
    studio.config.backup = Some(BackupStore { endpoint, access_key, secret_key });
    let target = format!("s3://{bucket}/atelier/nightly/");
    let first = studio.back_up(&target).await;
    assert_eq!(first.transferred, 5);
    ready(&studio.ada, studio.project, "more.txt", "One more file.").await;
    let second = studio.back_up(&target).await;
    assert_eq!((second.files, second.transferred, second.lost), (first.files + 1, 1, 0));

    let place = Place::parse(&target, &studio.config).unwrap();
    let checked = verify(&studio.config, &target, &silent).await.unwrap();
    assert_eq!((checked.rows, checked.files, checked.lost), (second.rows, second.files, 0));
    let manifest = Manifest::read(&place).await.unwrap();
    let other = Elsewhere::new().await;
    assert_eq!(other.restore(&studio, &target).await.unwrap().rows, second.rows);

    // Of the first one only its files are left.
    let bucket = ObjectStore::new(elsewhere.objects.settings());
    let keys = keys_of(&bucket, "atelier/nightly/database/").await;
    assert!(!keys.is_empty() && keys.iter().all(|key| key.contains(&manifest.run.to_string())), "{keys:?}");
    bucket.delete_all(&[format!("atelier/nightly/{MANIFEST}")]).await.unwrap();
    for outcome in
        [verify(&studio.config, &target, &silent).await, Elsewhere::new().await.restore(&studio, &target).await]
    {
        Elsewhere::refused(outcome, "no manifest.json");
    }
    // A manifest of a format to come is not guessed at.
    let mut text = serde_json::to_value(&manifest).unwrap();
    text["format"] = 2.into();
    place.write(MANIFEST, stream::once(text.to_string().into_bytes())).await.unwrap();
    Elsewhere::refused(verify(&studio.config, &target, &silent).await, "newer Atelier");

    studio.config.backup = None;
    Elsewhere::refused(backup(&studio.config, &target, &silent).await, "BACKUP_S3_ENDPOINT");
    Elsewhere::refused(backup(&studio.config, "ftp://example.com", &silent).await, "neither a folder nor");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_refused_and_nothing_of_it_stays_in_the_database() {
    let studio = Studio::open().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().display().to_string();
    studio.back_up(&target).await;
    let elsewhere = Elsewhere::new().await;

    for part in ["public.chunks.copy.gz", "auth.users.copy.gz", "files.jsonl.gz", "/files/"] {
        let file = file_named(folder.path(), part);
        let whole = std::fs::read(&file).unwrap();
        let mut changed = whole.clone();
        let middle = whole.len() / 2;
        changed[middle] ^= 1;
        for (damaged, found) in [(changed, true), (whole[..whole.len() - 1].to_vec(), true), (whole.clone(), false)] {
            std::fs::write(&file, damaged).unwrap();
            let report = verify(&studio.config, &target, &silent).await.unwrap();
            assert_eq!(report.lost > 0, found, "{part}: {report}");
            if found {
                Elsewhere::refused(elsewhere.restore(&studio, &target).await, "damaged");
                assert!(elsewhere.is_empty().await, "{part}");
            }
        }
        std::fs::remove_file(&file).unwrap();
        assert!(verify(&studio.config, &target, &silent).await.unwrap().lost > 0, "{part}");
        Elsewhere::refused(elsewhere.restore(&studio, &target).await, "damaged");
        std::fs::write(&file, whole).unwrap();
    }
    std::fs::write(folder.path().join(MANIFEST), "{}").unwrap();
    Elsewhere::refused(elsewhere.restore(&studio, &target).await, "damaged");

    // What broke off before does not stand in the way.
    studio.back_up(&target).await;
    elsewhere.restore(&studio, &target).await.unwrap();
    assert!(!elsewhere.is_empty().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_holds_something_is_left_as_it_is() {
    let studio = Studio::open().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().display().to_string();
    studio.back_up(&target).await;

    let elsewhere = Elsewhere::new().await;
    let store = ObjectStore::new(elsewhere.objects.settings());
    let foreign = studio.document(Uuid::now_v7());
    store.put(foreign, "text/plain", "another's".into()).await.unwrap();
    Elsewhere::refused(elsewhere.restore(&studio, &target).await, "file store is not empty");
    assert_eq!(objects(&store).await.len(), 1);
    store.delete(foreign).await.unwrap();

    elsewhere.restore(&studio, &target).await.unwrap();
    let (before, files) = (rows(&mut elsewhere.sql().await).await, objects(&store).await);
    Elsewhere::refused(elsewhere.restore(&studio, &target).await, "not empty");
    assert_eq!((rows(&mut elsewhere.sql().await).await, objects(&store).await), (before, files));

    let newer = Elsewhere::new().await;
    crate::db::Db::connect(newer.database.url.parse().unwrap(), 2).await.unwrap().migrate().await.unwrap();
    sqlx::query(
        "insert into public._sqlx_migrations (version, description, success, checksum, execution_time)
         values (99991231000000, 'of the next release', true, '', 0)",
    )
    .execute(&mut newer.sql().await)
    .await
    .unwrap();
    Elsewhere::refused(newer.restore(&studio, &target).await, "schema of a newer Atelier");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_is_told_and_the_backup_goes_on() {
    let studio = Studio::open().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().display().to_string();
    let mut sql = studio.app.sql().await;
    studio.app.state.store.delete(studio.document(studio.guide)).await.unwrap();
    let page: Uuid =
        sqlx::query_scalar("select id from documents where name = 'page.html'").fetch_one(&mut sql).await.unwrap();
    studio.app.state.store.put(studio.document(page), "text/html", "another page".into()).await.unwrap();

    let told = std::sync::Mutex::new(Vec::new());
    let made = backup(&studio.config, &target, &|line| told.lock().unwrap().push(line)).await.unwrap();
    assert_eq!((made.lost, made.files), (2, 4), "{made}");
    let told = told.into_inner().unwrap();
    for (name, id) in [("guide.md", studio.guide), ("page.html", page)] {
        let line = told.iter().find(|line| line.contains(name)).unwrap();
        assert!(line.starts_with("MISSING") && line.contains(&id.to_string()), "{line}");
    }
    // The backup itself is whole, and says what it has not.
    assert_eq!(verify(&studio.config, &target, &silent).await.unwrap().lost, 0);
    let elsewhere = Elsewhere::new().await;
    let restored = elsewhere.restore(&studio, &target).await.unwrap();
    assert_eq!((restored.rows, restored.files), (made.rows, made.files));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_of_one_moment_while_others_write() {
    let studio = Studio::open().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().display().to_string();
    let mut sql = studio.app.sql().await;
    let writing = tokio::spawn(async move {
        // The first and the last table of a backup change together.
        for count in 0_u64.. {
            let mut tx = sql.begin().await.unwrap();
            for table in [
                "users set display_name",
                "citations set quote",
                "projects set notes",
                "shares set created_at = now(), opened_count",
            ] {
                let value = if table.contains("opened_count") { count.to_string() } else { format!("'{count}'") };
                let change = AssertSqlSafe(format!("update {table} = {value}"));
                sqlx::query(change).execute(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    studio.back_up(&target).await;
    assert!(!writing.is_finished());
    writing.abort();
    let elsewhere = Elsewhere::new().await;
    elsewhere.restore(&studio, &target).await.unwrap();
    let moments: Vec<String> = sqlx::query_scalar(
        "select display_name from users union select quote from citations union select notes from projects
         union select opened_count::text from shares",
    )
    .fetch_all(&mut elsewhere.sql().await)
    .await
    .unwrap();
    assert_eq!(moments.len(), 1, "{moments:?}");
    assert!(moments[0].parse::<u64>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_breaks_off_leaves_the_one_before() {
    let studio = Studio::open().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().display().to_string();
    let first = studio.back_up(&target).await;
    let before = files_below(folder.path());
    ready(&studio.ada, studio.project, "more.txt", "One more file.").await;
    // Broken off when the last table is told, as by a signal.
    let stop = tokio_util::sync::CancellationToken::new();
    let told = stop.clone();
    let tell = move |line: String| {
        if line.contains("citations") {
            told.cancel();
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        made = backup(&studio.config, &target, &tell) => panic!("{made:?}"),
    }
    let checked = verify(&studio.config, &target, &silent).await.unwrap();
    assert_eq!((checked.rows, checked.files, checked.lost), (first.rows, first.files, 0));
    assert!(files_below(folder.path()).len() > before.len(), "it had begun");
    // One that broke off long ago.
    let long_ago = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000, 0)).to_string();
    std::fs::create_dir(folder.path().join("database").join(&long_ago)).unwrap();
    let second = studio.back_up(&target).await;
    assert_eq!(second.files, first.files + 1);
    let place = Place::parse(&target, &studio.config).unwrap();
    let run = Manifest::read(&place).await.unwrap().run.to_string();
    let runs: Vec<String> = std::fs::read_dir(folder.path().join("database"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // Who broke off a moment ago may be another one that is under way.
    assert!(runs.len() == 2 && runs.contains(&run) && !runs.contains(&long_ago), "{runs:?}");
}

/// What holds a key of an object, or its hash, has to be in [`super::files`]. Whoever adds a table of objects adds it there.
#[tokio::test]
async fn every_column_with_a_key_of_an_object_is_known() {
    let app = TestApp::start().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "select table_name || '.' || column_name from information_schema.columns
         where table_schema = 'public' and (column_name like '%object%key%' or column_name like '%sha256%') order by 1",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap();
    assert_eq!(columns, ["documents.object_key", "documents.sha256", "publications.sha256", "uploads.object_key"]);
}
