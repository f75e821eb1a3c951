//! Everything behind the ports: the database, the object store, the identity provider, models, jobs, and HTTP.

// The pages' views and the streams around them are nested types, which code generation walks to their depth.
#![recursion_limit = "512"]

pub mod access;
pub mod admin;
pub mod ai;
mod allocator;
pub mod api_keys;
pub mod auth;
pub mod backup;
pub mod bench;
pub mod chat;
pub mod config;
pub mod db;
pub mod doctor;
pub mod documents;
pub mod embedded;
pub mod events;
pub mod fault;
pub mod folders;
pub mod http;
pub mod jobs;
pub mod links;
pub mod mail;
pub mod members;
pub mod metrics;
pub mod models;
pub mod navigation;
pub mod projects;
pub mod publications;
pub mod rag;
pub mod rate_limit;
pub mod search;
mod secret;
pub mod session;
pub mod shares;
pub mod startup;
pub mod storage;
pub mod telemetry;
#[cfg(test)]
pub(crate) mod testing;
pub mod trash;
pub mod uploads;
pub mod web;
pub mod workspaces;
pub mod written;

use std::{ops::Deref, sync::Arc};

/// What every request, job and test works with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`], each made once at start.
#[derive(Debug)]
pub struct Parts {
    pub config: config::Config,
    pub db: db::Db,
    pub store: storage::ObjectStore,
    pub identity: auth::Identity,
    pub mailer: mail::Mailer,
    pub invitations: members::InvitationLimit,
    pub embedder: Arc<dyn ai::embed::Embedder>,
    /// That one and those of other embedding indexes.
    pub embedders: ai::embed::Embedders,
    /// Reads the best passages of a search again; none unless one is configured.
    pub reranker: Option<Arc<dyn ai::rerank::Reranker>>,
    pub answerer: Arc<dyn ai::answer::Answerer>,
    /// Which models it can answer with.
    pub models: models::Catalogue,
    /// What models may call while they answer.
    pub tools: chat::Tools,
    /// The answers being written in this process; `chat::Answers::default()` to begin with.
    pub answers: chat::Answers,
    pub events: events::Events,
    pub web: web::Fetcher,
    pub leptos: leptos::config::LeptosOptions,
    /// The files that its pages name.
    pub site: app::Site,
}

impl AppState {
    /// How many hold it: what never lets go of it is a leak.
    #[cfg(test)]
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
