//! Files: one client for Cloudflare R2 and for the embedded store, which speaks the same protocol.

#[cfg(test)]
mod bad_days;
pub mod embedded;
mod failure;
#[cfg(test)]
pub(crate) mod faulty;
mod folder;
pub mod key;
mod link;
mod measure;
mod multipart;
mod read;
mod store;
#[cfg(test)]
mod tests;

pub use key::{Key, ObjectKey, ObjectPrefix};
pub use link::Shown;
pub use multipart::{PART_BYTES, Unfinished};
pub use read::{Object, ObjectHead};
pub use store::{Listed, ListedPage, ObjectStore, Patience, Stored};
