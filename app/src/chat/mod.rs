//! Chat: a project's conversations, and answers that stream in with their citations.

mod activity;
mod answer;
pub mod api;
mod attachments;
mod branch;
mod citation;
mod composer;
mod conversations;
mod found;
mod in_chat;
mod manage;
mod page;
mod scope;
mod spoken;
mod stream;
mod thread;
mod tool_calls;

pub(crate) use in_chat::InChatButton;
pub use page::{ChatPage, ConversationPage};
