//! What one response leaves for the next page to say, once: why a plain form failed, and what was done.

use leptos::{prelude::*, server::ServerActionError};
use serde::{Deserialize, Serialize};

/// Why a form failed that was sent without JavaScript, for the page that it came back to. The server takes it out of a
/// cookie: in the URL, where Leptos would put it, anybody's link could make a page say anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFailure {
    /// Of the server function.
    pub path: String,
    /// As Leptos encodes it.
    pub error: String,
}

/// The name of the `<meta>` element that carries it to the browser's side, which must find what the server rendered.
const META: &str = "atelier-form-failure";

/// Gives the failure to the form whose it is.
pub(crate) fn provide_form_failure() {
    #[cfg(feature = "ssr")]
    let failure = use_context::<FormFailure>();
    #[cfg(not(feature = "ssr"))]
    let failure = document()
        .query_selector(&format!("meta[name={META}]"))
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"))
        .and_then(|content| {
            let (path, error) = content.split_once(' ')?;
            Some(FormFailure { path: path.to_owned(), error: error.to_owned() })
        });
    if let Some(FormFailure { path, error }) = failure {
        provide_context(ServerActionError::new(&path, &error));
    }
}

/// For the document's head.
#[cfg(feature = "ssr")]
pub(crate) fn form_failure_meta() -> Option<impl IntoView> {
    use_context::<FormFailure>()
        .map(|FormFailure { path, error }| view! { <meta name=META content=format!("{path} {error}")/> })
}

/// Something that was done, told by the page that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    NameSaved,
    PasswordChanged,
    EmailAsked,
    EmailChanged,
    FactorAdded,
    FactorRemoved,
    OthersSignedOut,
    SignedOutEverywhere,
    AccountDeleted,
    MovedToTrash,
    Restored,
    DeletedForever,
    Moved,
}

impl Notice {
    pub const fn text(self) -> &'static str {
        match self {
            Self::NameSaved => "Your name is saved.",
            Self::PasswordChanged => "Your password is changed. Other devices are signed out.",
            Self::EmailAsked => "The change is under way. Open the mail that we sent you to confirm it.",
            Self::EmailChanged => "Your address is changed.",
            Self::FactorAdded => "Your authenticator app is added. Signing in asks for its code from now on.",
            Self::FactorRemoved => "The authenticator app is removed.",
            Self::OthersSignedOut => "Your other devices are signed out.",
            Self::SignedOutEverywhere => "You are signed out on all devices.",
            Self::AccountDeleted => "Your account is deleted.",
            Self::MovedToTrash => "It is in the trash now, and can be restored for 30 days.",
            Self::Restored => "It is back where it was.",
            Self::DeletedForever => "It is deleted for good.",
            Self::Moved => "It is moved.",
        }
    }
}

#[cfg(feature = "ssr")]
const NOTICE: &str = "atelier_notice";

/// Has the page that follows tell it.
#[cfg(feature = "ssr")]
pub(crate) fn leave(notice: Notice) {
    if let Ok(text) = serde_json::to_string(&notice) {
        crate::cookie::keep(NOTICE, &text, 60);
    }
}

/// The same, where a script will not say it by a toast: for a form without JavaScript.
#[cfg(feature = "ssr")]
pub(crate) fn leave_for_plain_form(notice: Notice) {
    let is_plain =
        use_context::<http::request::Parts>().is_some_and(|request| crate::status::accepts_html(&request.headers));
    if is_plain {
        leave(notice);
    }
}

/// What is to be told; only once.
#[cfg(feature = "ssr")]
pub(crate) fn take() -> Option<Notice> {
    let notice = crate::cookie::kept(NOTICE).and_then(|text| serde_json::from_str(&text).ok())?;
    crate::cookie::forget(NOTICE);
    Some(notice)
}

/// The line that tells it.
#[component]
pub fn NoticeLine(notice: Option<Notice>) -> impl IntoView {
    notice.map(|notice| view! { <p class="notice" role="status">{notice.text()}</p> })
}
