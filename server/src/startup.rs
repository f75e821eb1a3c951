//! From a configuration to a running state, and back.

use crate::{
    AppState, Parts, ai, auth,
    chat::{Answers, Tools},
    config::{Config, Embed, Environment, database::connect_options},
    db::Db,
    embedded::{EmbeddedError, parts::EmbeddedParts},
    events::Events,
    fault::Fault,
    http::ssr::{leptos_options, site},
    jobs,
    mail::Mailer,
    members::InvitationLimit,
    models::Catalogue,
    rag,
    storage::ObjectStore,
    web,
};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// How long the stop waits for database connections in use.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Why the server does not start, for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error("The database does not answer: {0}. Check DATABASE_URL.")]
    Database(#[from] sqlx::Error),
    #[error("The database could not be migrated: {0}.")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("The {what} could not be started: {cause}.")]
    Part { what: &'static str, cause: Fault },
}

/// The state, and the embedded parts that it stands on.
#[derive(Debug)]
pub struct Running {
    pub state: AppState,
    embedded: EmbeddedParts,
}

impl Running {
    /// Starts everything but the worker and the listener. Migrates the database.
    ///
    /// # Errors
    /// A sentence that says what is wrong; what was started by then is stopped again.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let embedded = EmbeddedParts::start(&config).await?;
        match assemble(config, &embedded).await {
            Ok(state) => Ok(Self { state, embedded }),
            Err(error) => {
                embedded.stop().await;
                Err(error)
            }
        }
    }

    /// Ends the event streams, so that their requests end: their readers go on at whichever process answers next.
    pub fn end_streams(&self) {
        self.state.events.stop();
    }

    /// Gives the answers that are being written here this long to come to their end; those that do not are stored as far
    /// as they are. Called when no request can begin another one.
    pub async fn finish_answers(&self, patience: Duration) {
        self.state.answers.finish(patience).await;
        self.state.answers.stop().await;
    }

    /// Stops everything; nothing may use the state any more.
    pub async fn stop(self) {
        self.end_streams();
        if !self.state.answers.is_stopping() {
            self.state.answers.stop().await;
        }
        self.state.identity.stop();
        // A connection that does not come back shall not keep what is embedded from stopping.
        if tokio::time::timeout(CLOSE_LIMIT, self.state.db.close()).await.is_err() {
            tracing::warn!("some database connections were still in use");
        }
        self.embedded.stop().await;
    }
}

/// Connects to the database.
///
/// # Errors
/// The true cause: the pool itself only says that it ran out of time.
pub async fn connect(embedded: &EmbeddedParts, max_connections: u32) -> Result<Db, sqlx::Error> {
    let options = connect_options(embedded.database())?;
    match Db::connect(options.clone(), max_connections).await {
        Err(sqlx::Error::PoolTimedOut) => {
            let alone = tokio::time::timeout(CLOSE_LIMIT, PgConnection::connect_with(&options)).await;
            Err(alone.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut))
        }
        other => other,
    }
}

/// Does something with the configured database and file store, and without the rest of a server. What is embedded and does
/// not run is started for as long as it takes. Nothing is migrated.
///
/// # Errors
/// When they cannot be reached, and what `work` fails with.
pub async fn with_stores<T, E: From<StartError>>(
    config: &Config,
    work: impl AsyncFnOnce(&Db, &ObjectStore) -> Result<T, E>,
) -> Result<T, E> {
    let embedded = EmbeddedParts::start(config).await.map_err(StartError::from)?;
    let done = match connect(&embedded, 4).await {
        Ok(db) => {
            let done = work(&db, &ObjectStore::new(embedded.store())).await;
            db.close().await;
            done
        }
        Err(error) => Err(StartError::from(error).into()),
    };
    embedded.stop().await;
    done
}

/// Connects to the database, and makes its schemas.
///
/// # Errors
/// When it does not answer, or a migration fails.
pub async fn prepare_database(
    config: &Config,
    embedded: &EmbeddedParts,
    mailer: &Mailer,
) -> Result<(Db, auth::Identity), StartError> {
    let db = connect(embedded, config.database.max_connections).await?;
    // The embedded provider makes auth.users, which the migrations then put a trigger on.
    let identity = auth::Identity::start(config, &db, mailer).await.map_err(part("identity provider"))?;
    db.migrate().await?;
    jobs::migrate(&db).await.map_err(part("job queue"))?;
    Ok((db, identity))
}

async fn assemble(config: Config, embedded: &EmbeddedParts) -> Result<AppState, StartError> {
    let mailer = Mailer::from_config(&config).map_err(part("mailer"))?;
    let (db, identity) = prepare_database(&config, embedded, &mailer).await?;
    let store = ObjectStore::new(embedded.store());
    if let Err(fault) = store.check().await {
        // It may come back, and pages without files work meanwhile; /readyz tells.
        tracing::error!(%fault, "the object store cannot be used");
    }
    if config.environment == Environment::Production && matches!(config.embed, Embed::Local) {
        // Otherwise every document would fail, the first of them long after the deployment.
        let found = ai::embed::local_model(&config.paths.cache);
        found.map_err(|missing| Fault::Model(missing.into())).map_err(part("embedding model"))?;
    }
    let embedder = ai::embed::from_config(&config.embed, &config.paths.cache).map_err(part("embedding model"))?;
    let answerer = ai::answer::from_config(&config.chat, embedder.clone()).map_err(part("chat model"))?;
    let models = Catalogue::new(&config.models, &config.chat).map_err(part("list of models"))?;
    let embedders = ai::embed::Embedders::new(&config, embedder.clone());
    rag::index::ensure_active(&db, &embedders).await.map_err(part("search index"))?;
    let reranker = ai::rerank::from_config(config.rerank.as_ref()).map_err(part("reranker"))?;
    let tools = Tools::from_config(&config.tools).map_err(part("client for web searches"))?;
    let events = Events::start(&db).await.map_err(part("event listener"))?;
    identity.follow(&events);
    let pages = (config.limits.worker_concurrency / 2).max(1);
    let web_limits = web::Limits { pages, ..web::Limits::new(config.limits.max_upload_bytes) };
    let web = web::Fetcher::new(web_limits).map_err(part("client for web pages"))?;
    let (leptos, site) = (leptos_options(&config), site());
    let answers = Answers::default();
    let state = AppState::new(Parts {
        config,
        db,
        store,
        identity,
        mailer,
        invitations: InvitationLimit::default(),
        embedder,
        embedders,
        reranker,
        answerer,
        models,
        tools,
        answers,
        events,
        web,
        leptos,
        site,
    });
    // From now on answers that a process left behind are ended, whether or not anyone asks anything.
    state.answers.start(&state.db);
    // So that nobody's first page waits for it.
    state.models.look_again();
    Ok(state)
}

fn part(what: &'static str) -> impl FnOnce(Fault) -> StartError {
    move |cause| StartError::Part { what, cause }
}
