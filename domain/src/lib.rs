//! Atelier's vocabulary: the types of each resource and the port through which it is used.
//!
//! A server function in `app` and a JSON route in `server` call the same port, so that one operation has one
//! implementation and two transports. This crate compiles for WASM and knows neither SQL nor HTTP.
//!
//! # Adding a resource
//! 1. `src/<resource>.rs`: its types, validated newtypes, and one port trait.
//! 2. Add the trait to [`session::Session`].
//! 3. `app/src/<resource>/` for its pages, `server/src/<resource>/` for its implementation.

pub mod accounts;
pub mod api_keys;
pub mod attachments;
pub mod chat;
pub mod documents;
pub mod error;
pub mod folders;
pub mod id;
pub mod links;
pub mod members;
pub mod models;
pub mod navigation;
pub mod page;
pub mod projects;
pub mod publications;
pub mod redirect;
pub mod search;
pub mod session;
pub mod shares;
pub mod text;
pub mod tools;
pub mod trash;
pub mod uploads;
pub mod workspaces;
pub mod written;

pub use error::{Error, FieldError};
pub use id::*;
pub use page::{Cursor, Page, PageRequest};
pub use session::Session;
