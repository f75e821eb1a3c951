//! The page for addresses that lead nowhere.

use crate::ui::{LinkButton, Mark};
use leptos::prelude::*;
use leptos_meta::Title;

/// Answered with status 404.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::status::set(&domain::Error::NotFound);
    view! {
        <Title text="Not found"/>
        <main class="plain" id="main" tabindex="-1">
            <a class="wordmark" href="/"><Mark/>"atelier"</a>
            <h1>"There is no page here"</h1>
            <p>"The address may be mistyped, or what it led to was deleted."</p>
            <div class="plain__actions"><LinkButton href="/workspaces">"Go to your workspaces"</LinkButton></div>
        </main>
    }
}
