//! The whole app for tests: real Postgres, object store, identity provider and models behind the real router, on a
//! loopback port and in a database of its own.
//!
//! ```ignore
//! let app = TestApp::start().await;
//! let ada = app.user("ada").await;
//! let workspace: Workspace = ada.post("/api/v1/workspaces", &json!({"name": "Nord"})).await.json(201);
//! ```
//!
//! Postgres is that of `TEST_DATABASE_URL`, a superuser's URL; xtask sets it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod database;
mod form;
mod operations;
mod queries;
mod security;

pub(crate) use client::{Answer, Client};
pub(crate) use database::TestDatabase;
pub(crate) use form::Form;
pub(crate) use operations::{Belongings, Operation, example};
pub(crate) use queries::count_queries;
pub(crate) use security::supabase_like;

use crate::{
    AppState, Parts, ai,
    auth::Identity,
    chat,
    config::{Config, store::S3},
    db::Db,
    events::Events,
    http::build_router,
    jobs,
    mail::Mailer,
    members::InvitationLimit,
    models::Catalogue,
    storage::{ObjectStore, embedded::EmbeddedStore},
    web::{Fetcher, Limits, sites::Sites},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{net::SocketAddr, str::FromStr, sync::Arc};
use tokio_util::sync::CancellationToken;
use url::Url;

/// A running app. Everything it made is gone when it is dropped.
pub(crate) struct TestApp {
    pub state: AppState,
    pub url: Url,
    stop: CancellationToken,
    database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with environment variables of its own, such as `("ATELIER_MAX_UPLOAD_MB", "1")`.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_on(variables, ObjectStore::new).await
    }

    /// Starts with another way to the object store, or another store, than the embedded one whose settings are given.
    pub async fn start_on(variables: &[(&str, &str)], store: impl FnOnce(&S3) -> ObjectStore) -> Self {
        let web = Fetcher::new(Limits::new(u64::MAX)).expect("the client for web pages");
        Self::start_with_parts(variables, store, web).await
    }

    /// Starts with servers of this machine in the place of the web.
    pub async fn start_among(sites: &Arc<Sites>) -> Self {
        Self::start_with_parts(&[], ObjectStore::new, sites.fetcher()).await
    }

    async fn start_with_parts(
        variables: &[(&str, &str)],
        store: impl FnOnce(&S3) -> ObjectStore,
        web: Fetcher,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Self::start_in(TestDatabase::create().await, folder, variables, store, web).await
    }

    /// On a database that holds something, and a folder with `objects` in it.
    pub async fn start_over(database: TestDatabase, folder: tempfile::TempDir) -> Self {
        let web = Fetcher::new(Limits::new(u64::MAX)).expect("the client for web pages");
        Self::start_in(database, folder, &[], ObjectStore::new, web).await
    }

    async fn start_in(
        database: TestDatabase,
        folder: tempfile::TempDir,
        variables: &[(&str, &str)],
        store: impl FnOnce(&S3) -> ObjectStore,
        web: Fetcher,
    ) -> Self {
        queries::listen();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut config = config(&database, folder.path(), variables);
        config.site.listening_on(address);

        let db = connect(&database, config.database.max_connections).await;
        let mailer = Mailer::from_config(&config).expect("the mailer");
        prepare(&db, &config).await.stop();
        let identity = Identity::start(&config, &db, &mailer).await.expect("the identity provider");
        let objects = EmbeddedStore::start(&folder.path().join("objects"), 1 << 30).await.expect("the object store");
        let embedder = ai::embed::from_config(&config.embed, &config.paths.cache).expect("the embedder");
        let events = Events::start(&db).await.expect("the listener");
        identity.follow(&events);
        let state = AppState::new(Parts {
            store: store(objects.settings()),
            answerer: ai::answer::from_config(&config.chat, embedder.clone()).expect("the answerer"),
            models: Catalogue::new(&config.models, &config.chat).expect("the list of models"),
            reranker: ai::rerank::from_config(config.rerank.as_ref()).expect("the reranker"),
            embedders: ai::embed::Embedders::new(&config, embedder.clone()),
            embedder,
            tools: chat::Tools::from_config(&config.tools).expect("the tools"),
            answers: chat::Answers::default(),
            events,
            web,
            site: crate::http::ssr::site(),
            leptos: leptos::config::LeptosOptions::builder().output_name("atelier").build(),
            identity,
            mailer,
            invitations: InvitationLimit::default(),
            db,
            config,
        });
        let stop = CancellationToken::new();
        let service = build_router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone();
        #[allow(clippy::disallowed_methods)] // its clients are the tests: none is slow on purpose
        tokio::spawn(async move {
            // The object store lives as long as the server.
            let _objects = objects;
            let serving =
                axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await });
            serving.await.expect("the server");
        });
        let url = Url::parse(&format!("http://{address}/")).expect("a URL");
        Self { state, url, stop, database, _folder: folder }
    }

    /// Another server on the same database and store, with variables of its own: its state and address. It ends with
    /// this app.
    pub async fn beside(&self, variables: &[(&str, &str)]) -> (AppState, Url) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut config = config(&self.database, self._folder.path(), variables);
        config.site = self.state.config.site.clone();
        let embedder = ai::embed::from_config(&config.embed, &config.paths.cache).expect("the embedder");
        let state = AppState::new(Parts {
            store: self.state.store.clone(),
            answerer: self.state.answerer.clone(),
            models: self.state.models.clone(),
            reranker: ai::rerank::from_config(config.rerank.as_ref()).expect("the reranker"),
            embedders: ai::embed::Embedders::new(&config, embedder.clone()),
            embedder,
            tools: chat::Tools::from_config(&config.tools).expect("the tools"),
            answers: chat::Answers::default(),
            events: self.state.events.clone(),
            web: self.state.web.clone(),
            leptos: self.state.leptos.clone(),
            site: self.state.site.clone(),
            identity: self.state.identity.clone(),
            mailer: self.state.mailer.clone(),
            invitations: InvitationLimit::default(),
            db: self.state.db.clone(),
            config,
        });
        let service = build_router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = self.stop.clone();
        #[allow(clippy::disallowed_methods)] // its clients are the tests: none is slow on purpose
        tokio::spawn(async move {
            let serving =
                axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await });
            serving.await.expect("the server");
        });
        (state, Url::parse(&format!("http://{address}/")).expect("a URL"))
    }

    /// Somebody without an account.
    pub fn anonymous(&self) -> Client {
        Client::new(self.url.clone(), None)
    }

    /// A new person, signed up as `name@example.com` with the real provider, who sends an access token.
    pub async fn user(&self, name: &str) -> Client {
        let key = self.state.identity.embedded_publishable_key().expect("the embedded provider");
        let session = client::sign_up(&self.url, &key, name).await;
        Client::new(self.url.clone(), Some(session))
    }

    /// The same person once more, by their password.
    pub async fn returning(&self, name: &str) -> Client {
        let key = self.state.identity.embedded_publishable_key().expect("the embedded provider");
        let session = client::sign_in(&self.url, &key, name).await;
        Client::new(self.url.clone(), Some(session))
    }

    /// A connection to this app's database, to arrange what no operation can, or to look behind the scenes.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.database.url).await.expect("the test's database")
    }

    /// Starts the real worker; it ends with the app.
    pub async fn start_worker(&self) {
        let worker = jobs::start_worker(self.state.clone()).await.expect("the worker");
        let stop = self.stop.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            worker.stop().await;
        });
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.state.events.stop();
        self.state.identity.stop();
        self.stop.cancel();
    }
}

