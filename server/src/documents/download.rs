//! The one place that serves files that people have uploaded. Nothing in them may run in our origin: the browser must
//! not guess their type, and only PDFs, which it shows in a viewer of its own, and pictures made of pixels are shown at
//! all. Where browsers reach the store, they are sent there with a signed address; otherwise the file passes through.

use super::repo::File;
use crate::{
    http::error::HttpError,
    storage::{ObjectStore, Shown},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{fmt::Write, ops::Range};

/// Should a browser show the file in spite of everything, it has no origin, loads nothing and runs nothing.
/// A browser's own page around a picture has an inline style.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";

/// Without `sandbox`, in which Chromium refuses to load its PDF viewer; the viewer runs apart from our origin. Its page
/// is an <embed> with a style attribute.
const PDF_POLICY: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'";

/// Answers a GET or HEAD for the file, whole or in part.
///
/// # Errors
/// When the store fails.
pub(crate) async fn serve(
    store: &ObjectStore,
    file: File,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, HttpError> {
    let etag = format!("\"{}\"", hexadecimal(&file.sha256));
    let mut headers = headers(&file, &etag);
    if matches(request, header::IF_NONE_MATCH, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    if store.is_public() && *method == Method::GET {
        return redirect(store, &file).await;
    }
    // RFC 9110, 13.1.5: a range of another version than the client has is no use to it.
    let same = !request.contains_key(header::IF_RANGE) || matches(request, header::IF_RANGE, &etag);
    let wanted = request.get(header::RANGE).and_then(|value| value.to_str().ok()).filter(|_| same);
    let (status, range) = match wanted.map_or(Wanted::All, |value| Wanted::parse(value, file.size)) {
        Wanted::All => (StatusCode::OK, None),
        Wanted::Part(range) => {
            let value = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
            insert(&mut headers, header::CONTENT_RANGE, &value);
            (StatusCode::PARTIAL_CONTENT, Some(range))
        }
        Wanted::Nothing => {
            insert(&mut headers, header::CONTENT_RANGE, &format!("bytes */{}", file.size));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    if *method == Method::HEAD {
        let length = range.map_or(file.size, |range| range.end - range.start);
        headers.insert(header::CONTENT_LENGTH, length.into());
        return Ok((status, headers).into_response());
    }
    let object = store.get(file.key, range).await?;
    headers.insert(header::CONTENT_LENGTH, object.length.into());
    Ok((status, headers, Body::from_stream(object.stream)).into_response())
}

/// Sends the browser to the store, which takes ranges by itself. The store's domain is another origin: what it shows
/// cannot reach ours, and what a browser could run it only saves.
async fn redirect(store: &ObjectStore, file: &File) -> Result<Response, HttpError> {
    let (media_type, disposition) = shown(file);
    let address = store.presign(file.key, Shown { media_type: &media_type, disposition: &disposition }).await?;
    let mut headers = HeaderMap::new();
    insert(&mut headers, header::LOCATION, &address);
    // The address lets in whoever has it: it is kept nowhere.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok((StatusCode::FOUND, headers).into_response())
}

/// What the store is to say of the file where browsers load it from there: its media type and `Content-Disposition`.
pub(crate) fn shown(file: &File) -> (String, String) {
    (content_type(file), disposition(kind(file), &file.name))
}

/// What is shown rather than saved: nothing in it can run.
fn kind(file: &File) -> &'static str {
    match file.media_type.as_str() {
        "application/pdf" | "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" => "inline",
        _ => "attachment",
    }
}

fn content_type(file: &File) -> String {
    match file.media_type.as_str() {
        "text/plain" | "text/markdown" => format!("{}; charset=utf-8", file.media_type),
        other => other.to_owned(),
    }
}

fn headers(file: &File, etag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    insert(&mut headers, header::CONTENT_TYPE, &content_type(file));
    insert(&mut headers, header::CONTENT_DISPOSITION, &disposition(kind(file), &file.name));
    insert(&mut headers, header::ETAG, etag);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = if file.media_type == "application/pdf" { PDF_POLICY } else { FILE_POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // `no-cache` asks again each time, so that a member who was removed gets nothing from the cache.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("cookie, authorization"));
    headers
}

pub(crate) fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::error!(%name, %error, "a header could not be written"),
    }
}

/// Whether the header names this version, or any.
fn matches(request: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 6266: an ASCII name for old clients, the real one percent-encoded (RFC 8187).
pub(crate) fn disposition(kind: &str, name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ' { c } else { '_' }).collect();
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    });
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// What a `Range` header asks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// No range, or one that is ignored: another unit, several ranges, nonsense (RFC 9110, 14.2).
    All,
    Part(Range<u64>),
    /// The range begins beyond the end.
    Nothing,
}

impl Wanted {
    fn parse(value: &str, size: u64) -> Self {
        let Some((first, last)) = value.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Self::All;
        };
        let (first, last) = (first.trim(), last.trim());
        let number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
        match (number(first), number(last)) {
            (None, Some(0)) if first.is_empty() => Self::Nothing,
            (None, Some(suffix)) if first.is_empty() => Self::Part(size.saturating_sub(suffix)..size),
            (Some(start), None) if last.is_empty() && start < size => Self::Part(start..size),
            (Some(start), Some(end)) if start <= end && start < size => {
                Self::Part(start..end.saturating_add(1).min(size))
            }
            (Some(start), None) if last.is_empty() && start >= size => Self::Nothing,
            (Some(start), Some(end)) if start <= end => Self::Nothing,
            _ => Self::All,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_of_the_file_or_ignored() {
        for (value, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-99999999999999999", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(Wanted::parse(value, 10), wanted, "{value}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let value = disposition("attachment", "a\"b\\c; é\r\n.pdf");
        assert_eq!(value, "attachment; filename=\"a_b_c; ___.pdf\"; filename*=UTF-8''a%22b%5Cc%3B%20%C3%A9%0D%0A.pdf");
    }

    #[test]
    fn what_a_browser_could_run_is_saved_and_boxed_in() {
        let key = crate::storage::ObjectKey::Document {
            workspace: uuid::Uuid::now_v7().into(),
            document: uuid::Uuid::now_v7().into(),
        };
        let file = |media_type: &str| File {
            name: "file".to_owned(),
            media_type: media_type.to_owned(),
            size: 1,
            sha256: vec![1],
            key,
        };
        for (media_type, shown) in [
            ("text/html", false),
            ("application/xhtml+xml", false),
            ("image/svg+xml", false),
            ("application/xml", false),
            ("text/plain", false),
            ("application/octet-stream", false),
            ("image/png", true),
            ("application/pdf", true),
        ] {
            let headers = headers(&file(media_type), "\"01\"");
            let disposition = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
            assert_eq!(disposition.starts_with("inline"), shown, "{media_type}");
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{media_type}");
            assert_eq!(policy.ends_with("sandbox"), media_type != "application/pdf", "{media_type}");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }
}
