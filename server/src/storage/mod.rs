//! Files: one client for Cloudflare R2 and for the embedded store, which speaks the same protocol.

pub mod embedded;
pub mod key;
mod store;
#[cfg(test)]
mod tests;

pub use key::{ObjectKey, ObjectPrefix};
pub use store::{Object, ObjectHead, ObjectStore, Stored};
