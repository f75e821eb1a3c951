//! The session in the browser: two cookies, for the access token and the refresh token, each cut into pieces where it
//! is too long for one.

use http::{HeaderMap, HeaderValue, header};
use std::collections::BTreeMap;

/// Browsers take 4,096 bytes for name, value and attributes together.
const MAX_PIECE_BYTES: usize = 3800;
/// Nothing of ours comes near; more is somebody's nonsense.
const MAX_PIECES: usize = 8;
/// The longest that browsers keep a cookie. The provider decides when the session ends, not the cookie.
const MAX_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;

/// The tokens of a session, as the browser keeps them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionTokens {
    pub access: String,
    pub refresh: String,
}

impl std::fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionTokens(…)")
    }
}

/// What a request brought: either token may be missing.
#[derive(Clone, Default)]
pub(super) struct ReceivedTokens {
    pub access: Option<String>,
    pub refresh: Option<String>,
    /// The names of all our cookies, pieces too, so that each can be removed.
    names: Vec<String>,
}

impl std::fmt::Debug for ReceivedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivedTokens").field("names", &self.names).finish_non_exhaustive()
    }
}

impl ReceivedTokens {
    /// Whether the request carried any cookie of ours.
    pub(super) fn any(&self) -> bool {
        !self.names.is_empty()
    }
}

/// How this site writes its cookies.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionCookies {
    secure: bool,
}

impl SessionCookies {
    /// `secure` everywhere but on plain http to this machine, where a browser would not send them back.
    pub(super) const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// With `__Host-` a browser refuses the cookie unless it is Secure, for this host alone and for every path: no
    /// sibling domain can plant one.
    const fn access_name(self) -> &'static str {
        if self.secure { "__Host-atelier-access" } else { "atelier-access" }
    }

    const fn refresh_name(self) -> &'static str {
        if self.secure { "__Host-atelier-refresh" } else { "atelier-refresh" }
    }

    pub(super) fn read(self, headers: &HeaderMap) -> ReceivedTokens {
        let mut pieces: BTreeMap<String, String> = BTreeMap::new();
        for header in headers.get_all(header::COOKIE) {
            // A cookie of another program may hold any bytes; it must not cost us ours.
            let text = String::from_utf8_lossy(header.as_bytes());
            for pair in text.split(';') {
                let Some((name, value)) = pair.split_once('=') else { continue };
                let name = name.trim();
                if name.starts_with(self.access_name()) || name.starts_with(self.refresh_name()) {
                    let value = value.trim().trim_matches('"');
                    // Of two with one name the browser sends the more specific first.
                    pieces.entry(name.to_owned()).or_insert_with(|| value.to_owned());
                }
            }
        }
        ReceivedTokens {
            access: join(&pieces, self.access_name()),
            refresh: join(&pieces, self.refresh_name()),
            names: pieces.into_keys().collect(),
        }
    }

    /// `Set-Cookie` values that store `tokens` and remove what is left of `received`.
    pub(super) fn set(self, tokens: &SessionTokens, received: &ReceivedTokens) -> Vec<HeaderValue> {
        let mut cookies = split(self.access_name(), &tokens.access);
        cookies.extend(split(self.refresh_name(), &tokens.refresh));
        let mut headers =
            self.remove(received.names.iter().filter(|name| cookies.iter().all(|(written, _)| written != *name)));
        headers.extend(cookies.iter().filter_map(|(name, value)| self.header(name, value, MAX_AGE_SECONDS)));
        headers
    }

    /// `Set-Cookie` values that remove every cookie of ours that was `received`.
    pub(super) fn clear(self, received: &ReceivedTokens) -> Vec<HeaderValue> {
        self.remove(received.names.iter())
    }

    fn remove<'a>(self, names: impl Iterator<Item = &'a String>) -> Vec<HeaderValue> {
        names.filter_map(|name| self.header(name, "", 0)).collect()
    }

    fn header(self, name: &str, value: &str, max_age: u32) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"))
            .ok()
    }
}

/// One cookie, or pieces `name.0`, `name.1` and so on.
fn split(name: &str, value: &str) -> Vec<(String, String)> {
    let encoded = encode(value);
    if encoded.len() <= MAX_PIECE_BYTES {
        return vec![(name.to_owned(), encoded)];
    }
    let bytes: Vec<char> = encoded.chars().collect();
    bytes
        .chunks(MAX_PIECE_BYTES)
        .enumerate()
        .map(|(index, piece)| (format!("{name}.{index}"), piece.iter().collect()))
        .collect()
}

fn join(pieces: &BTreeMap<String, String>, name: &str) -> Option<String> {
    if let Some(whole) = pieces.get(name) {
        return decode(whole).filter(|value| !value.is_empty());
    }
    let joined: String =
        (0..MAX_PIECES).map_while(|index| pieces.get(&format!("{name}.{index}"))).map(String::as_str).collect();
    decode(&joined).filter(|value| !value.is_empty())
}

/// Percent-encodes all but what JWTs and GoTrue's refresh tokens consist of, so that any token fits a cookie.
fn encode(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

/// `None` for what [`encode`] cannot have made.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
