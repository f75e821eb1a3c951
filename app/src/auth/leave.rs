use super::{AuthColumn, outcome::Outcome};
use crate::ui::{LinkButton, Variant};
use leptos::prelude::*;
use leptos_meta::Meta;

/// The step from a form without JavaScript to an identity provider; see [`super::api::start_oauth`].
#[component]
pub fn LeavePage(to: Option<String>) -> impl IntoView {
    match to {
        Some(page) => view! {
            <Meta http_equiv="refresh" content=format!("0;url={page}")/>
            <AuthColumn heading="One moment">
                <p class="auth__text">"You are being taken to the page where you sign in."</p>
                <LinkButton href=page variant=Variant::Primary>"Go there now"</LinkButton>
            </AuthColumn>
        }
        .into_any(),
        None => view! {
            <Outcome
                heading="Nothing to go on with" text="Sign in once more to go on."
                action=("/login", "Back to sign in")
            />
        }
        .into_any(),
    }
}
