//! The only builder of object keys. Each begins with the workspace, so that a workspace's objects are one prefix. The
//! database keeps keys, never addresses.

use domain::{DocumentId, WorkspaceId};
use std::{fmt, sync::Arc};

/// The name of an object in a bucket, or what names begin with: an [`ObjectKey`] in that of the product, and in one for backups what
/// [`crate::backup`] calls its files. No text is a key by itself.
pub trait Key: fmt::Display + Send + Sync {}

impl Key for ObjectKey {}

impl Key for ObjectPrefix {}

/// Where an object lies in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKey {
    /// The file as it was uploaded.
    Document { workspace: WorkspaceId, document: DocumentId },
    /// What everybody may read who has its address: a copy, so that the original's key stays the workspace's own.
    Published { workspace: WorkspaceId, document: DocumentId },
}

impl ObjectKey {
    /// The key that a listing of the bucket names; none for what Atelier has not put there.
    pub fn parse(key: &str) -> Option<Self> {
        let (workspace, rest) = key.strip_prefix(ROOT)?.split_once('/')?;
        let (kind, id) = rest.split_once('/')?;
        let (workspace, document) = (workspace.parse().ok()?, id.parse().ok()?);
        let parsed = match kind {
            "documents" => Self::Document { workspace, document },
            "public" => Self::Published { workspace, document },
            _ => return None,
        };
        // An id can be written in several ways; only one is ours.
        (parsed.to_string() == key).then_some(parsed)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { workspace, document } => {
                write!(f, "{}documents/{document}", ObjectPrefix::Workspace(*workspace))
            }
            Self::Published { workspace, document } => {
                write!(f, "{}public/{document}", ObjectPrefix::Workspace(*workspace))
            }
        }
    }
}

/// A key as the store is told it, for what outlives its caller.
#[derive(Clone, Debug)]
pub(super) struct Name(Arc<str>);

impl Name {
    pub fn of(key: &impl Key) -> Self {
        Self(key.to_string().into())
    }
}

impl Key for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Below it is all that Atelier puts into a bucket.
const ROOT: &str = "workspaces/";

/// A set of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectPrefix {
    All,
    /// All that a workspace has.
    Workspace(WorkspaceId),
}

impl fmt::Display for ObjectPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ROOT),
            Self::Workspace(workspace) => write!(f, "{ROOT}{workspace}/"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_key_is_read_as_it_is_written_and_no_other_is() {
        let (workspace, document) = (Uuid::now_v7().into(), Uuid::now_v7().into());
        let written = ObjectKey::Document { workspace, document }.to_string();
        assert!(written.starts_with(&ObjectPrefix::Workspace(workspace).to_string()));
        for key in [ObjectKey::Document { workspace, document }, ObjectKey::Published { workspace, document }] {
            assert_eq!(ObjectKey::parse(&key.to_string()), Some(key));
        }
        for other in [
            String::new(),
            "backup.tar".to_owned(),
            format!("{written}/more"),
            format!("/{written}"),
            written.to_uppercase(),
            written.replace('-', ""),
            written.replace("documents", "pictures"),
            format!("{ROOT}{workspace}/documents/../{document}"),
        ] {
            assert_eq!(ObjectKey::parse(&other), None, "{other}");
        }
    }
}
