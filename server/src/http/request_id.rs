//! An id for each request, in its log lines, its problems and its response; and whose request it is behind proxies.

use super::public;
use crate::{AppState, auth::ClientAddress};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};
use tracing::Instrument;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The outermost layer. An id that a proxy has given stays, if it is short and plain.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(X_REQUEST_ID)
        .and_then(plain)
        .unwrap_or_else(|| uuid::Uuid::now_v7().simple().to_string());
    let header = HeaderValue::from_str(&id).ok();
    if let Some(header) = &header {
        request.headers_mut().insert(X_REQUEST_ID, header.clone());
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let address = client_address(peer.ip(), request.headers(), &state.config.site.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(address));
    }
    // Without the query: links in mails carry tokens there.
    let path = without_token(request.uri().path()).to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), path);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tell(&path, &response, begun));
    if let Some(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

/// The links of invitations and shares carry their tokens in the path.
fn without_token(path: &str) -> &str {
    match path {
        _ if path.starts_with("/invite/") => "/invite/…",
        _ if public::is_shared(path) && path.ends_with("/file") => "/shared/…/file",
        _ if public::is_shared(path) => "/shared/…",
        _ => path,
    }
}

fn tell(path: &str, response: &Response, begun: Instant) {
    let status = response.status().as_u16();
    let milliseconds = begun.elapsed().as_millis();
    if status >= 500 {
        tracing::warn!(status, milliseconds, "answered");
    } else if matches!(path, "/healthz" | "/readyz") || path.starts_with("/pkg/") || path.starts_with("/fonts/") {
        tracing::debug!(status, milliseconds, "answered");
    } else {
        tracing::info!(status, milliseconds, "answered");
    }
}

fn plain(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let fits = (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then(|| text.to_owned())
}

/// Goes back through the proxies as long as they are trusted: what an untrusted one says may be invented.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let stated: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for address in stated.iter().rev() {
        if !is_trusted(client) {
            break;
        }
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    client
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("1.2.3.4", &["9.9.9.9"]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 9.9.9.9, 10.0.0.2"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 9.9.9.9", "10.0.0.2"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["9.9.9.9, nonsense"]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn no_log_has_a_token_of_a_link() {
        for (path, told) in [
            ("/invite/secret", "/invite/…"),
            ("/shared/secret", "/shared/…"),
            ("/shared/secret/file", "/shared/…/file"),
            ("/shared/secret/more", "/shared/…"),
            ("/projects/1/documents", "/projects/1/documents"),
        ] {
            assert_eq!(without_token(path), told, "{path}");
        }
    }

    #[test]
    fn an_id_from_outside_is_short_and_plain() {
        assert!(plain(&HeaderValue::from_static("0190163d-8694-739b")).is_some());
        for bad in ["", "short", "with space in it", "quote\"injected\"id", &"a".repeat(65)] {
            assert!(plain(&HeaderValue::from_str(bad).unwrap()).is_none(), "{bad}");
        }
    }
}
