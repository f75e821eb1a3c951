//! Turning text into vectors.

use crate::fault::Fault;
use async_trait::async_trait;

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
