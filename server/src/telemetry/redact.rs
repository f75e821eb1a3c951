//! Takes what looks like a token, a key or a password out of every line, so that no library can leak one.

use aho_corasick::{AhoCorasick, MatchKind};
use std::{
    borrow::Cow,
    io::{self, Write},
    sync::LazyLock,
};
use tracing_subscriber::fmt::MakeWriter;

/// Writes what is left after [`redact`]. `tracing_subscriber` writes each event whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redacted<W>(pub W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacted<W> {
    type Writer = Redacted<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Redacted(self.0.make_writer())
    }
}

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const REDACTED: &str = "[redacted]";

/// What a secret follows, and whether it is a secret only from some length on.
const MARKS: &[(&str, usize)] = &[
    ("Bearer ", 1),
    ("bearer ", 1),
    ("Basic ", 8),
    ("sb_secret_", 1),
    ("sk-", 16),
    ("?code=", 1),
    ("&code=", 1),
    ("token=", 1),
    ("token_hash=", 1),
    ("apikey=", 1),
    ("password=", 1),
    ("X-Amz-Signature=", 1),
    ("X-Amz-Credential=", 1),
    ("refresh_token\":\"", 1),
    ("refresh_token: \"", 1),
    ("access_token\":\"", 1),
    ("access_token: \"", 1),
    ("password\":\"", 1),
    ("password: \"", 1),
    ("apikey\": \"", 1),
    ("apikey\":\"", 1),
    ("authorization\": \"", 1),
    ("cookie\": \"", 1),
];

/// What begins a JSON Web Token: the header `{"`.
const WEB_TOKEN: &str = "eyJ";
/// What stands before the user of a URL.
const AUTHORITY: &str = "://";

/// Finds where a secret may begin, in one pass: to try every mark at each letter was seen in the profile of a small page.
/// `None` cannot be, as these are few and short; then each letter is tried.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // Before a quote may be backslashes, see `after`.
    let marks = MARKS.iter().map(|(mark, _)| mark.split('"').next().unwrap_or(mark));
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks.chain([WEB_TOKEN, AUTHORITY])).ok()
});

/// The next place from `at` on where a secret may begin.
fn next_beginning(line: &str, at: usize) -> Option<usize> {
    match &*BEGINNINGS {
        Some(beginnings) => beginnings.find(line.get(at..)?).map(|found| at + found.start()),
        None => (at < line.len()).then_some(at),
    }
}

/// Takes tokens, keys and passwords out of a line of the log.
fn redact(line: &str) -> Cow<'_, str> {
    let mut clean: Option<String> = None;
    let mut kept = 0;
    let mut from = 0;
    while let Some(at) = next_beginning(line, from) {
        let Some((start, end)) = secret_at(line, at) else {
            from = line.ceil_char_boundary(at + 1);
            continue;
        };
        let clean = clean.get_or_insert_with(String::new);
        clean.push_str(&line[kept..start]);
        clean.push_str(REDACTED);
        kept = end;
        from = end;
    }
    match clean {
        None => Cow::Borrowed(line),
        Some(mut clean) => {
            clean.push_str(&line[kept..]);
            Cow::Owned(clean)
        }
    }
}

/// The secret that the text at `at` begins or announces: where it starts and ends.
fn secret_at(line: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &line[at..];
    for (mark, shortest) in MARKS {
        if let Some(secret) = after(rest, mark) {
            let (start, length) = (line.len() - secret.len(), token_length(secret));
            return (length >= *shortest).then_some((start, start + length));
        }
    }
    // The header, a dot, the claims.
    if rest.starts_with(WEB_TOKEN) {
        let length = token_length(rest);
        return rest[..length].contains('.').then_some((at, at + length));
    }
    // The password of a URL: `://user:password@`.
    let authority = rest.strip_prefix(AUTHORITY)?;
    let authority =
        &authority[..authority.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(authority.len())];
    let user = &authority[..authority.rfind('@')?];
    let colon = user.find(':')?;
    Some((at + 3 + colon + 1, at + 3 + user.len()))
}

/// What follows the mark. In a line of JSON, quotes inside a string have a backslash before them.
fn after<'a>(rest: &'a str, mark: &str) -> Option<&'a str> {
    mark.chars().try_fold(rest, |rest, c| {
        let rest = if c == '"' { rest.trim_start_matches('\\') } else { rest };
        rest.strip_prefix(c)
    })
}

/// Bytes until something that no token holds.
fn token_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.~+/=%".contains(c))).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        let cases = [
            ("authorization: Bearer abc.def-1 next", "authorization: Bearer [redacted] next"),
            ("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln, end", "token [redacted], end"),
            ("GET /auth/callback?code=123-abc&next=/x", "GET /auth/callback?code=[redacted]&next=/x"),
            ("/verify?token_hash=pkce_12&type=signup", "/verify?token_hash=[redacted]&type=signup"),
            ("key sb_secret_AbC_12 used", "key sb_secret_[redacted] used"),
            ("sk-or-v1-0123456789abcdef0123", "sk-[redacted]"),
            ("at postgres://user:pa:ss@host:5432/db now", "at postgres://user:[redacted]@host:5432/db now"),
            (r#"{"refresh_token":"v1abc","expires_in":1}"#, r#"{"refresh_token":"[redacted]","expires_in":1}"#),
            (r#"{\"refresh_token\":\"v1abc\"}"#, r#"{\"refresh_token\":\"[redacted]\"}"#),
            (r#"headers: {"apikey": "abc"}"#, r#"headers: {"apikey": "[redacted]"}"#),
            ("é Bearer ü", "é Bearer ü"),
        ];
        for (line, expected) in cases {
            assert_eq!(redact(line), expected);
        }
    }

    #[test]
    fn every_mark_is_found_wherever_it_stands() {
        for (mark, _) in MARKS {
            for before in ["", "é", "token", "\\\"", "eyJ :// "] {
                let line = format!("{before}{mark}0123456789abcdef0123 end");
                assert!(!redact(&line).contains("0123456789abcdef"), "{line}");
            }
        }
    }

    #[test]
    fn the_rest_is_left_alone() {
        for line in [
            "answered status=200 path=/workspaces",
            "error code=28000 at http://127.0.0.1:3000/x",
            "eyJust a word",
            "risk-free",
            "ünïcödé 🙂",
        ] {
            assert!(matches!(redact(line), Cow::Borrowed(_)), "{line}");
        }
    }
}
