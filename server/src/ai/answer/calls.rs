//! Calls of tools out of a stream, in which each comes in pieces: its name first, then its arguments bit by bit.

use super::{MAX_ARGUMENTS, Wanted};
use serde::Deserialize;

/// Calls of one turn that are kept: more than are done of them, so that the model is told of some that were not.
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

/// The calls of one turn, as far as they have come. What is beyond [`MOST`] is dropped.
#[derive(Debug, Default)]
pub(super) struct Calls {
    kept: Vec<(usize, Wanted)>,
    /// Where the call stands that the last piece was of; none when that call is not kept.
    current: Option<usize>,
}

impl Calls {
    /// Takes a piece to its call; the characters of it.
    pub fn push(&mut self, piece: CallPiece) -> usize {
        let Function { name, arguments } = piece.function.unwrap_or_default();
        let (id, name) = (piece.id.unwrap_or_default(), name.unwrap_or_default());
        let arguments = arguments.unwrap_or_default();
        let length = name.chars().count() + arguments.chars().count();
        self.current = self.place(piece.index, &id);
        let Some((_, call)) = self.current.and_then(|place| self.kept.get_mut(place)) else { return length };
        if call.id.is_empty() {
            call.id = id;
        }
        // Some servers send the name again with each piece.
        if call.tool.is_empty() {
            call.tool = name;
        }
        // One piece more than may be says that they are too long.
        if call.arguments.len() <= MAX_ARGUMENTS {
            call.arguments.push_str(&arguments);
        }
        length
    }

    /// Where the call stands that the piece is of. Without an index, another id is another call.
    fn place(&mut self, index: Option<usize>, id: &str) -> Option<usize> {
        let known = match index {
            Some(index) => self.kept.iter().position(|(known, _)| *known == index),
            None if id.is_empty() && !self.kept.is_empty() => return self.current,
            None => self.kept.iter().position(|(_, call)| call.id == id),
        };
        known.or_else(|| {
            if self.kept.len() == MOST {
                return None;
            }
            let next = self.kept.iter().map(|(index, _)| index.saturating_add(1)).max().unwrap_or(0);
            let call = Wanted { id: String::new(), tool: String::new(), arguments: String::new() };
            self.kept.push((index.unwrap_or(next), call));
            Some(self.kept.len() - 1)
        })
    }

    /// In the order of their indexes, each with an id.
    pub fn whole(mut self) -> Vec<Wanted> {
        self.kept.sort_by_key(|(index, _)| *index);
        let calls = self.kept.into_iter().enumerate().map(|(number, (_, mut call))| {
            if call.id.is_empty() {
                call.id = format!("call_{number}");
            }
            call
        });
        calls.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn calls(pieces: &[serde_json::Value]) -> Vec<Wanted> {
        let mut calls = Calls::default();
        for piece in pieces {
            calls.push(serde_json::from_value(piece.clone()).unwrap_or_else(|error| panic!("{piece}: {error}")));
        }
        calls.whole()
    }

    fn begins(index: Option<usize>, id: &str) -> serde_json::Value {
        json!({ "index": index, "id": id, "function": { "name": "f", "arguments": "{" } })
    }

    #[test]
    fn calls_beyond_the_most_are_dropped_with_all_their_pieces() {
        let mut by_index: Vec<_> = (0..40).map(|index| begins(Some(index), &format!("c{index}"))).collect();
        by_index.extend((0..40).map(|index| json!({ "index": index, "function": { "arguments": "}" } })));
        // Some servers number nothing: what goes on without a name is of the call before it.
        let by_id =
            (0..40).flat_map(|id| [begins(None, &format!("c{id}")), json!({ "function": { "arguments": "}" } })]);
        for pieces in [by_index, by_id.collect()] {
            let calls = calls(&pieces);
            assert_eq!(calls.len(), MOST);
            assert!(calls.iter().all(|call| call.arguments == "{}"), "{calls:?}");
            assert_eq!(calls.last().map(|call| call.id.as_str()), Some("c31"));
        }
    }

    #[test]
    fn arguments_end_a_piece_beyond_what_may_be() {
        let piece = json!({ "index": 0, "function": { "arguments": "x".repeat(MAX_ARGUMENTS / 4) } });
        let calls = calls(&vec![piece; 12]);
        assert!((MAX_ARGUMENTS + 1..=MAX_ARGUMENTS * 5 / 4).contains(&calls[0].arguments.len()));
    }
}
