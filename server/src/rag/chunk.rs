//! Chunks out of text.
