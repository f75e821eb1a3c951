//! A page that is being read: its headers have been looked at, its bytes come piece by piece and unpacked.

use super::{FetchError, Limits, explain, host_of};
use bytes::Bytes;
use encoding_rs::Encoding;
use flate2::write::GzDecoder;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName},
};
use std::{collections::VecDeque, io::Write};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Bytes that are unpacked at once. Gzip makes at most a thousand times as many of them, and then it is looked whether
/// that is too many.
const UNPACKED_AT_ONCE: usize = 1024;

/// What a server may call what it sends, besides all text but scripts. The bytes decide later: these only leave out
/// what cannot be meant.
const TYPES: &[&str] = &[
    "application/xhtml+xml",
    "application/xml",
    "application/pdf",
    "application/octet-stream",
    "application/zip",
    "application/epub+zip",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
];

/// Those of Office: `application/vnd.openxmlformats-officedocument.wordprocessingml.document` and its kin.
const OFFICE: &str = "application/vnd.openxmlformats-officedocument.";

#[derive(Debug)]
pub struct WebPage {
    /// After all that it was led on to.
    pub url: Url,
    /// As its server calls it, in lower case, without parameters.
    pub media_type: Option<String>,
    /// As its server says; of text only.
    pub encoding: Option<&'static Encoding>,
    body: Body,
}

#[derive(Debug)]
struct Body {
    response: Response,
    host: String,
    deadline: Instant,
    limits: Limits,
    unpacker: Option<GzDecoder<Vec<u8>>>,
    /// Packed bytes that have come.
    packed: VecDeque<Bytes>,
    /// Unpacked bytes that were given.
    size: u64,
    ended: bool,
}

impl WebPage {
    pub(super) fn begin(url: Url, response: Response, deadline: Instant, limits: Limits) -> Result<Self, FetchError> {
        let headers = response.headers();
        let declared = header(headers, CONTENT_TYPE).map(str::to_ascii_lowercase);
        let media_type = declared
            .as_deref()
            .and_then(|declared| declared.split(';').next())
            .map(|essence| essence.trim().to_owned());
        let media_type = media_type.filter(|essence| !essence.is_empty());
        if let Some(media_type) = media_type.as_deref().filter(|media_type| !is_allowed(media_type)) {
            return Err(FetchError::WrongType(media_type.to_owned()));
        }
        let encoding = declared.as_deref().and_then(charset);
        let host = host_of(&url);
        let unpacker = match header(headers, CONTENT_ENCODING).map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "identity") => None,
            Some("gzip" | "x-gzip") => Some(GzDecoder::new(Vec::new())),
            Some(_) => return Err(FetchError::Packed(host)),
        };
        if response.content_length().is_some_and(|length| length > limits.max_bytes) {
            return Err(too_large(limits));
        }
        let body = Body { response, host, deadline, limits, unpacker, packed: VecDeque::new(), size: 0, ended: false };
        Ok(Self { url, media_type, encoding, body })
    }

    /// The next bytes of the page; none at its end.
    ///
    /// # Errors
    /// [`FetchError`]; nothing comes after one.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let bytes = self.body.next().await?;
            let Some(bytes) = bytes else { return Ok(None) };
            self.body.size += bytes.len() as u64;
            if self.body.size > self.body.limits.max_bytes {
                return Err(too_large(self.body.limits));
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}

impl Body {
    /// None at the end; it may be empty before that.
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if self.ended {
            return Ok(None);
        }
        let Some(unpacker) = &mut self.unpacker else { return self.receive().await };
        if let Some(mut bytes) = self.packed.pop_front() {
            let now = bytes.split_to(bytes.len().min(UNPACKED_AT_ONCE));
            if !bytes.is_empty() {
                self.packed.push_front(bytes);
            }
            unpacker.write_all(&now).map_err(|_| FetchError::Broken(self.host.clone()))?;
            return Ok(Some(std::mem::take(unpacker.get_mut()).into()));
        }
        match self.receive().await? {
            Some(bytes) => {
                self.packed.push_back(bytes);
                Ok(Some(Bytes::new()))
            }
            None => {
                self.ended = true;
                let Some(mut unpacker) = self.unpacker.take() else { return Ok(None) };
                unpacker.try_finish().map_err(|_| FetchError::Broken(self.host.clone()))?;
                Ok(Some(std::mem::take(unpacker.get_mut()).into()))
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, FetchError> {
        timeout_at(self.deadline, self.response.chunk())
            .await
            .map_err(|_| FetchError::TimedOut(self.host.clone()))?
            .map_err(|error| explain(&error, &self.host))
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn is_allowed(media_type: &str) -> bool {
    let is_text = media_type.starts_with("text/") && !matches!(media_type, "text/javascript" | "text/css");
    is_text || TYPES.contains(&media_type) || media_type.starts_with(OFFICE)
}

fn charset(declared: &str) -> Option<&'static Encoding> {
    let (_, label) = declared.split_once("charset=")?;
    let label = label.split(';').next()?.trim().trim_matches(['"', '\'']);
    Encoding::for_label(label.as_bytes())
}

fn too_large(limits: Limits) -> FetchError {
    FetchError::TooLarge((limits.max_bytes / (1024 * 1024)).max(1))
}
