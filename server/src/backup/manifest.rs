//! The manifest: what a backup holds. It is written last, so that a backup that was broken off has none.

use super::{
    BackupError,
    place::{MANIFEST, Place},
    refuse, stream,
};
use crate::fault::Fault;
use domain::Error;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use time::OffsetDateTime;
use uuid::Uuid;

/// Raised when an older Atelier could not read what is written.
const FORMAT: u32 = 1;
/// More is no manifest.
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// The release that made it.
    pub atelier: String,
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub finished: OffsetDateTime,
    /// Names the folder of its tables.
    pub run: Uuid,
    /// The newest migration of the database.
    pub schema: i64,
    /// That of the embedded identity provider, whose accounts are in the backup then.
    pub identity_schema: Option<i64>,
    /// Each after those that it points at.
    pub tables: Vec<TableFile>,
    pub files: FileList,
}

/// A table: rows in the text format of Postgres' COPY, compressed by gzip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TableFile {
    #[serde(flatten)]
    pub table: TableName,
    pub columns: Vec<String>,
    pub sequences: Vec<Sequence>,
    pub rows: u64,
    #[serde(flatten)]
    pub content: Content,
}

/// The list of files: a line of JSON each ([`super::files::Listed`]), compressed by gzip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FileList {
    /// Files that are in the backup.
    pub present: u64,
    /// Files that are listed and could not be read.
    pub absent: u64,
    #[serde(flatten)]
    pub content: Content,
}

/// What a file of the backup must be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Content {
    /// Its path in the backup.
    pub file: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct TableName {
    pub schema: String,
    pub table: String,
}

impl TableName {
    /// For SQL.
    pub fn quoted(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// A name for SQL, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Where the numbers of a column come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sequence {
    pub column: String,
    pub last_value: i64,
    pub is_called: bool,
}

/// A SHA-256; in text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a SHA-256 has 64 hexadecimal digits";
        if text.len() != 64 || !text.is_ascii() {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// What a backup is about, before its content is known.
pub(super) struct Beginning {
    pub started: OffsetDateTime,
    pub run: Uuid,
    pub schema: i64,
    pub identity_schema: Option<i64>,
}

impl Manifest {
    pub fn new(beginning: Beginning, tables: Vec<TableFile>, files: FileList) -> Self {
        let Beginning { started, run, schema, identity_schema } = beginning;
        let (atelier, finished) = (env!("CARGO_PKG_VERSION").to_owned(), OffsetDateTime::now_utc());
        Self { format: FORMAT, atelier, started, finished, run, schema, identity_schema, tables, files }
    }

    /// Makes what lies there a backup.
    pub async fn write(&self, place: &Place) -> Result<(), Fault> {
        let text = serde_json::to_vec_pretty(self).map_err(Fault::while_doing("write the manifest"))?;
        place.write(MANIFEST, stream::once(text)).await?;
        Ok(())
    }

    /// The manifest of a place, if it has one.
    ///
    /// # Errors
    /// A sentence when it cannot be read, or a newer Atelier has made it.
    pub async fn find(place: &Place) -> Result<Option<Self>, BackupError> {
        let content = match place.read(MANIFEST).await {
            Err(Fault::Refused(Error::NotFound)) => return Ok(None),
            other => other?,
        };
        let Some(text) = stream::whole(content, MAX_BYTES).await? else {
            return refuse(format!("{place} has a {MANIFEST} that is none: it is too large."));
        };
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        if let Ok(Format { format }) = serde_json::from_slice(&text)
            && format > FORMAT
        {
            return refuse(format!(
                "A newer Atelier has made the backup in {place}. Use that one, or a newer one still."
            ));
        }
        match serde_json::from_slice(&text) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) => refuse(format!("The {MANIFEST} in {place} is damaged ({error}). Use another backup.")),
        }
    }

    /// The manifest of a backup that is to be read.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub async fn read(place: &Place) -> Result<Self, BackupError> {
        match Self::find(place).await? {
            Some(manifest) => Ok(manifest),
            None => refuse(format!(
                "{place} has no {MANIFEST}, so it is no backup, or one that was broken off. Look whether the address is right."
            )),
        }
    }
}
