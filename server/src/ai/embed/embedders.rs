//! The models of all embedding indexes that this server meets: while one model follows another, both are asked.

use super::{Embedder, from_config};
use crate::{
    config::{Config, Embed, RemoteModel},
    fault::Fault,
    rag::index::EmbeddingIndex,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;

/// Where a model is, as its index records it. Never with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// all-MiniLM-L6-v2, which every server can have.
    Local,
    Folder {
        path: PathBuf,
    },
    Remote {
        base_url: String,
    },
}

impl Source {
    fn of(config: &Embed) -> Self {
        match config {
            Embed::Local => Self::Local,
            Embed::Folder(path) => Self::Folder { path: path.clone() },
            Embed::Remote(remote) => Self::Remote { base_url: remote.base_url.to_string() },
        }
    }
}

/// The configured model, and others by the index that they belong to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Embedders(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    configured: Arc<dyn Embedder>,
    source: Source,
    cache: PathBuf,
    /// The configured URL with its key: another model of the same provider takes the same one.
    remote: Option<(Url, Option<SecretString>)>,
    previous_key: Option<SecretString>,
    /// By index; none where the model cannot be had here, which is said once in the log.
    others: Mutex<HashMap<i32, Option<Arc<dyn Embedder>>>>,
}

impl Embedders {
    pub fn new(config: &Config, configured: Arc<dyn Embedder>) -> Self {
        let remote = match &config.embed {
            Embed::Remote(remote) => Some((remote.base_url.clone(), remote.api_key.clone())),
            Embed::Local | Embed::Folder(_) => None,
        };
        Self(Arc::new(Inner {
            configured,
            source: Source::of(&config.embed),
            cache: config.paths.cache.clone(),
            remote,
            previous_key: config.previous_embedding_key.clone(),
            others: Mutex::default(),
        }))
    }

    /// The model that this server is configured with.
    pub fn configured(&self) -> &Arc<dyn Embedder> {
        &self.0.configured
    }

    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The model whose vectors are in the index; none when it cannot be had here.
    pub fn of(&self, index: &EmbeddingIndex) -> Option<Arc<dyn Embedder>> {
        let configured = &self.0.configured;
        if configured.model() == index.model && configured.dimensions() == index.dimensions {
            return Some(configured.clone());
        }
        let mut others = self.0.others.lock().unwrap_or_else(PoisonError::into_inner);
        others
            .entry(index.id)
            .or_insert_with(|| match self.make(index) {
                Ok(made) => Some(made),
                Err(error) => {
                    tracing::warn!(
                        model = index.model,
                        %error,
                        "the model of an embedding index cannot be had here: until the configured model's index is \
                         built, searches on this server go by words"
                    );
                    None
                }
            })
            .clone()
    }

    fn make(&self, index: &EmbeddingIndex) -> Result<Arc<dyn Embedder>, Fault> {
        let config = match &index.source {
            Some(Source::Folder { path }) => Embed::Folder(path.clone()),
            Some(Source::Remote { base_url }) => Embed::Remote(RemoteModel {
                api_key: self.key_for(base_url),
                base_url: base_url.parse().map_err(|error: url::ParseError| Fault::Model(error.into()))?,
                model: index.model.clone(),
                dimensions: u32::try_from(index.dimensions).unwrap_or_default(),
            }),
            // None: made by a release that recorded no source; this one can be told by its name.
            Some(Source::Local) | None => Embed::Local,
        };
        let made = from_config(&config, &self.0.cache)?;
        if made.model() == index.model && made.dimensions() == index.dimensions {
            return Ok(made);
        }
        Err(Fault::Model(format!("its place holds {} now", made.model()).into()))
    }

    /// A key goes only to the URL that it was configured for.
    fn key_for(&self, url: &str) -> Option<SecretString> {
        match &self.0.remote {
            Some((configured, key)) if configured.as_str() == url => key.clone(),
            _ => self.0.previous_key.clone(),
        }
    }
}
