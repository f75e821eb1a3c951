use super::button::{LinkButton, Variant};
use crate::error::ApiError;
use domain::Error;
use leptos::prelude::*;

/// What stands where something could not be shown: the reason, and the way out.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    let title = match error.error() {
        Error::NotFound => "Not found",
        Error::Forbidden => "Not allowed",
        Error::Unauthenticated => "Signed out",
        Error::RateLimited { .. } => "Too many tries",
        Error::Unavailable { .. } => "Not available right now",
        _ => "Something went wrong",
    };
    let (href, way_out) = match error.error() {
        Error::Unauthenticated => ("/login", "Sign in"),
        _ => ("/workspaces", "Go to your workspaces"),
    };
    view! {
        <section class="empty" role="alert">
            <h1>{title}</h1>
            <p>{error.to_string()}</p>
            <div class="empty__actions">
                <LinkButton href=href variant=Variant::Secondary>{way_out}</LinkButton>
            </div>
        </section>
    }
}
