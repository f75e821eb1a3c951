//! Who gets what: every operation of the API and every server function, for every kind of person, with ids of their own,
//! of others, and none at all. New operations are found in the API's description and in the list of server functions; a
//! new server function is written into the table in `functions`, or its test fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod functions;
mod operations;
mod people;

use crate::testing::{Answer, Operation};
use domain::workspaces::Role;

/// What does not parse as an id, or as no text at all. The long one is not worth an error of its own either.
const MALFORMED: [&str; 7] = ["nonsense", "0", "-1", "%00", "%ff", "..%2f..", "' or 1=1 --"];

/// What somebody is to a workspace that is not their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not signed in, or with what was once a way to be: a forged token, an ended session, a revoked key.
    Nobody,
    /// Signed in, and not a member: never, or not any more.
    Outsider,
    Member(Role),
}

impl Standing {
    /// Membership is nothing to what is its maker's alone.
    fn toward(self, operation: &Operation) -> Self {
        match self {
            Self::Member(_) if operation.is_personal() => Self::Outsider,
            standing => standing,
        }
    }

    /// The status of the refusal, if what needs `role` is refused.
    fn refusal(self, role: Role) -> Option<u16> {
        match self {
            Self::Nobody => Some(401),
            Self::Outsider => Some(404),
            Self::Member(own) => (own < role).then_some(403),
        }
    }
}

#[track_caller]
fn check(answer: &Answer, standing: Standing, needs: Role, what: &str) {
    match standing.refusal(needs) {
        Some(status) => {
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            assert!(!answer.text().contains(crate::testing::Belongings::MARK), "{what} tells: {}", answer.text());
        }
        None => assert_allowed(answer, what),
    }
}

/// It may fail for another reason, such as a document that is not failed and cannot be read again.
#[track_caller]
fn assert_allowed(answer: &Answer, what: &str) {
    assert!(matches!(answer.status, 200..=399 | 409), "{what}: {} {}", answer.status, answer.text());
}
