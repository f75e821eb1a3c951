//! Formats that are ZIP archives of XML: Word, PowerPoint, Excel, EPUB. Nothing is unpacked to disk, names are only
//! looked up, archives within archives stay closed, and what comes out of an archive is counted.

pub mod docx;
pub mod epub;
pub mod pptx;
mod relations;
pub mod xlsx;
mod xml;

use super::ExtractError;
use std::{
    fs::File,
    io::{self, BufReader, Read},
};
use zip::{ZipArchive, result::ZipError};

/// Bytes that one archive may unfold to. Office XML is five to ten times its text.
const MAX_UNFOLDED: u64 = 1024 * 1024 * 1024;

/// A document of 5,000 slides with pictures and notes has about 20,000.
const MAX_PARTS: usize = 50_000;

/// An open archive.
pub(super) struct Package {
    archive: ZipArchive<BufReader<File>>,
    /// Bytes that may still unfold.
    budget: u64,
}

impl Package {
    pub fn open(file: File) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        if archive.len() > MAX_PARTS {
            return Err(ExtractError::Unfolds);
        }
        Ok(Self { archive, budget: MAX_UNFOLDED })
    }

    pub fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The file, for another reader of archives; a child cannot open it again.
    pub fn into_file(self) -> File {
        self.archive.into_inner().into_inner()
    }

    /// A part to be read as it unfolds; none when it is not there.
    pub fn part(&mut self, name: &str) -> Result<Option<impl Read + '_>, ExtractError> {
        match self.archive.by_name(name) {
            Ok(part) => Ok(Some(Counted { part, budget: &mut self.budget })),
            Err(ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }

    /// All of a part that is to be short.
    pub fn bytes(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(part) = self.part(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        part.take(most + 1).read_to_end(&mut bytes).map_err(ExtractError::of_archive)?;
        if bytes.len() as u64 > most { Err(ExtractError::Unfolds) } else { Ok(Some(bytes)) }
    }
}

/// Takes what is read off the archive's budget.
struct Counted<'a, R> {
    part: R,
    budget: &'a mut u64,
}

/// What tells a used-up budget from other failures of reading.
#[derive(Debug, thiserror::Error)]
#[error("the archive unfolds to too much")]
pub(super) struct TooMuch;

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(to)?;
        match self.budget.checked_sub(read as u64) {
            Some(rest) => *self.budget = rest,
            None => return Err(io::Error::other(TooMuch)),
        }
        Ok(read)
    }
}

fn damaged(error: ZipError) -> ExtractError {
    tracing::debug!(%error, "an archive cannot be read");
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Protected,
        _ => ExtractError::Damaged,
    }
}

impl ExtractError {
    /// What is wrong with an archive whose part could not be read.
    pub(super) fn of_archive(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|cause| cause.is::<TooMuch>()) { Self::Unfolds } else { Self::Damaged }
    }
}
