//! What the server finds for a page of the entrance.

use super::EntrancePage;
use crate::{
    auth::{CallbackQuery, MailLink, provider_page, sign_in_page},
    members::api::get_invitation,
    redirect::decode,
    session,
};
use leptos::prelude::use_context;
use leptos_router::{location::RequestUrl, params::ParamsMap};

/// Where the pages are, as axum writes it.
pub const PATHS: [&str; 11] = [
    "/",
    "/login",
    "/login/link",
    "/login/second-factor",
    "/register",
    "/forgot",
    "/reset",
    "/auth/confirm",
    "/auth/callback",
    "/auth/leave",
    "/invite/{token}",
];

impl EntrancePage {
    /// The page that this request asks for.
    pub(crate) async fn asked_for() -> Self {
        let asked = Asked::of_request();
        match asked.path.as_str() {
            "/login" => Self::Login(sign_in_page(&asked).await),
            "/login/link" => Self::Link(sign_in_page(&asked).await),
            "/login/second-factor" => Self::SecondFactor { next: asked.parameter("next") },
            "/register" => Self::Register(sign_in_page(&asked).await),
            "/forgot" => Self::Forgot(sign_in_page(&asked).await),
            "/reset" => Self::Reset { signed_in: session::is_signed_in(), done: asked.parameter("done").is_some() },
            "/auth/confirm" => Self::Confirm(MailLink::of(&asked)),
            "/auth/callback" => Self::Callback(CallbackQuery::of(&asked)),
            "/auth/leave" => Self::Leave { to: provider_page() },
            "/" => Self::Landing { signed_in: session::is_signed_in() },
            path => {
                let token = path.strip_prefix("/invite/").and_then(decode).unwrap_or_default();
                Self::Invite { view: get_invitation(token.clone()).await, token }
            }
        }
    }
}

/// Path and query of the request.
pub(crate) struct Asked {
    path: String,
    query: ParamsMap,
}

impl Asked {
    fn of_request() -> Self {
        let url = use_context::<RequestUrl>().unwrap_or_default().parse();
        let (path, query) = url.map(|url| (url.path().to_owned(), url.search_params().clone())).unwrap_or_default();
        Self { path, query }
    }

    /// A parameter of the query, if it is there and not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// A parameter of the query, as it is.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        self.query.get(name)
    }
}
