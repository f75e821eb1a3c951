//! Everything that is set from outside: environment variables only, read once at start into typed sections. All
//! mistakes are reported together, each with the variable's name and what to do.

pub mod backup;
pub mod chat;
pub mod database;
pub mod embed;
pub mod identity;
pub mod limits;
pub mod log;
pub mod mail;
pub mod models;
pub mod paths;
mod reader;
pub mod rerank;
pub mod site;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod tools;
pub mod variables;

pub use embed::{Embed, RemoteModel};
use reader::Reader;
pub use reader::{Mistake, Mistakes};

/// What may be missing: nothing in production, everything in development.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Whatever is not configured is embedded.
    Development,
    /// Whatever is not configured is an error.
    Production,
}

/// The whole configuration. Secrets in it are `SecretString`s, which `Debug` does not show.
#[derive(Clone, Debug)]
pub struct Config {
    pub environment: Environment,
    pub site: site::Site,
    pub database: database::Database,
    pub store: store::Store,
    /// Where backups may go beside folders.
    pub backup: Option<backup::BackupStore>,
    pub identity: identity::Identity,
    pub mail: mail::Mail,
    pub chat: chat::Chat,
    /// Which models answer beside the one of `chat`.
    pub models: models::ModelOptions,
    pub tools: tools::Tools,
    /// Who reads pictures, if anybody does.
    pub vision: Option<chat::ChatModel>,
    pub embed: embed::Embed,
    /// For the URL of the model that was used before, while its index still answers.
    pub previous_embedding_key: Option<secrecy::SecretString>,
    /// Off when absent.
    pub rerank: Option<rerank::Rerank>,
    pub limits: limits::Limits,
    pub paths: paths::Paths,
    pub log: log::Log,
    pub telemetry: telemetry::Telemetry,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn from_env() -> Result<Self, Mistakes> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads from any source of variables; an empty value counts as unset.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn read(source: &dyn Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(source);
        let environment = reader.environment();
        let site = site::Site::read(&mut reader);
        let database = database::Database::read(&mut reader);
        let store = store::Store::read(&mut reader);
        let backup = backup::BackupStore::read(&mut reader);
        let identity = identity::Identity::read(&mut reader);
        let mail = mail::Mail::read(&mut reader);
        let chat = chat::Chat::read(&mut reader);
        let models = models::ModelOptions::read(&mut reader, chat.as_ref());
        let tools = tools::Tools::read(&mut reader);
        let vision = chat::read_vision(&reader, chat.as_ref());
        let embed = embed::Embed::read(&mut reader);
        let previous_embedding_key = reader.secret("EMBEDDING_PREVIOUS_API_KEY");
        let rerank = rerank::Rerank::read(&mut reader);
        let limits = limits::Limits::read(&mut reader);
        let paths = paths::Paths::read(&mut reader);
        let log = log::Log::read(&mut reader);
        let telemetry = telemetry::Telemetry::read(&mut reader, site.as_ref().map(|site| site.addr));
        reader.finish()?;
        // Each section notes a mistake when it returns nothing, so past `finish` all of them are there.
        let (Some(site), Some(database), Some(store), Some(identity), Some(mail), Some(chat), Some(embed)) =
            (site, database, store, identity, mail, chat, embed)
        else {
            return Err(Mistakes(vec![Mistake::new("ATELIER_ENV", "the configuration could not be read")]));
        };
        Ok(Self {
            environment,
            site,
            database,
            store,
            backup,
            identity,
            mail,
            chat,
            models,
            tools,
            vision,
            embed,
            previous_embedding_key,
            rerank,
            limits,
            paths,
            log,
            telemetry,
        })
    }
}
