//! Chat: a project's conversations, and answers that stream in with their citations.

mod answer;
pub mod api;
mod citation;
mod composer;
mod conversations;
mod page;
mod spoken;
mod stream;
mod thread;
mod title;

pub use page::{ChatPage, ConversationPage};
