//! What is around the pages of both parts.

use crate::{flash, theme};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};

/// What every page has and does, whatever it shows.
#[component]
pub(crate) fn Surroundings(children: Children) -> impl IntoView {
    provide_meta_context();
    theme::follow_other_tabs();
    mark_hydrated();
    flash::provide_form_failure();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Atelier".to_owned() } else { format!("{title} · Atelier") }/>
        <a class="skip-link" href="#main">"Skip to content"</a>
        {children()}
    }
}

/// Tells the style sheet that scripts run (`html[data-hydrated]`).
fn mark_hydrated() {
    Effect::new(move |_| {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
}
