use super::api;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, FormError, form_error};
use leptos::prelude::*;

/// One button for each OAuth provider that is enabled.
#[component]
pub(super) fn ProviderButtons(providers: Vec<String>, next: Option<String>) -> impl IntoView {
    let action = FormAction::<api::StartOauth>::new();
    if providers.is_empty() {
        return ().into_any();
    }
    let error = form_error(move || action.value().get(), &[]);
    let buttons = providers
        .into_iter()
        .map(|provider| {
            let label = format!("Continue with {}", shown_name(&provider));
            let next = next.clone().unwrap_or_default();
            view! {
                <ServerForm action>
                    <input type="hidden" name="provider" value=provider/>
                    <input type="hidden" name="next" value=next/>
                    <Button pending=action.pending()>{label}</Button>
                </ServerForm>
            }
        })
        .collect_view();
    view! { <FormError error/> {buttons} }.into_any()
}

/// As the providers write themselves.
pub(crate) fn shown_name(provider: &str) -> String {
    match provider {
        "github" => "GitHub".to_owned(),
        "gitlab" => "GitLab".to_owned(),
        "azure" => "Microsoft".to_owned(),
        "linkedin" | "linkedin_oidc" => "LinkedIn".to_owned(),
        "slack" | "slack_oidc" => "Slack".to_owned(),
        "twitter" | "x" => "X".to_owned(),
        "workos" => "WorkOS".to_owned(),
        "email" => "Email and password".to_owned(),
        other => {
            let mut letters = other.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}
