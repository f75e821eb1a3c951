//! Shares: the popover of a document in which links to it are made and revoked, and the page that such a link opens.

pub mod api;
mod dialog;
mod page;

pub(crate) use dialog::{ShareButton, ShareDialog, ShareOutcome};
pub use page::SharedPage;

/// What a link says that opens nothing, whatever the reason: a reader of guessed links learns nothing by it.
pub const ENDED_TITLE: &str = "This link opens nothing";
pub const ENDED_TEXT: &str = "It may have expired or been taken back, or a part of it is missing. Make sure that you have \
    all of it, or ask whoever gave it to you for a new one.";
