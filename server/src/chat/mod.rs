//! Conversations: the port [`Chat`] on a session.

pub mod routes;

/// The answers being written in this process.
#[derive(Clone, Debug, Default)]
pub struct Answers;
