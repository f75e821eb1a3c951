//! The only builder of object keys. Each begins with the workspace, so that a workspace's objects are one prefix.

use domain::{DocumentId, WorkspaceId};
use std::fmt;

/// Where an object lies in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKey {
    /// The file as it was uploaded.
    Document { workspace: WorkspaceId, document: DocumentId },
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { workspace, document } => {
                write!(f, "{}documents/{document}", ObjectPrefix::Workspace(*workspace))
            }
        }
    }
}

/// A set of objects that are deleted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectPrefix {
    /// All that a workspace has.
    Workspace(WorkspaceId),
}

impl fmt::Display for ObjectPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(workspace) => write!(f, "workspaces/{workspace}/"),
        }
    }
}
