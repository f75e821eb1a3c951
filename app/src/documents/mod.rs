//! Documents: a project's list with uploads and live ingestion, and the reader.

mod actions;
pub mod api;
mod facts;
mod files;
mod keyboard;
mod list;
pub(crate) mod live;
mod page;
mod reader;
mod reading;
pub(crate) mod request;
mod row;
mod state;
pub(crate) mod upload;

pub(crate) use facts::{kind, page_word, size};
pub(crate) use files::{DropZone, FileInput, files_of};
pub use page::DocumentsPage;
pub use reader::DocumentPage;
pub(crate) use reader::{PageTurner, Sheet};
pub(crate) use row::UploadProgress;
pub(crate) use state::DocumentStateView;
