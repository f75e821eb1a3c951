//! Documents: a project's list with uploads and live ingestion, and the reader.

mod actions;
pub mod api;
mod facts;
mod list;
mod live;
mod page;
mod reader;
mod reading;
mod request;
mod row;
mod state;
mod upload;

pub(crate) use facts::size;
pub use page::DocumentsPage;
pub use reader::DocumentPage;
pub(crate) use state::DocumentStateView;
