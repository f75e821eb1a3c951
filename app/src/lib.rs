//! Atelier's pages: the shell, the routes, one folder per resource, and the ui kit that they are made of.
//!
//! A page reads and writes through server functions, each a line that calls a port of [`domain::Session`]. This crate
//! links neither SQL nor the object store, also on the server.

// Views are nested types: a page's is longer than the default allows.
#![recursion_limit = "512"]

pub mod account;
pub mod api_keys;
pub mod auth;
mod call;
pub mod chat;
pub mod documents;
pub mod draft;
pub mod entrance;
pub mod error;
mod event_source;
pub mod flash;
pub mod folders;
pub mod frame;
pub mod landing;
pub mod links;
mod loaded;
pub mod markdown;
pub mod members;
pub mod models;
pub mod not_found;
mod part;
pub mod projects;
pub mod publications;
pub mod redirect;
pub mod routes;
pub mod search;
pub mod shares;
mod surroundings;
pub mod theme;
pub mod trash;
pub mod ui;
pub mod workspaces;
pub mod written;

#[cfg(feature = "ssr")]
pub mod cookie;
#[cfg(feature = "ssr")]
mod csp;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod site;
#[cfg(feature = "ssr")]
mod status;

pub use error::ApiError;
pub use part::Part;
pub use routes::Studio;
#[cfg(feature = "ssr")]
pub use shell::{entrance_document, studio_document};
#[cfg(feature = "ssr")]
pub use site::Site;
