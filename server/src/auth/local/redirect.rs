//! Where a link of a mail leads in the end.

use super::Provider;
use axum::extract::Request;
use http::header;
use url::{Host, Url};

/// What the request asks for, in GoTrue's order: the header `redirect_to`, the query, the page it came from, the site.
pub(super) fn wanted(provider: &Provider, request: &Request) -> Url {
    let from_header = request.headers().get("redirect_to").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let from_query = || {
        let mut pairs = url::form_urlencoded::parse(query);
        pairs.find(|(name, _)| name == "redirect_to").map(|(_, value)| value.into_owned())
    };
    let referer = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let stated = from_header.filter(|text| !text.is_empty()).or_else(from_query);
    [stated, referer]
        .into_iter()
        .flatten()
        .find_map(|text| accepted(provider, &text))
        .unwrap_or_else(|| provider.site.clone())
}

/// Only the site's own pages; in development this machine's too, where the page of whoever tries things out may have
/// another port.
fn accepted(provider: &Provider, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_allowed = is_own(provider, &url) || (provider.settings.development && is_web && is_loopback(&url));
    is_allowed.then_some(url)
}

/// Whether it is a page of the site.
pub(super) fn is_own(provider: &Provider, url: &Url) -> bool {
    url.origin() == provider.site.origin()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
