//! A project's page: its brief, what to do next, and what was worked on last.

pub mod api;
mod brief;
mod page;

pub use page::ProjectPage;
