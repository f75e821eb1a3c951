//! Links: adding a page of the web to a project's documents, and what a document's page says of where it is from.

pub mod api;
mod form;
mod source;

pub(crate) use form::{AddLinkButton, AddLinkDialog};
pub(crate) use source::{SourceHost, SourceLine};
