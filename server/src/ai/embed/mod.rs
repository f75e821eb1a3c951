//! Turning text into vectors.

use crate::{
    ai::call,
    config::{Embed, RemoteModel},
    embedded::wheel,
    fault::Fault,
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc};

#[cfg(test)]
pub(crate) mod away;
mod embedders;
pub mod local;
pub mod openai;
mod watched;

pub use embedders::{Embedders, Source};
use watched::Watched;

/// A model that embeds text. One instance serves the whole process.
#[async_trait]
pub trait Embedder: std::fmt::Debug + Send + Sync {
    /// The model's name, as an embedding index records it.
    fn model(&self) -> &str;
    /// Length of each vector.
    fn dimensions(&self) -> usize;
    /// One vector of unit length for each text, in order.
    ///
    /// # Errors
    /// [`Fault::Model`] when the model cannot be loaded or reached.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Fault>;
}

/// Makes the embedder that is configured. Nothing is fetched, loaded or asked before the first text.
///
/// # Errors
/// [`Fault::Model`] when a folder is configured that holds no usable model, or the HTTP client cannot be made.
pub fn from_config(config: &Embed, cache: &Path) -> Result<Arc<dyn Embedder>, Fault> {
    Ok(match config {
        Embed::Local => Arc::new(Watched::new(local::LocalEmbedder::minilm(cache.to_owned()), call::LOCAL)),
        Embed::Folder(folder) => Arc::new(Watched::new(local::LocalEmbedder::folder(folder.clone())?, call::LOCAL)),
        Embed::Remote(remote) => watched_remote(remote)?,
    })
}

fn watched_remote(remote: &RemoteModel) -> Result<Arc<dyn Embedder>, Fault> {
    Ok(Arc::new(Watched::new(openai::OpenAiEmbedder::new(remote)?, call::provider(&remote.base_url))))
}

/// Where all-MiniLM-L6-v2 is, in words; nothing is fetched. Blocks for a moment.
///
/// # Errors
/// What to do where it is not in `cache` and cannot be fetched, as in an image without it.
pub fn local_model(cache: &Path) -> Result<&'static str, String> {
    match wheel::minilm_is_cached(cache) {
        Ok(true) => Ok("in the cache"),
        Ok(false) => Ok("to be fetched when first needed (84 MB)"),
        Err(error) => Err(format!(
            "{error} Or set EMBEDDING_BASE_URL, EMBEDDING_MODEL and EMBEDDING_DIMENSIONS to use a model elsewhere, or \
             build the image with LOCAL_MODEL=yes"
        )),
    }
}

/// `vector` at unit length; a vector of zeros stays one.
fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    vector
}
