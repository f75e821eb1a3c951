//! The mails that were kept instead of sent, for whoever tries Atelier out: `GET /outbox`.
//!
//! They hold links that sign people in, so the page is there in development alone and only while no mail server is
//! configured. It answers nobody but this machine: the peer must be on loopback, without a proxy in between, and the
//! address that the browser asked for must be this machine's or the site's own, so that no page of another site can read
//! it by giving its own name the address 127.0.0.1.

use super::Kept;
use crate::{AppState, http::error::HttpError, http::plain};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::prelude::*;
use serde_json::{Value, json};
use std::net::SocketAddr;
use time::{format_description::well_known::Rfc3339, macros::format_description};
use url::Url;

pub fn router() -> Router<AppState> {
    Router::new().route("/outbox", get(outbox))
}

async fn outbox(State(state): State<AppState>, request: Request) -> Response {
    let kept = state.mailer.kept().filter(|_| is_this_machine(&state, &request));
    let Some(kept) = kept else {
        return HttpError::request(StatusCode::NOT_FOUND, "There is no such page here.").into_response();
    };
    let mut response = if plain::is_wanted(request.headers()) {
        plain::page(&state.site, "Outbox", page(&kept))
    } else {
        Json(kept.iter().map(as_json).collect::<Vec<_>>()).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    response
}

fn is_this_machine(state: &AppState, request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let forwarded = ["x-forwarded-for", "forwarded"].iter().any(|name| request.headers().contains_key(*name));
    peer.is_some_and(|peer| peer.is_loopback())
        && !forwarded
        && is_own_host(request.headers(), &state.config.site.public_url)
}

fn is_own_host(headers: &HeaderMap, site: &Url) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(asked) = Url::parse(&format!("http://{host}/")) else { return false };
    let is_loopback = match asked.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    is_loopback || asked.host() == site.host()
}

fn as_json(kept: &Kept) -> Value {
    json!({
        "at": kept.at.format(&Rfc3339).unwrap_or_default(),
        "to": kept.mail.to,
        "subject": kept.mail.subject,
        "text": kept.mail.text,
    })
}

fn page(kept: &[Kept]) -> impl IntoView + use<> {
    let mails: Vec<_> = kept.iter().map(mail).collect();
    let none = mails.is_empty().then(|| {
        view! {
            <p class="outbox__empty">
                "Nothing here yet. Sign up with confirmation, ask for a sign-in link, or invite somebody: the mail appears on this page. Reload it to look again."
            </p>
        }
    });
    view! {
        <main class="plain outbox" id="main">
            <h1>"Outbox"</h1>
            <p class="outbox__lead">
                "No mail server is configured, so mails stay here instead of reaching anybody: the newest first, until the server stops. Set SMTP_URL and MAIL_FROM to send them."
            </p>
            {none}
            <ol class="outbox__mails">{mails}</ol>
        </main>
    }
}

fn mail(kept: &Kept) -> impl IntoView + use<> {
    let at = kept.at.format(&Rfc3339).unwrap_or_default();
    let shown = kept.at.format(format_description!("[hour]:[minute]:[second] UTC")).unwrap_or_default();
    let paragraphs: Vec<_> = kept
        .mail
        .text
        .split("\n\n")
        .map(|paragraph| view! { <p>{paragraph.lines().map(line).collect::<Vec<_>>()}</p> })
        .collect();
    view! {
        <li class="outbox__mail">
            <h2 class="outbox__subject">{kept.mail.subject.clone()}</h2>
            <p class="outbox__facts">"To " <strong>{kept.mail.to.clone()}</strong> " · " <time datetime=at>{shown}</time></p>
            {paragraphs}
        </li>
    }
}

/// A line that is an address becomes a link.
fn line(text: &str) -> AnyView {
    if text.starts_with("https://") || text.starts_with("http://") {
        view! { <a class="outbox__link" href=text.to_owned()>{text.to_owned()}</a> }.into_any()
    } else {
        view! { <span>{text.to_owned()} " "</span> }.into_any()
    }
}
