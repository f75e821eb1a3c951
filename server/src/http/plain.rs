//! Pages that the server makes by itself, without Leptos' routes: a form that failed with JavaScript off, and the API's
//! description. They have the site's styles and no script.

use super::error::HttpError;
use app::Site;
use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use leptos::prelude::*;

/// Nothing but the site's own styles and fonts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Whether the request comes from a form rather than from a program: browsers name `text/html` first.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// A page with the site's styles around `body`.
pub fn page(site: &Site, title: &str, body: impl IntoView) -> Response {
    let document = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{format!("{title} · Atelier")}</title>
                <link id="style" rel="stylesheet" href=site.studio.style.clone()/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
            </head>
            <body>{body.into_view()}</body>
        </html>
    };
    let html = format!("<!DOCTYPE html>{}", document.to_html());
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}

/// Why a form failed, with a way back.
pub fn failure(site: &Site, title: &str, error: &HttpError, back: &str) -> Response {
    let body = view! {
        <main class="plain" id="main">
            <h1>{title.to_owned()}</h1>
            <p role="alert">{error.detail()}</p>
            <p class="plain__actions"><a class="button" href=back.to_owned()>"Go back"</a></p>
        </main>
    };
    (error.status(), page(site, title, body)).into_response()
}
