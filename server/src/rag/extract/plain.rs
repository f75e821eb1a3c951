//! Characters out of bytes.

use super::{ExtractError, sink::Sink};
use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

const BUFFER: usize = 64 * 1024;

/// Bytes at the beginning in which HTML wants its encoding to be named.
const DECLARATION: usize = 1024;

/// # Errors
/// As [`Sink::page`]; `Io`.
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut text = Utf8::of(file)?;
    let mut flow = sink.flow();
    while let Some(piece) = text.next()? {
        flow.push(piece)?;
    }
    flow.finish(false)
}

/// All of a text that is known to be short; a `charset` where HTML wants it comes before the guess.
pub fn decode_html(bytes: &[u8]) -> String {
    let guessed = if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
    declared(bytes).unwrap_or(guessed).decode(bytes).0.into_owned()
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]).to_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let label = rest.trim_start_matches(['"', '\'', ' ']).split(['"', '\'', ' ', ';', '>', '/']).next()?;
    Encoding::for_label(label.as_bytes())
}

/// A file as UTF-8, piece by piece.
pub struct Utf8 {
    file: File,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: String,
    /// Of `text`, what [`Read`] has given.
    given: usize,
    ended: bool,
}

impl Utf8 {
    /// A byte order mark decides; then UTF-8 where all of it is valid, else Windows-1252, which every byte sequence is.
    ///
    /// # Errors
    /// `Io`.
    pub fn of(mut file: File) -> Result<Self, ExtractError> {
        let encoding = if is_utf8(&mut file)? { UTF_8 } else { WINDOWS_1252 };
        Ok(Self::with(file, encoding))
    }

    /// As [`Self::of`] for HTML.
    ///
    /// # Errors
    /// `Io`.
    pub fn of_html(mut file: File) -> Result<Self, ExtractError> {
        let mut head = vec![0; DECLARATION];
        let read = file.read(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        match declared(&head[..read]) {
            Some(encoding) => Ok(Self::with(file, encoding)),
            None => Self::of(file),
        }
    }

    fn with(file: File, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder();
        Self { file, decoder, bytes: vec![0; BUFFER], text: String::with_capacity(BUFFER * 3), given: 0, ended: false }
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// `Io`.
    pub fn next(&mut self) -> std::io::Result<Option<&str>> {
        self.fill()?;
        Ok(if self.text.is_empty() { None } else { Some(&self.text) })
    }

    fn fill(&mut self) -> std::io::Result<()> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() && !self.ended {
            let read = self.file.read(&mut self.bytes)?;
            self.ended = read == 0;
            // Three bytes for each is the most that a decoder makes of one (encoding_rs, `max_utf8_buffer_length`).
            let needed = self.decoder.max_utf8_buffer_length(read).unwrap_or(BUFFER * 3);
            self.text.reserve(needed);
            let _ = self.decoder.decode_to_string(&self.bytes[..read], &mut self.text, self.ended);
        }
        Ok(())
    }
}

impl Read for Utf8 {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.given == self.text.len() {
            self.fill()?;
        }
        let rest = &self.text.as_bytes()[self.given..];
        let length = rest.len().min(to.len());
        to[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Reads the file once through, and goes back to its beginning.
fn is_utf8(file: &mut File) -> std::io::Result<bool> {
    let mut bytes = vec![0; BUFFER];
    let mut kept = 0;
    let valid = loop {
        let read = file.read(&mut bytes[kept..])?;
        if read == 0 {
            break kept == 0;
        }
        let filled = kept + read;
        match std::str::from_utf8(&bytes[..filled]) {
            Ok(_) => kept = 0,
            // A character that the buffer cut off: up to three bytes.
            Err(error) if error.error_len().is_none() => {
                bytes.copy_within(error.valid_up_to()..filled, 0);
                kept = filled - error.valid_up_to();
            }
            Err(_) => break false,
        }
    };
    file.seek(SeekFrom::Start(0))?;
    Ok(valid)
}
