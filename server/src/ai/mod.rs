//! The ports to models, each with its providers beside it.

pub mod answer;
pub mod embed;
pub mod rerank;
pub mod vision;
