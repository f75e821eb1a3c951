//! An id for each request, in its log lines, its problems and its response; and whose request it is behind proxies.
//! Where traces are made, the id is the trace's, unless a proxy has given another.

use super::{
    access::{Access, Line, SeenUser},
    public,
};
use crate::{AppState, auth::ClientAddress, telemetry::traces};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use tracing::{Instrument, Span, field::Empty};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The outermost layer. An id that a proxy has given stays, if it is short and plain.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let trusted = &state.config.site.trusted_proxies;
    let client = peer.map(|peer| client_address(peer, request.headers(), trusted));
    if let Some(client) = client {
        request.extensions_mut().insert(ClientAddress(client));
    }
    let user = SeenUser::default();
    request.extensions_mut().insert(user.clone());
    let parent_counts = peer.is_some_and(|peer| is_trusted(peer.to_canonical(), trusted));
    let line = Line::of(&request, without_token(request.uri().path()), client, user);
    let (span, trace) = match state.config.telemetry.traces {
        Some(_) => traced(&line, parent_counts.then(|| request.headers())),
        None => (tracing::info_span!("request", id = Empty, method = line.method(), path = line.path()), None),
    };
    let stated = request.headers().get(X_REQUEST_ID).and_then(plain);
    let id = stated.or_else(|| trace.clone()).unwrap_or_else(|| uuid::Uuid::now_v7().simple().to_string());
    span.record("id", id.as_str());
    let header = HeaderValue::from_str(&id).ok();
    if let Some(header) = &header {
        request.headers_mut().insert(X_REQUEST_ID, header.clone());
    }
    let access = Access::begin(line, id, trace, span.clone(), state.config.log.access);
    let mut response = access.answered(next.run(request).instrument(span).await);
    if let Some(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

/// A span that goes to the collector, and the id of its trace.
fn traced(line: &Line, parent: Option<&HeaderMap>) -> (Span, Option<String>) {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        id = Empty,
        trace_id = Empty,
        method = line.method(),
        path = line.path()
    );
    let trace = traces::begin_request(&span, format!("{} {}", line.method(), line.route()), parent);
    if let Some(trace) = &trace {
        span.record("trace_id", trace.as_str());
    }
    (span, trace)
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

fn plain(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let fits = (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then(|| text.to_owned())
}

/// Goes back through the proxies as long as they are trusted: what an untrusted one says may be invented.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    let stated: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for address in stated.iter().rev() {
        if !is_trusted(client, trusted) {
            break;
        }
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    client
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
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
