//! HTML, XML and what is like them.

use super::{
    Mark, Token,
    scan::{Scanner, is_word},
};

pub(super) fn scan(code: &str) -> Vec<Mark> {
    let mut scanner = Scanner::new(code);
    while scanner.peek().is_some() {
        let start = scanner.at;
        match scanner.rest() {
            [b'<', b'!', b'-', b'-', ..] => {
                scanner.skip_past("-->");
                scanner.mark(start, Token::Comment);
            }
            [b'<', next, ..] if matches!(next, b'/' | b'!' | b'?') || next.is_ascii_alphabetic() => tag(&mut scanner),
            _ => {
                scanner.at += 1;
                scanner.skip_while(|byte| byte != b'<');
            }
        }
    }
    scanner.marks
}

const fn is_name(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'-' | b':' | b'.')
}

/// From `<` to `>`: its name, attributes and their values.
fn tag(scanner: &mut Scanner<'_>) {
    scanner.at += 1;
    scanner.skip_while(|byte| matches!(byte, b'/' | b'!' | b'?'));
    let start = scanner.at;
    scanner.skip_while(is_name);
    scanner.mark(start, Token::Keyword);
    while let Some(byte) = scanner.peek() {
        let start = scanner.at;
        match byte {
            b'>' => {
                scanner.at += 1;
                return;
            }
            // The tag was never closed.
            b'<' => return,
            b'"' | b'\'' => {
                scanner.at += 1;
                scanner.skip_past(if byte == b'"' { "\"" } else { "'" });
                scanner.mark(start, Token::String);
            }
            byte if is_word(byte) => {
                scanner.skip_while(is_name);
                scanner.mark(start, Token::Name);
            }
            _ => scanner.at += 1,
        }
    }
}
