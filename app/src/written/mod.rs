//! Documents that are written here: the editor, their history, and the page on which they are read.

pub mod api;
mod conflict;
mod diff;
mod editor;
mod export;
mod format;
mod history;
mod new;
mod page;
mod reading;
mod save_line;
mod sent;
mod status;
mod toolbar;

pub(crate) use export::ExportMenu;
pub use history::HistoryPage;
pub(crate) use new::NewDocumentForm;
pub use page::EditorPage;
pub(crate) use reading::WrittenArticle;
pub(crate) use status::StatusBadge;
