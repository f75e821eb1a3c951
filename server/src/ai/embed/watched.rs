//! An embedder whose calls are counted and traced.

use super::Embedder;
use crate::{
    ai::call::{Call, Purpose},
    fault::Fault,
};
use async_trait::async_trait;

#[derive(Debug)]
pub(super) struct Watched<E> {
    embedder: E,
    provider: String,
}

impl<E> Watched<E> {
    pub fn new(embedder: E, provider: impl Into<String>) -> Self {
        Self { embedder, provider: provider.into() }
    }
}

#[async_trait]
impl<E: Embedder> Embedder for Watched<E> {
    fn model(&self) -> &str {
        self.embedder.model()
    }

    fn dimensions(&self) -> usize {
        self.embedder.dimensions()
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Fault> {
        let call = Call::begin(Purpose::Embed, &self.provider, self.embedder.model());
        call.watch(self.embedder.embed(texts)).await
    }
}
