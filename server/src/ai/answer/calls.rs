//! Calls of tools out of a stream, in which each comes in pieces: its name first, then its arguments bit by bit.

use super::Wanted;
use serde::Deserialize;

/// More calls in one turn than any answer needs.
const MOST: usize = 32;

/// A piece of a call. Compatible servers leave out all that they can.
#[derive(Debug, Deserialize)]
pub(super) struct CallPiece {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

/// The calls of one turn, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<(usize, Wanted)>);

impl Calls {
    /// Takes a piece to its call; the characters of it.
    pub fn push(&mut self, piece: CallPiece) -> usize {
        let Function { name, arguments } = piece.function.unwrap_or_default();
        let (id, name) = (piece.id.unwrap_or_default(), name.unwrap_or_default());
        let arguments = arguments.unwrap_or_default();
        let length = name.chars().count() + arguments.chars().count();
        let place = self.place(piece.index, &id);
        let Some((_, call)) = self.0.get_mut(place) else { return length };
        if call.id.is_empty() {
            call.id = id;
        }
        // Some servers send the name again with each piece.
        if call.tool.is_empty() {
            call.tool = name;
        }
        call.arguments.push_str(&arguments);
        length
    }

    /// Where the call stands that the piece is of. Without an index, another id is another call.
    fn place(&mut self, index: Option<usize>, id: &str) -> usize {
        let known = match index {
            Some(index) => self.0.iter().position(|(known, _)| *known == index),
            None if id.is_empty() => self.0.len().checked_sub(1),
            None => self.0.iter().position(|(_, call)| call.id == id),
        };
        known.unwrap_or_else(|| {
            let next = self.0.iter().map(|(index, _)| index.saturating_add(1)).max().unwrap_or(0);
            let call = Wanted { id: String::new(), tool: String::new(), arguments: String::new() };
            self.0.push((index.unwrap_or(next), call));
            self.0.len() - 1
        })
    }

    pub fn are_endless(&self) -> bool {
        self.0.len() > MOST
    }

    /// In the order of their indexes, each with an id.
    pub fn whole(mut self) -> Vec<Wanted> {
        self.0.sort_by_key(|(index, _)| *index);
        let calls = self.0.into_iter().enumerate().map(|(number, (_, mut call))| {
            if call.id.is_empty() {
                call.id = format!("call_{number}");
            }
            call
        });
        calls.collect()
    }
}
