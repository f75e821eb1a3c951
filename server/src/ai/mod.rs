//! The ports to models, each with its providers beside it.

pub mod answer;
mod call;
pub mod embed;
pub mod rerank;
pub mod vision;
