//! The content security policy of the pages, in one place.

use http::{HeaderName, HeaderValue, header::CONTENT_SECURITY_POLICY};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

/// The policy for scripts and styles that carry `nonce`. There is no 'unsafe-inline': a style attribute does nothing.
fn policy(nonce: &str, watching: bool) -> String {
    // cargo-leptos reloads the page through a socket on another port.
    let reload = if watching { " ws:" } else { "" };
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'{reload}; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'self'; object-src 'none'"
    )
}

/// Puts the policy on the page that is being rendered.
pub(crate) fn set() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let watching = std::env::var_os("LEPTOS_WATCH").is_some();
    if let Ok(value) = HeaderValue::from_str(&policy(&nonce, watching)) {
        let name: HeaderName = CONTENT_SECURITY_POLICY;
        response.insert_header(name, value);
    }
}
