use super::AuthColumn;
use crate::ui::{LinkButton, Variant};
use leptos::prelude::*;

/// A page that says what happened and what to do next.
#[component]
pub(super) fn Outcome(
    heading: &'static str,
    text: &'static str,
    /// Where the one button leads, and what it says.
    action: (&'static str, &'static str),
    #[prop(default = None)] other: Option<(&'static str, &'static str)>,
) -> impl IntoView {
    view! {
        <AuthColumn heading>
            <p class="auth__text">{text}</p>
            <div class="auth__ways" data-alone="">
                <LinkButton href=action.0 variant=Variant::Primary>{action.1}</LinkButton>
            </div>
            {other.map(|(href, label)| view! { <p class="auth__other"><a href=href>{label}</a></p> })}
        </AuthColumn>
    }
}
