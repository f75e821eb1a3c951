//! Characters out of bytes.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// A byte order mark decides; then UTF-8 where it is valid, else Windows-1252, which every byte sequence is.
pub fn decode(bytes: &[u8]) -> String {
    decode_as(bytes, None)
}

/// As [`decode`], but a `charset` in the first 1,024 bytes, where HTML wants it, comes before the guess.
pub fn decode_html(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
    let label = head.split_once("charset=").map(|(_, rest)| rest.trim_start_matches(['"', '\'', ' ']));
    let label = label.and_then(|rest| rest.split(['"', '\'', ' ', ';', '>', '/']).next());
    decode_as(bytes, label.and_then(|label| Encoding::for_label(label.as_bytes())))
}

fn decode_as(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    let guessed = if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
    declared.unwrap_or(guessed).decode(bytes).0.into_owned()
}
