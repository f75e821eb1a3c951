//! Retrieval: text out of files, chunks out of text, vectors out of chunks, passages out of all of them.

pub mod chunk;
pub mod eval;
pub mod extract;
pub mod index;
pub mod search;
