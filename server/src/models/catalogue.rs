//! The provider's list of models, kept for ten minutes. Nobody waits for it but whoever comes first: a list that is too
//! old is shown while it is asked for anew, by one request at a time, and stays while the provider is away.

use super::listing;
use crate::{
    config::{chat::ChatModel, models::ModelOptions},
    fault::Fault,
};
use domain::models::{Model, ModelName, Models, Prices};
use secrecy::ExposeSecret;
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// How long a list is as good as new.
const FRESH: Duration = Duration::from_secs(600);
/// After a try that failed.
const PAUSE: Duration = Duration::from_secs(60);
/// For the whole of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long whoever comes first waits for it, before they see the configured model alone.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a list. OpenRouter's, the longest by far, has half a million.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Which models can be chosen. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue(Arc<Inner>);

struct Inner {
    options: ModelOptions,
    /// None with the built-in answerer.
    provider: Option<Provider>,
    kept: RwLock<Kept>,
    /// Held by the request under way.
    flight: Arc<Mutex<()>>,
}

struct Provider {
    http: reqwest::Client,
    url: String,
    config: ChatModel,
}

#[derive(Clone)]
struct Kept {
    offer: Arc<Offer>,
    /// When to ask again; none: now.
    until: Option<Instant>,
}

/// What can be chosen now.
#[derive(Debug, Default)]
pub struct Offer {
    pub models: Models,
    /// Whether the provider has told its list: what is not on it is gone.
    pub is_known: bool,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Catalogue {
    /// # Errors
    /// [`Fault::Model`] when the HTTP client cannot be made.
    pub fn new(options: &ModelOptions, chat: &crate::config::chat::Chat) -> Result<Self, Fault> {
        let provider = match chat {
            crate::config::chat::Chat::Model(model) => Some(Provider::new(model)?),
            crate::config::chat::Chat::Extractive => None,
        };
        let offer = Offer { models: offered(options, None), is_known: false };
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            provider,
            kept: RwLock::new(Kept { offer: Arc::new(offer), until: None }),
            flight: Arc::default(),
        })))
    }

    /// What can be chosen: as far as it is known already, else after a short wait.
    pub async fn offer(&self) -> Arc<Offer> {
        let kept = self.kept();
        if self.0.provider.is_none() || !is_due(&kept) {
            return kept.offer;
        }
        self.look_again();
        if kept.offer.is_known {
            return kept.offer;
        }
        // The request under way holds it to its end.
        let _ = timeout(PATIENCE, self.0.flight.lock()).await;
        self.kept().offer
    }

    /// What is known of a model now; the configured window where nothing is.
    pub fn model(&self, name: &ModelName) -> Model {
        let kept = self.kept();
        kept.offer.models.find(name).cloned().unwrap_or_else(|| complete(&self.0.options, bare(name.clone())))
    }

    /// Asks for the list where it is due and nobody does yet. Does not wait.
    pub fn look_again(&self) {
        if self.0.provider.is_none() {
            return;
        }
        let Ok(flight) = Arc::clone(&self.0.flight).try_lock_owned() else { return };
        // Between the look at it and the lock, another request may have ended.
        if !is_due(&self.kept()) {
            return;
        }
        let catalogue = self.clone();
        tokio::spawn(async move {
            catalogue.look().await;
            drop(flight);
        });
    }

    async fn look(&self) {
        let Some(provider) = &self.0.provider else { return };
        match provider.list().await {
            Ok(listed) => {
                let offer = Offer { models: offered(&self.0.options, Some(listed)), is_known: true };
                self.keep(Kept { offer: Arc::new(offer), until: Some(Instant::now() + FRESH) });
            }
            Err(error) => {
                tracing::warn!(%error, url = provider.url, "the provider's list of models cannot be had");
                self.keep(Kept { until: Some(Instant::now() + PAUSE), ..self.kept() });
            }
        }
    }

    fn kept(&self) -> Kept {
        // It is whole after any panic: it is only ever replaced.
        self.0.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, kept: Kept) {
        *self.0.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

fn is_due(kept: &Kept) -> bool {
    kept.until.is_none_or(|until| until <= Instant::now())
}

impl Provider {
    fn new(config: &ChatModel) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect would carry the key to a place that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::Model(error.into()))?;
        let url = format!("{}/models", config.base_url.as_str().trim_end_matches('/'));
        Ok(Self { http, url, config: config.clone() })
    }

    async fn list(&self) -> Result<Vec<listing::Listed>, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = self.http.get(&self.url);
        if let Some(key) = &self.config.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        let mut response = request.send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > MAX_BYTES {
                return Err(format!("it is longer than {MAX_BYTES} bytes").into());
            }
        }
        listing::parse(&body)
    }
}

/// What of the provider's list can be chosen; without a list, the models that the configuration names.
fn offered(options: &ModelOptions, listed: Option<Vec<listing::Listed>>) -> Models {
    let Some(default) = options.default.clone() else { return Models::default() };
    let mut models: Vec<listing::Listed> = match listed {
        // Whoever names a model knows what it is for.
        Some(listed) if !options.allowed.is_empty() => {
            listed.into_iter().filter(|model| options.allowed.contains(&model.name) || model.name == default).collect()
        }
        Some(listed) => listed.into_iter().filter(|model| model.answers || model.name == default).collect(),
        None => options.allowed.iter().cloned().map(bare).collect(),
    };
    if models.iter().all(|model| model.name != default) {
        models.push(bare(default.clone()));
    }
    models.sort_by(|one, other| one.name.cmp(&other.name));
    models.dedup_by(|one, other| one.name == other.name);
    Models { default: Some(default), models: models.into_iter().map(|model| complete(options, model)).collect() }
}

/// A model of which nothing but the name is known.
fn bare(name: ModelName) -> listing::Listed {
    listing::Listed { name, context_tokens: None, prices: None, answers: true }
}

fn complete(options: &ModelOptions, listed: listing::Listed) -> Model {
    let prices: Option<Prices> = options.prices.get(&listed.name).copied().or(listed.prices);
    Model { context_tokens: listed.context_tokens.unwrap_or(options.context_tokens), prices, name: listed.name }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
