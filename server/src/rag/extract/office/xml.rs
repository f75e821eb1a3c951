//! XML as it streams by: elements without their prefixes, and text. Entities that a document defines are never resolved,
//! neither its own (bombs) nor those of other files (XXE); external subsets are never read.

use super::ExtractError;
use quick_xml::{
    Error, Reader, XmlVersion,
    events::{BytesStart, Event},
};
use std::io::{BufReader, Read};

/// Nothing that an office program writes nests deeper.
const MAX_DEPTH: usize = 2_000;

/// What there is to hear.
pub enum Node<'a> {
    Start(&'a str, &'a BytesStart<'a>),
    End(&'a str),
    Text(&'a str),
}

/// Tells every node in order. An empty element has a start and an end.
pub fn read(part: impl Read, mut hear: impl FnMut(Node<'_>) -> Result<(), ExtractError>) -> Result<(), ExtractError> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, part));
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(start) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ExtractError::Damaged);
                }
                hear(Node::Start(start.local_name().into_inner(), &start))?;
            }
            Event::Empty(start) => {
                let name = start.local_name().into_inner();
                hear(Node::Start(name, &start))?;
                hear(Node::End(name))?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                hear(Node::End(end.local_name().into_inner()))?;
            }
            Event::Text(text) => hear(Node::Text(&text))?,
            Event::CData(text) => hear(Node::Text(&text))?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = character.as_deref().or_else(|| quick_xml::escape::resolve_predefined_entity(&reference));
                if let Some(text) = known {
                    hear(Node::Text(text))?;
                }
            }
            Event::Eof if depth > 0 => return Err(ExtractError::Damaged),
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
        }
    }
}

/// An attribute by its name without prefix.
pub fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().filter_map(Result::ok).find(|one| one.key.local_name().into_inner() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

fn damaged(error: Error) -> ExtractError {
    tracing::debug!(%error, "XML cannot be read");
    match error {
        Error::Io(error) if error.get_ref().is_some_and(|cause| cause.is::<super::TooMuch>()) => ExtractError::Unfolds,
        _ => ExtractError::Damaged,
    }
}
