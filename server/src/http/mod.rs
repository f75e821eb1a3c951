//! HTTP: what every request passes through, and the router.

pub mod error;
pub mod openapi;
pub mod page;
