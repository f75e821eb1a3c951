//! Documents that are written here: their Markdown, its versions, and how far they are on the way to being published.

use crate::{
    DocumentId, Error, FieldError, FolderId, Page, PageRequest, ProjectId, VersionId, documents::Document, text::Name,
    workspaces::Role,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;

/// How far a document is. A change of its text makes what was approved or published a draft again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WritingStatus {
    Draft,
    /// Somebody should look at it.
    Review,
    Approved,
    Published,
}

impl WritingStatus {
    pub const ALL: [Self; 4] = [Self::Draft, Self::Review, Self::Approved, Self::Published];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
            Self::Approved => "approved",
            Self::Published => "published",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// One step forward, or back to any step before.
    pub const fn may_become(self, next: Self) -> bool {
        next as u8 <= self as u8 + 1 && next as u8 != self as u8
    }

    /// The role that may set it.
    pub const fn needs(self) -> Role {
        match self {
            Self::Draft | Self::Review => Role::Member,
            Self::Approved | Self::Published => Role::Admin,
        }
    }

    /// Whether somebody has vouched for the text as it is.
    pub const fn vouches(self) -> bool {
        matches!(self, Self::Approved | Self::Published)
    }
}

/// A text in Markdown, as it was typed, with `\n` at the end of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Markdown(String);

impl Markdown {
    /// Of UTF-8.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// # Errors
    /// A [`FieldError`] for `field` when the text is longer than [`Self::MAX_BYTES`] or holds a NUL, which Postgres
    /// cannot store.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        // Forms send `\r\n` (HTML, 4.10.21.4).
        let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
        if text.len() > Self::MAX_BYTES {
            let message = format!(
                "A document holds {} MB of text at most. Move some of it to another document.",
                Self::MAX_BYTES / (1024 * 1024)
            );
            return Err(FieldError::new(field, message));
        }
        if text.contains('\0') {
            return Err(FieldError::new(field, "Remove the unreadable characters."));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Markdown {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse("text", &text).map_err(|error| error.message)
    }
}

impl From<Markdown> for String {
    fn from(text: Markdown) -> Self {
        text.0
    }
}

impl fmt::Display for Markdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewWritten {
    pub title: Name,
    #[serde(default)]
    pub text: Markdown,
    /// The folder that it goes into; the top of the project when absent.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
}

/// A document with the text that it has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WrittenText {
    pub document: Document,
    pub text: Markdown,
    /// Counts the changes: a save names the one that it was made from.
    pub revision: u64,
    /// The number of the version that this text is.
    pub version: u32,
    pub status: WritingStatus,
    /// Who changed it last.
    pub changed_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
    /// Whether answers are given from this text; some seconds after the last change they are.
    pub answers: bool,
    /// Why they could not be, and what to do about it.
    #[serde(default)]
    pub failure: Option<String>,
}

/// What was typed, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Save {
    /// Of the text that was changed.
    pub revision: u64,
    /// The document keeps its title when this is absent.
    #[serde(default)]
    pub title: Option<Name>,
    pub text: Markdown,
    /// Begins a version in any case, instead of going on with the last.
    #[serde(default)]
    pub new_version: bool,
}

/// What a change has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Saved {
    /// The next save is made from this.
    pub revision: u64,
    pub version: u32,
    pub status: WritingStatus,
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusChange {
    pub status: WritingStatus,
    /// Of the text that was looked at: what has changed since is not approved unseen.
    pub revision: u64,
}

/// What one person wrote in one go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DocumentVersion))]
pub struct Version {
    pub id: VersionId,
    pub document_id: DocumentId,
    /// From 1, without gaps; the highest is the present text.
    pub number: u32,
    pub author: String,
    #[serde(with = "time::serde::rfc3339")]
    pub begun_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
    /// Of UTF-8.
    pub size_bytes: u32,
    /// The version whose text was put back by this one.
    #[serde(default)]
    pub restored_from: Option<u32>,
    /// How far this text came, if it was approved or published.
    #[serde(default)]
    pub reached: Option<WritingStatus>,
    /// Whether it is the present text.
    pub is_present: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionText {
    pub version: Version,
    pub text: Markdown,
}

/// What differs between two texts, with some lines around.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    pub lines: Vec<DiffLine>,
    /// Lines that only the new text has.
    pub added: u32,
    /// Lines that only the old text has.
    pub removed: u32,
    /// There is more than is shown.
    pub is_cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DiffLine {
    /// In both.
    Same { text: String },
    /// Only in the old text.
    Removed { parts: Vec<DiffPart> },
    /// Only in the new text.
    Added { parts: Vec<DiffPart> },
    /// So many lines in both that are not shown.
    Skipped { lines: u32 },
}

/// Some of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffPart {
    pub text: String,
    /// Whether it is what differs from the other text's line.
    pub is_changed: bool,
}

/// Of a document that is a file each of these is a `Conflict`.
#[async_trait]
pub trait Written {
    /// Needs [`Role::Member`].
    async fn create_written(&self, project: ProjectId, new: NewWritten) -> Result<Document, Error>;
    async fn written_text(&self, id: DocumentId) -> Result<WrittenText, Error>;
    /// Needs [`Role::Member`].
    ///
    /// # Errors
    /// `Conflict` when the text has changed since the revision that the save was made from. Nothing is written then.
    async fn save_text(&self, id: DocumentId, save: Save) -> Result<Saved, Error>;
    /// Needs the role that [the status](WritingStatus::needs) does.
    ///
    /// # Errors
    /// `Conflict` when the text has changed since, or the status is not [the next](WritingStatus::may_become).
    async fn set_status(&self, id: DocumentId, change: StatusChange) -> Result<Document, Error>;
    /// The newest first.
    async fn list_versions(&self, id: DocumentId, page: PageRequest) -> Result<Page<Version>, Error>;
    async fn version(&self, id: VersionId) -> Result<VersionText, Error>;
    /// Makes the version's text the present one, as a version of its own. Needs [`Role::Member`].
    ///
    /// # Errors
    /// `Conflict` when it is the present one.
    async fn restore_version(&self, id: VersionId) -> Result<Saved, Error>;
    /// From the version to `other`, or to the present text.
    async fn compare_version(&self, id: VersionId, other: Option<VersionId>) -> Result<Difference, Error>;
    /// From the present text to `text`.
    async fn compare_text(&self, id: DocumentId, text: Markdown) -> Result<Difference, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_goes_one_step_forward_or_any_back() {
        use WritingStatus::{Approved, Draft, Published, Review};
        for (from, to) in [
            (Draft, vec![Review]),
            (Review, vec![Draft, Approved]),
            (Approved, vec![Draft, Review, Published]),
            (Published, vec![Draft, Review, Approved]),
        ] {
            for next in WritingStatus::ALL {
                assert_eq!(from.may_become(next), to.contains(&next), "{from:?} to {next:?}");
            }
        }
    }

    #[test]
    fn a_text_is_kept_as_it_is_typed_but_for_the_ends_of_lines() {
        let text = Markdown::parse("text", "  # A\r\nb\rc\n\n").map(String::from);
        assert_eq!(text.as_deref(), Ok("  # A\nb\nc\n\n"));
        assert!(Markdown::parse("text", &"a".repeat(Markdown::MAX_BYTES)).is_ok());
        for bad in ["a".repeat(Markdown::MAX_BYTES + 1), "a\0b".to_owned()] {
            assert!(Markdown::parse("text", &bad).is_err());
        }
    }
}
