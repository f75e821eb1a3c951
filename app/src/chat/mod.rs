//! Chat: a project's conversations, and answers that stream in with their citations.

mod answer;
pub mod api;
mod citation;
mod composer;
mod conversations;
mod manage;
mod page;
mod spoken;
mod stream;
mod thread;

pub use page::{ChatPage, ConversationPage};
