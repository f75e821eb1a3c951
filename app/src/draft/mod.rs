//! What is typed and not yet saved, kept in this browser: a session that ends in the middle of it loses nothing.
//!
//! Only running text and names. Never a password, a code or an address: scripts and whoever uses the browser next can
//! read this storage.

mod form;
mod storage;

pub use form::KeepTyped;
pub use storage::{Typed, forget_all, keep_again};

const TEXT: &str = "text";

/// The draft of a field that stands alone.
pub fn read(key: &str) -> String {
    storage::read(key).remove(TEXT).unwrap_or_default()
}

/// Keeps it; an empty one is forgotten.
pub fn keep(key: &str, text: &str) {
    let typed = (!text.is_empty()).then(|| (TEXT.to_owned(), text.to_owned()));
    storage::write(key, &typed.into_iter().collect());
}

/// The draft of several fields that belong together, by their names.
pub fn read_all(key: &str) -> Typed {
    storage::read(key)
}

pub fn keep_all(key: &str, typed: &Typed) {
    storage::write(key, typed);
}

pub fn forget(key: &str) {
    storage::write(key, &storage::Typed::new());
}
