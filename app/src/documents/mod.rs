//! Documents: a project's list with uploads and live ingestion, and the reader.

mod actions;
pub mod api;
mod facts;
mod keyboard;
mod list;
mod live;
mod page;
mod reader;
mod reading;
mod request;
mod row;
mod state;
mod upload;

pub(crate) use facts::{kind, page_word, size};
pub use page::DocumentsPage;
pub use reader::DocumentPage;
pub(crate) use reader::{PageTurner, Sheet};
pub(crate) use state::DocumentStateView;
