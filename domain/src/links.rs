//! Links: documents whose source is a page of the web. The worker fetches it; from then on it is a document like any other.

use crate::{DocumentId, Error, FieldError, ProjectId, documents::Document};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An `http` or `https` address as a person types it, on one line, without name and password. Whether there is such a
/// page, and whether it may be fetched, is for the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(format = "uri"))]
#[serde(try_from = "String", into = "String")]
pub struct WebAddress(String);

impl WebAddress {
    pub const MAX_CHARS: usize = 2_000;

    /// Adds `https://` where no scheme was typed, and leaves out the fragment, which no server ever sees.
    ///
    /// # Errors
    /// A [`FieldError`] for `field` that says what is wrong.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let refuse = |message: &str| Err(FieldError::new(field, message));
        let text = text.trim();
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        if text.is_empty() {
            return refuse("Paste the address of a page.");
        }
        if text.chars().count() > Self::MAX_CHARS {
            return refuse("This address is too long. Use one of at most 2,000 characters.");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("An address has no spaces. Copy it from the browser's address bar.");
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        if !matches!(scheme.as_str(), "http" | "https") {
            return refuse("Use an address that begins with https:// or http://.");
        }
        let host = rest.split(['/', '?', '\\']).next().unwrap_or_default();
        if host.contains('@') {
            return refuse("Leave the name and the password out of the address. Only open pages can be added.");
        }
        if host.is_empty() || !host.contains(['.', ':']) {
            return refuse("Use the whole address, like https://example.com/page.");
        }
        Ok(Self(format!("{scheme}://{rest}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WebAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse("url", &text).map_err(|error| error.message)
    }
}

impl From<WebAddress> for String {
    fn from(address: WebAddress) -> Self {
        address.0
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewLink {
    pub url: WebAddress,
}

#[async_trait]
pub trait Links {
    /// Adds the page as a document, which waits for the worker to fetch it. Where one ready document of the project is of
    /// the same page, it is the next version of that one. Needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// `Invalid` on `url` when no server of the public web can be at that address.
    async fn add_link(&self, project: ProjectId, new: NewLink) -> Result<Document, Error>;
    /// Fetches the page of a link again, and returns the version in the making; the old one answers until that is ready.
    /// Needs [`Role::Member`](crate::workspaces::Role::Member).
    ///
    /// # Errors
    /// `Conflict` when the document is no link, or not ready.
    async fn fetch_again(&self, document: DocumentId) -> Result<Document, Error>;
    /// The version in the making of a document, if there is one.
    async fn next_version(&self, document: DocumentId) -> Result<Option<Document>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        for (typed, address) in [
            (" https://example.com/a?b=c#d ", "https://example.com/a?b=c"),
            ("example.com", "https://example.com"),
            ("HTTP://Example.com/A", "http://Example.com/A"),
            ("[2001:db8::1]/a", "https://[2001:db8::1]/a"),
            ("https://example.com/a@b", "https://example.com/a@b"),
        ] {
            assert_eq!(WebAddress::parse("url", typed).map(String::from), Ok(address.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused_with_a_reason() {
        let long = format!("https://example.com/{}", "a".repeat(2_000));
        for (typed, reason) in [
            ("", "Paste"),
            ("#top", "Paste"),
            ("two words", "no spaces"),
            ("https://example.com/\u{0}", "no spaces"),
            ("ftp://example.com", "begins with"),
            ("file:///etc/passwd", "begins with"),
            ("javascript://example.com", "begins with"),
            ("https://ada:secret@example.com", "password"),
            ("https:///path", "whole address"),
            ("nonsense", "whole address"),
            (long.as_str(), "too long"),
        ] {
            let refused = WebAddress::parse("url", typed).is_err_and(|error| error.message.contains(reason));
            assert!(refused, "{typed}: {reason}");
        }
    }
}
