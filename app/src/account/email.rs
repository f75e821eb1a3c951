use super::{api, page::Section};
use crate::{
    auth::provider_name,
    call::{FormAction, ServerForm},
    ui::{Button, Field, FormError, Toast, field_error, form_error, use_toasts},
};
use leptos::prelude::*;

#[component]
pub(super) fn EmailSection(email: String, waiting: Option<String>, providers: Vec<String>) -> impl IntoView {
    let action = FormAction::<api::SaveEmail>::new();
    let answer = move || action.value().get();
    let toasts = use_toasts();
    let waiting = RwSignal::new(waiting);
    Effect::new(move |_| {
        if let Some(Ok(email)) = answer() {
            toasts.push(Toast::ok(format!("We sent a mail to {email}.")));
            waiting.set(Some(email));
        }
    });
    let ways: Vec<String> = providers.iter().map(|provider| provider_name(provider)).collect();
    let ways =
        (!ways.is_empty()).then(|| view! { <p class="account__fact">"You sign in with: " {ways.join(", ")} "."</p> });
    let note = move || {
        waiting.get().map(|address| {
            view! {
                <p class="notice" role="status">
                    "Waiting for confirmation of " <strong>{address}</strong> ". Until then your address stays as it is."
                </p>
            }
        })
    };
    view! {
        <Section id="email" title="Email" text="Where mails go, and what you sign in with.">
            <p class="account__fact">"Your address is " <strong>{email}</strong> "."</p>
            {ways}
            {note}
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["email"])/>
                    <Field
                        name="email" label="New address" kind="email" autocomplete="email" required=true
                        hint="We mail a link to it, and perhaps to the present one. The change counts after it is opened."
                        error=field_error(answer, "email")
                    />
                    <div class="form__actions"><Button pending=action.pending()>"Change address"</Button></div>
                </div>
            </ServerForm>
        </Section>
    }
}
