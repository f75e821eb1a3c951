//! Colours for code: a scanner that tells comments, strings, numbers, keywords and names apart, and knows no grammar
//! ([ADR 13](../../../../docs/adr/0013-code-is-coloured-by-a-scanner.md)). It runs on the server and in the browser, and
//! finds the same on both. One pass from left to right: no input takes longer than its length allows.

mod languages;
mod markup;
mod scan;

/// Bytes of code that are coloured; longer code stays plain.
const MAX_BYTES: usize = 100_000;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    Comment,
    String,
    Number,
    Keyword,
    /// Of a function, a key, an attribute.
    Name,
    Inserted,
    Deleted,
}

impl Token {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Comment => "code__comment",
            Self::String => "code__string",
            Self::Number => "code__number",
            Self::Keyword => "code__keyword",
            Self::Name => "code__name",
            Self::Inserted => "code__inserted",
            Self::Deleted => "code__deleted",
        }
    }
}

/// A piece of code to be coloured, in bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
    pub token: Token,
}

/// What there is to colour, in order and without overlaps; nothing in a language that is not known, in code that is too
/// long, or where it would be more than `most`.
pub fn marks(language: &str, code: &str, most: usize) -> Vec<Mark> {
    if code.len() > MAX_BYTES {
        return Vec::new();
    }
    let language = language.trim_start_matches('.').to_ascii_lowercase();
    let marks = match language.as_str() {
        "html" | "xml" | "svg" | "vue" | "svelte" => markup::scan(code),
        "diff" | "patch" => diff(code),
        name => languages::find(name).map(|language| scan::scan(language, code)).unwrap_or_default(),
    };
    if marks.len() > most { Vec::new() } else { marks }
}

fn diff(code: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let end = start + line.trim_end_matches('\n').len();
        let token = match line.as_bytes() {
            [b'+', ..] => Some(Token::Inserted),
            [b'-', ..] => Some(Token::Deleted),
            [b'@', b'@', ..] => Some(Token::Comment),
            _ => None,
        };
        marks.extend(token.map(|token| Mark { start, end, token }));
        start += line.len();
    }
    marks
}

#[cfg(test)]
mod tests;
