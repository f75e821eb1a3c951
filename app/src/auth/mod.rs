//! Login and register: forms that work without JavaScript.

pub mod api;
mod login;
mod register;

pub use login::LoginPage;
pub use register::RegisterPage;

use crate::ui::Mark;
use leptos::prelude::*;

/// The one column that these pages share.
#[component]
fn AuthColumn(#[prop(into)] heading: String, children: Children) -> impl IntoView {
    view! {
        <main class="auth" id="main" tabindex="-1">
            <a class="auth__mark" href="/" aria-label="atelier"><Mark size=32/></a>
            <h1>{heading}</h1>
            {children()}
        </main>
    }
}

/// A link to the other of the two pages, which keeps where the person wanted to go.
fn with_next(path: &str, next: Option<&str>) -> String {
    match next.and_then(domain::redirect::safe_next) {
        Some(next) => format!("{path}?next={}", crate::redirect::encode(next)),
        None => path.to_owned(),
    }
}
