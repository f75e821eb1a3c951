//! The pages before the sign-in, and those that a link of a mail leads to. Their module is a small part of the studio's: who
//! signs in waits for little, and the rest arrives meanwhile.
//!
//! The server finds what a page shows and writes it into the page as data, from which the browser's side attaches: it asks
//! for nothing, and needs no router, as from one of these pages to the next is a page load.

#[cfg(feature = "ssr")]
mod find;

#[cfg(feature = "ssr")]
pub(crate) use find::Asked;
#[cfg(feature = "ssr")]
pub use find::PATHS;

use crate::{
    auth::{
        CallbackPage, CallbackQuery, ConfirmPage, ForgotPage, LeavePage, LinkPage, LoginPage, MailLink, RegisterPage,
        ResetPage, SecondFactorPage, SignInPage,
    },
    error::ApiError,
    landing::LandingPage,
    members::{InvitePage, api::InvitationView},
    part,
    surroundings::Surroundings,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A page of the entrance, with what it shows.
#[derive(Serialize, Deserialize)]
pub enum EntrancePage {
    Landing { signed_in: bool },
    Login(SignInPage),
    Link(SignInPage),
    SecondFactor { next: Option<String> },
    Register(SignInPage),
    Forgot(SignInPage),
    Reset { signed_in: bool, done: bool },
    Confirm(MailLink),
    Callback(CallbackQuery),
    Leave { to: Option<String> },
    Invite { token: String, view: Result<InvitationView, ApiError> },
}

/// The id of the element that holds the page's data.
const DATA: &str = "page-data";

impl EntrancePage {
    /// The page that the server wrote. There is none when something between it and the browser took it out; the page works
    /// without a script.
    pub fn written() -> Option<Self> {
        let data = document().get_element_by_id(DATA)?.text_content()?;
        serde_json::from_str(&data).ok()
    }

    /// The element that [`Self::written`] reads.
    #[cfg(feature = "ssr")]
    pub(crate) fn data(&self) -> impl IntoView + use<> {
        // No text in it ends the element.
        let json = serde_json::to_string(self).unwrap_or_default().replace('<', "\\u003c");
        view! { <script id=DATA type="application/json" nonce=leptos::nonce::use_nonce()>{json}</script> }
    }
}

#[component]
pub fn Entrance(page: EntrancePage) -> impl IntoView {
    part::load_what_redirects_lead_to();
    view! {
        <Surroundings>
            {match page {
                EntrancePage::Landing { signed_in } => view! { <LandingPage signed_in/> }.into_any(),
                EntrancePage::Login(page) => view! { <LoginPage page/> }.into_any(),
                EntrancePage::Link(page) => view! { <LinkPage page/> }.into_any(),
                EntrancePage::SecondFactor { next } => view! { <SecondFactorPage next/> }.into_any(),
                EntrancePage::Register(page) => view! { <RegisterPage page/> }.into_any(),
                EntrancePage::Forgot(page) => view! { <ForgotPage page/> }.into_any(),
                EntrancePage::Reset { signed_in, done } => view! { <ResetPage signed_in done/> }.into_any(),
                EntrancePage::Confirm(link) => view! { <ConfirmPage link/> }.into_any(),
                EntrancePage::Callback(query) => view! { <CallbackPage query/> }.into_any(),
                EntrancePage::Leave { to } => view! { <LeavePage to/> }.into_any(),
                EntrancePage::Invite { token, view } => view! { <InvitePage token view/> }.into_any(),
            }}
        </Surroundings>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::EntrancePage;
    use leptos::prelude::*;

    #[test]
    fn no_text_ends_the_element_that_holds_it() {
        let typed = "/a</script><script>alert(1)//<!--";
        let page = EntrancePage::SecondFactor { next: Some(typed.to_owned()) };
        let html = Owner::new().with(|| page.data().to_html());
        let (start, end) = ("<script id=\"page-data\" type=\"application/json\">", "</script>");
        let json = html.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).unwrap_or_default();
        assert!(!json.contains('<'), "{html}");
        let read = serde_json::from_str(json);
        assert!(matches!(read, Ok(EntrancePage::SecondFactor { next: Some(next) }) if next == typed), "{html}");
    }
}
