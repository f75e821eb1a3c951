//! For tests of what happens without a model: the words alone decide.

use super::Embedder;
use crate::fault::Fault;
use async_trait::async_trait;

/// An embedder that cannot be reached.
#[derive(Debug)]
pub(crate) struct Away;

#[async_trait]
impl Embedder for Away {
    fn model(&self) -> &str {
        "away"
    }

    fn dimensions(&self) -> usize {
        1
    }

    async fn embed(&self, _: Vec<String>) -> Result<Vec<Vec<f32>>, Fault> {
        Err(Fault::Model("the embedder is away".into()))
    }
}