fn config(database: &TestDatabase, folder: &std::path::Path, variables: &[(&str, &str)]) -> Config {
    let data = folder.join("data").display().to_string();
    let of_the_test =
        |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
    let source = |name: &str| {
        of_the_test(name).or_else(|| match name {
            "DATABASE_URL" => Some(database.url.clone()),
            "DATABASE_MAX_CONNECTIONS" => Some("8".to_owned()),
            "ATELIER_DATA_DIR" => Some(data.clone()),
            // Where the models are; nothing else comes from outside.
            "ATELIER_CACHE_DIR" | "XDG_CACHE_HOME" | "HOME" => std::env::var(name).ok(),
            _ => None,
        })
    };
    Config::read(&source).expect("the test's configuration")
}

async fn connect(database: &TestDatabase, max_connections: u32) -> Db {
    let options = PgConnectOptions::from_str(&database.url).expect("the test's database URL");
    Db::connect(options, max_connections).await.expect("the test's database")
}

/// Makes all schemas, in the order of the server's start.
async fn prepare(db: &Db, config: &Config) -> Identity {
    let identity = Identity::start(config, db, &Mailer::default()).await.expect("the identity provider's schema");
    db.migrate().await.expect("the migrations");
    jobs::migrate(db).await.expect("the queue's schema");
    identity
}
