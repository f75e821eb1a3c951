//! Drafts in the browser's storage. Where that is refused (a private window) a draft is lost with the page.

use gloo_storage::{LocalStorage, Storage};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

const PREFIX: &str = "atelier:draft:";

/// What was typed, by the field's name.
pub type Typed = BTreeMap<String, String>;

fn name(key: &str) -> String {
    format!("{PREFIX}{key}")
}

pub(super) fn read(key: &str) -> Typed {
    LocalStorage::get(name(key)).unwrap_or_default()
}

/// Whether the reader signs out: what is still written on the way, as a page does when it is left, is not kept.
static SIGNING_OUT: AtomicBool = AtomicBool::new(false);

pub(super) fn write(key: &str, typed: &Typed) {
    if SIGNING_OUT.load(Ordering::Relaxed) {
        return;
    }
    if typed.is_empty() {
        LocalStorage::delete(name(key));
    } else {
        let _ = LocalStorage::set(name(key), typed);
    }
}

/// Removes every draft, and keeps no other: whoever signs out may leave the browser to somebody else.
pub fn forget_all() {
    SIGNING_OUT.store(true, Ordering::Relaxed);
    let storage = LocalStorage::raw();
    let count = storage.length().unwrap_or_default();
    let names: Vec<String> = (0..count)
        .filter_map(|index| storage.key(index).ok().flatten())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    for name in names {
        LocalStorage::delete(&name);
    }
}

/// Keeps drafts again: the reader could not be signed out.
pub fn keep_again() {
    SIGNING_OUT.store(false, Ordering::Relaxed);
}
