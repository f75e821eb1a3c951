//! Login, register, and what links of mails and identity providers lead to: forms that work without JavaScript.

pub mod api;
mod callback;
mod confirm;
mod forgot;
mod found;
mod leave;
mod link;
mod login;
mod outcome;
mod providers;
mod register;
mod reset;
mod second_factor;
mod sent;

pub use callback::{CallbackPage, CallbackQuery};
pub use confirm::{ConfirmPage, MailLink};
pub use forgot::ForgotPage;
pub use found::{Sent, SignInPage};
#[cfg(feature = "ssr")]
pub(crate) use found::{provider_page, sign_in_page};
pub use leave::LeavePage;
pub use link::LinkPage;
pub use login::LoginPage;
pub(crate) use providers::shown_name as provider_name;
pub use register::RegisterPage;
pub use reset::ResetPage;
pub use second_factor::SecondFactorPage;

use crate::ui::Mark;
use leptos::prelude::*;
use leptos_meta::Title;

/// The one column that these pages share, which is the page's title too.
#[component]
fn AuthColumn(#[prop(into)] heading: String, children: Children) -> impl IntoView {
    view! {
        <Title text=heading.clone()/>
        <main class="auth" id="main" tabindex="-1">
            <a class="auth__mark" href="/" aria-label="atelier"><Mark size=32/></a>
            <h1>{heading}</h1>
            {children()}
        </main>
    }
}

/// A link to another of these pages, which keeps where the person wanted to go.
fn with_next(path: &str, next: Option<&str>) -> String {
    match next.and_then(domain::redirect::safe_next) {
        Some(next) => format!("{path}?next={}", crate::redirect::encode(next)),
        None => path.to_owned(),
    }
}
