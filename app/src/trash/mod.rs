//! The trash of a project.

pub mod api;
mod banner;
mod page;

pub(crate) use banner::TrashedBanner;
pub use page::TrashPage;
