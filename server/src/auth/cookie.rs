//! What the browser keeps: the session in two cookies, for the access token and the refresh token, and a short-lived one
//! for what was begun and is finished by a link or by another site. Each is cut into pieces where it is too long for one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::redirect::safe_next;
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Browsers take 4,096 bytes for name, value and attributes together.
const MAX_PIECE_BYTES: usize = 3800;
/// Nothing of ours comes near; more is somebody's nonsense.
const MAX_PIECES: usize = 8;
/// The longest that browsers keep a cookie. The provider decides when the session ends, not the cookie.
const MAX_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;
/// GoTrue's links count for an hour unless the project says otherwise.
const FLOW_SECONDS: u32 = 60 * 60;
/// Somebody who asks for one link after another may open any of the last.
const MAX_FLOWS: usize = 3;

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

/// What was begun and comes back with a code that does not say what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FlowKind {
    SignUp,
    SignIn,
    Recovery,
    EmailChange,
}

/// Something begun with PKCE (RFC 7636).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flow {
    pub verifier: String,
    pub kind: FlowKind,
    /// A path of this site to go to in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Unix time, seconds.
    pub begun: u64,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("kind", &self.kind).field("next", &self.next).finish_non_exhaustive()
    }
}

/// The flows that a request brought, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceivedFlows {
    pub flows: Vec<Flow>,
    names: Vec<String>,
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

    const fn flow_name(self) -> &'static str {
        if self.secure { "__Host-atelier-flow" } else { "atelier-flow" }
    }

    pub(super) fn read(self, headers: &HeaderMap) -> ReceivedTokens {
        let pieces = pieces(headers, &[self.access_name(), self.refresh_name()]);
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

    /// The flows that are not too old; what cannot be read is none.
    pub(super) fn read_flows(self, headers: &HeaderMap, now: u64) -> ReceivedFlows {
        let pieces = pieces(headers, &[self.flow_name()]);
        let text = join(&pieces, self.flow_name());
        let mut flows: Vec<Flow> = text
            .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default();
        flows.retain(|flow| {
            let is_safe = flow.next.as_deref().is_none_or(|next| safe_next(next).is_some());
            is_safe && flow.begun <= now && now - flow.begun < u64::from(FLOW_SECONDS)
        });
        ReceivedFlows { flows, names: pieces.into_keys().collect() }
    }

    /// `Set-Cookie` values that store the last of `flows` in place of those `received`.
    pub(super) fn set_flows(self, flows: &[Flow], received: &ReceivedFlows) -> Vec<HeaderValue> {
        let last = &flows[flows.len().saturating_sub(MAX_FLOWS)..];
        let json = serde_json::to_vec(last).unwrap_or_default();
        let cookies = match last {
            [] => Vec::new(),
            _ => split(self.flow_name(), &BASE64_URL_SAFE_NO_PAD.encode(json)),
        };
        let mut headers =
            self.remove(received.names.iter().filter(|name| cookies.iter().all(|(written, _)| written != *name)));
        headers.extend(cookies.iter().filter_map(|(name, value)| self.header(name, value, FLOW_SECONDS)));
        headers
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

/// The cookies whose names begin with one of `names`.
fn pieces(headers: &HeaderMap, names: &[&str]) -> BTreeMap<String, String> {
    let mut pieces: BTreeMap<String, String> = BTreeMap::new();
    for header in headers.get_all(header::COOKIE) {
        // A cookie of another program may hold any bytes; it must not cost us ours.
        let text = String::from_utf8_lossy(header.as_bytes());
        for pair in text.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let name = name.trim();
            if names.iter().any(|ours| name.starts_with(ours)) {
                let value = value.trim().trim_matches('"');
                // Of two with one name the browser sends the more specific first.
                pieces.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
    }
    pieces
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
mod flow_tests;
#[cfg(test)]
mod tests;
