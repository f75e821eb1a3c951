//! Publications: the part of the share dialog that puts a document's file at a public address, and takes it away.

pub mod api;
mod section;

pub(crate) use section::PublicationSection;
