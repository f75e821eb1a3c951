//! Code of a language that has comments, strings, numbers and words, as most have.

use super::{Mark, Token, languages::Language};
use std::collections::HashSet;

/// Reads text by its bytes: whatever is not ASCII is a part of a word, so that it never stops within a character.
pub(super) struct Scanner<'a> {
    code: &'a str,
    pub at: usize,
    pub marks: Vec<Mark>,
}

impl<'a> Scanner<'a> {
    pub fn new(code: &'a str) -> Self {
        Self { code, at: 0, marks: Vec::new() }
    }

    pub fn peek(&self) -> Option<u8> {
        self.code.as_bytes().get(self.at).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.code.as_bytes()[self.at..]
    }

    pub fn before(&self) -> Option<u8> {
        self.at.checked_sub(1).map(|before| self.code.as_bytes()[before])
    }

    pub fn skip_while(&mut self, is_part: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| is_part(**byte)).count();
    }

    /// Goes behind the next `end`, or to the end of all.
    pub fn skip_past(&mut self, end: &str) {
        let found = self.code[self.at..].find(end);
        self.at = found.map_or(self.code.len(), |found| self.at + found + end.len());
    }

    /// Marks from `start` to where it is.
    pub fn mark(&mut self, start: usize, token: Token) {
        if start < self.at {
            self.marks.push(Mark { start, end: self.at, token });
        }
    }

    pub fn since(&self, start: usize) -> &'a str {
        &self.code[start..self.at]
    }

    /// The next byte that is no blank.
    fn next_visible(&self) -> Option<u8> {
        self.rest().iter().copied().find(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// Goes to the end of a string that begins here with `quote`, which a backslash can escape.
    pub fn skip_string(&mut self, quote: &str, over_lines: bool) {
        self.at += quote.len();
        let bytes = self.code.as_bytes();
        while let Some(byte) = self.peek() {
            if self.rest().starts_with(quote.as_bytes()) {
                self.at += quote.len();
                return;
            }
            match byte {
                b'\n' if !over_lines => return,
                // What is escaped is not looked at, but for a line's end, which ends the string all the same.
                b'\\' if bytes.get(self.at + 1).is_some_and(|next| next.is_ascii() && *next != b'\n') => self.at += 2,
                _ => self.at += 1,
            }
        }
    }
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn scan(language: &Language, code: &str) -> Vec<Mark> {
    let keywords: HashSet<&str> = language.keywords.split(' ').collect();
    let mut scanner = Scanner::new(code);
    while let Some(byte) = scanner.peek() {
        let start = scanner.at;
        if comment(language, &mut scanner) {
            scanner.mark(start, Token::Comment);
        } else if string(language, &mut scanner) {
            let is_key = language.keys.is_some() && scanner.next_visible() == language.keys;
            scanner.mark(start, if is_key { Token::Name } else { Token::String });
        } else if byte.is_ascii_digit() {
            number(&mut scanner);
            scanner.mark(start, Token::Number);
        } else if is_word(byte) || (byte == b'@' && language.at_words) {
            scanner.at += 1;
            scanner.skip_while(|byte| is_word(byte) || (byte == b'-' && language.dashes));
            let token = word(language, &keywords, scanner.since(start), &scanner);
            if let Some(token) = token {
                scanner.mark(start, token);
            }
        } else {
            scanner.at += 1;
        }
    }
    scanner.marks
}

/// Goes past a comment, if one begins here.
fn comment(language: &Language, scanner: &mut Scanner<'_>) -> bool {
    if let Some((open, close)) = language.blocks.iter().find(|(open, _)| scanner.rest().starts_with(open.as_bytes())) {
        scanner.at += open.len();
        scanner.skip_past(close);
        return true;
    }
    let Some(opener) = language.lines.iter().find(|open| scanner.rest().starts_with(open.as_bytes())) else {
        return false;
    };
    // `$#` and `a#b` of a shell are no comments.
    if *opener == "#" && scanner.before().is_some_and(|before| !before.is_ascii_whitespace()) {
        return false;
    }
    scanner.skip_while(|byte| byte != b'\n');
    true
}

/// Goes past a string, if one begins here.
fn string(language: &Language, scanner: &mut Scanner<'_>) -> bool {
    let Some((quote, over_lines)) =
        language.quotes.iter().find(|(quote, _)| scanner.rest().starts_with(quote.as_bytes()))
    else {
        return false;
    };
    if *quote == "'" && !opens(language, scanner) {
        return false;
    }
    scanner.skip_string(quote, *over_lines);
    true
}

/// Whether an apostrophe begins a string here.
fn opens(language: &Language, scanner: &Scanner<'_>) -> bool {
    if language.lifetimes {
        // `'a` is a lifetime, `'a'` and `'\n'` are characters.
        return match scanner.rest() {
            [_, b'\\', ..] => true,
            [_, first, rest @ ..] => {
                *first != b'\'' && rest.iter().take(4).find(|byte| byte.is_ascii()) == Some(&b'\'')
            }
            _ => false,
        };
    }
    // In running text, as YAML has it, it stands in words.
    language.keys.is_none() || !scanner.before().is_some_and(is_word)
}

fn number(scanner: &mut Scanner<'_>) {
    scanner.skip_while(is_word);
    while matches!(scanner.rest(), [b'.', digit, ..] if digit.is_ascii_digit()) {
        scanner.at += 1;
        scanner.skip_while(is_word);
    }
}

fn word(language: &Language, keywords: &HashSet<&str>, word: &str, scanner: &Scanner<'_>) -> Option<Token> {
    let is_keyword =
        if language.any_case { keywords.contains(word.to_ascii_lowercase().as_str()) } else { keywords.contains(word) };
    if is_keyword || word.starts_with('@') {
        return Some(Token::Keyword);
    }
    let next = scanner.next_visible();
    let is_name = if language.keys.is_some() { next == language.keys } else { scanner.peek() == Some(b'(') };
    is_name.then_some(Token::Name)
}
