//! API keys: their section of a workspace's settings.

pub mod api;
mod section;

pub(crate) use section::ApiKeysSection;
