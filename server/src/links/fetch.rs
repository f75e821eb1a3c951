//! From an address to a file in the store: the page is fetched, brought to UTF-8 where its server says that it is in
//! something else, named, and stored as it comes.

use super::title;
use crate::{
    AppState,
    documents::media_type::{self, TextCheck, is_text},
    fault::Fault,
    storage::{ObjectKey, Stored},
    web::{FetchError, WebPage},
};
use bytes::{Bytes, BytesMut};
use domain::WorkspaceId;
use encoding_rs::{Decoder, UTF_8};
use futures::Stream;
use uuid::Uuid;

/// Bytes of a page from its beginning in which its title is looked for; more than what tells its media type.
const HEAD: usize = 256 * 1024;

/// A byte order mark in UTF-8: it overrules the encoding that a page names, which is not the stored one any more.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A page that is in the store and in no row yet.
pub(crate) struct Fetched {
    pub key: ObjectKey,
    pub name: String,
    pub media_type: &'static str,
    pub stored: Stored,
}

/// # Errors
/// [`Fault::Web`]; [`Fault::Store`].
pub(crate) async fn fetch(state: &AppState, workspace: WorkspaceId, address: &str) -> Result<Fetched, Fault> {
    let page = state.web.fetch(address).await?;
    let url = page.url.clone();
    let declared = page.media_type.clone();
    let mut text = Text::of(page);
    let head = text.head().await?;
    if head.is_empty() {
        return Err(FetchError::Empty.into());
    }
    let path = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let Some(media_type) = media_type::of_page(declared.as_deref(), path, &head) else {
        return Err(FetchError::WrongType(declared.unwrap_or_else(|| "without a type".to_owned())).into());
    };
    let name = title::of(&url, media_type, &head);
    let key = ObjectKey::Document { workspace, document: Uuid::now_v7().into() };
    // The fetch has a limit of its own, which is never above this.
    let limit = state.config.limits.max_upload_bytes;
    let stored = state.store.put_stream(key, media_type, content(head, text, is_text(media_type)), limit).await?;
    Ok(Fetched { key, name, media_type, stored })
}

/// All of the page; where it is to be UTF-8 that is looked at as it passes.
fn content(head: Bytes, mut text: Text, is_text: bool) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    async_stream::try_stream! {
        let mut check = TextCheck::default();
        let mut next = Some(head);
        while let Some(bytes) = next {
            if is_text && !check.accepts(&bytes) {
                Err(FetchError::WrongType("text that is not UTF-8".to_owned()))?;
            }
            yield bytes;
            next = text.next().await?;
        }
        if is_text && !check.complete() {
            Err(FetchError::WrongType("text that is not UTF-8".to_owned()))?;
        }
    }
}

/// A page's bytes, in UTF-8 where its server says what they are in.
struct Text {
    page: WebPage,
    decoder: Option<Decoder>,
}

impl Text {
    fn of(page: WebPage) -> Self {
        let is_text = page
            .media_type
            .as_deref()
            .is_some_and(|media_type| media_type.starts_with("text/") || media_type == "application/xhtml+xml");
        let decoder =
            page.encoding.filter(|encoding| is_text && *encoding != UTF_8).map(|encoding| encoding.new_decoder());
        Self { page, decoder }
    }

    async fn head(&mut self) -> Result<Bytes, FetchError> {
        let mut head = BytesMut::new();
        let is_decoded = self.decoder.is_some();
        while head.len() < HEAD
            && let Some(bytes) = self.next().await?
        {
            if head.is_empty() && is_decoded {
                head.extend_from_slice(BOM);
            }
            head.extend_from_slice(&bytes);
        }
        Ok(head.freeze())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let bytes = self.page.next().await?;
            let Some(decoder) = &mut self.decoder else { return Ok(bytes) };
            let ended = bytes.is_none();
            let bytes = bytes.unwrap_or_default();
            // Three bytes for each is the most that a decoder makes of one.
            let needed = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len().saturating_mul(3) + 16);
            let mut text = String::with_capacity(needed);
            let _ = decoder.decode_to_string(&bytes, &mut text, ended);
            if ended {
                self.decoder = None;
            }
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
            if ended {
                return Ok(None);
            }
        }
    }
}
