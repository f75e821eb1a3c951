//! Search: a query, the passages that match it, and why each of them does.

pub mod api;
mod excerpt;
mod index_line;
mod page;
mod result;

pub(crate) use excerpt::{Part, excerpt};
pub(crate) use index_line::IndexLine;
pub use page::SearchPage;
