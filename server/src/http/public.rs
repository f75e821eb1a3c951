//! What may be had without a login: the one list. [`super::guard`] refuses every other route before its handler runs,
//! and a test walks the router, the pages, the server functions and the API's description against it.

use app::{
    auth::api::{
        AcceptTokens, AnswerSecondFactor, ConfirmLink, FinishCode, ResendConfirmation, SendRecovery, SendSignInLink,
        SignIn, SignOut, SignUp, StartOauth, VerifyCode,
    },
    members::api::{GetInvitation, SignOutForInvitation},
    shares::api::OpenShare,
    theme::SetTheme,
};
use leptos::server_fn::{ServerFn, axum::server_fn_paths};
use std::{collections::HashSet, sync::LazyLock};

/// Pages on which people say who they are. No cache keeps them: what was typed there is for nobody else.
const SIGN_IN_PAGES: &[&str] = &[
    "/login",
    "/login/link",
    "/login/second-factor",
    "/register",
    "/forgot",
    "/reset",
    "/auth/confirm",
    "/auth/callback",
    "/auth/leave",
];

/// The start, and the pages of an invitation and of a share, whose tokens tell what they are about.
const OTHER_PAGES: &[&str] = &["/", "/invite/{token}", "/shared/{token}"];

/// The server functions of those pages. Each asks the identity provider, goes by a secret token, or is about the browser alone.
pub(super) const SERVER_FUNCTIONS: &[&str] = &[
    SetTheme::PATH,
    SignIn::PATH,
    SignUp::PATH,
    SignOut::PATH,
    SendSignInLink::PATH,
    ResendConfirmation::PATH,
    SendRecovery::PATH,
    VerifyCode::PATH,
    ConfirmLink::PATH,
    StartOauth::PATH,
    FinishCode::PATH,
    AcceptTokens::PATH,
    AnswerSecondFactor::PATH,
    GetInvitation::PATH,
    SignOutForInvitation::PATH,
    OpenShare::PATH,
];

/// Signs of life, the API's description, the file of a share, the answer to an address that the API does not know, and the outbox, which
/// answers nobody but this machine in development.
const OTHER_ROUTES: &[&str] = &[
    "/healthz",
    "/readyz",
    "/favicon.ico",
    "/api/openapi.json",
    "/api/docs",
    "/api/{*rest}",
    "/outbox",
    "/shared/{token}/file",
];

/// Whether the path is the embedded identity provider's, which judges keys and tokens itself.
pub fn is_identity_provider(path: &str) -> bool {
    path.strip_prefix("/auth/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the route, by the template it was registered with, is open to all.
pub(super) fn is_public(route: &str) -> bool {
    [SIGN_IN_PAGES, OTHER_PAGES, SERVER_FUNCTIONS, OTHER_ROUTES].iter().any(|list| list.contains(&route))
        || is_identity_provider(route)
}

/// Every route of the list but the identity provider's.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    [SIGN_IN_PAGES, OTHER_PAGES, SERVER_FUNCTIONS, OTHER_ROUTES].into_iter().flatten().copied()
}

/// Whether nothing may keep the page, not even the browser that shows it.
pub(super) fn is_sign_in_page(path: &str) -> bool {
    SIGN_IN_PAGES.contains(&path) || path.starts_with("/invite/") || is_shared(path)
}

/// Whether the path is one of a share, which has its token in it: it goes to no other site, and into no search engine.
pub(super) fn is_shared(path: &str) -> bool {
    path.starts_with("/shared/")
}

/// Files that are the same for everybody, and signs of life: no session is looked at and nothing is counted.
pub fn is_for_everybody(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/favicon.ico" | "/favicon.svg" | "/robots.txt")
        || path.starts_with("/pkg/")
        || path.starts_with("/fonts/")
}

/// Whether the path is a server function's. They stand under `/api` like the JSON API, and answer in their own shape.
pub(super) fn is_server_function(path: &str) -> bool {
    static PATHS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| server_fn_paths().map(|(path, _)| path).collect());
    PATHS.contains(path)
}
