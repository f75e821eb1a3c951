//! The embedded object store.
