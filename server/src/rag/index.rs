//! Embedding indexes: one for each model and its dimensions, of which one is active.

use crate::{ai::embed::Embedder, db::Db, fault::Fault};

/// The index that searches read and ingestion writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingIndex {
    pub id: i32,
    pub dimensions: usize,
}

/// Makes the embedder's index the active one, with its HNSW index, and returns it. To be called at start, after the
/// migrations; safe when several servers start at once.
///
/// # Errors
/// [`Fault::Database`].
pub async fn ensure_active(_db: &Db, _embedder: &dyn Embedder) -> Result<EmbeddingIndex, Fault> {
    todo!()
}
