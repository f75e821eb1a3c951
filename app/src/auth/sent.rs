//! What follows on a mail that was sent: what to do with it, its code, and the way to have it sent again.

use super::{Sent, api};
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, CodeField, Field, FormError, Variant, field_error, form_error};
use leptos::prelude::*;

/// The code of the mail, for whoever reads it on another device.
#[component]
pub(super) fn CodeForm(
    /// Where the mail went; asked for if it is not known any more.
    email: String,
    next: Option<String>,
    #[prop(into)] label: String,
) -> impl IntoView {
    let action = FormAction::<api::VerifyCode>::new();
    let answer = move || action.value().get();
    let address = if email.is_empty() {
        view! {
            <Field
                name="email" label="Email" kind="email" autocomplete="username" required=true
                error=field_error(answer, "email")
            />
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="email" value=email/> }.into_any()
    };
    view! {
        <ServerForm action>
            <div class="form">
                <FormError error=form_error(answer, &["email", "code"])/>
                <input type="hidden" name="next" value=next.unwrap_or_default()/>
                {address}
                <CodeField label="Code from the mail" error=field_error(answer, "code")/>
                <Button variant=Variant::Primary pending=action.pending()>{label}</Button>
            </div>
        </ServerForm>
    }
}

/// The sentence that says where the mail went.
pub(super) fn went_to(email: &str) -> String {
    if email.is_empty() { "Look into your mail".to_owned() } else { format!("We sent a mail to {email}") }
}

/// Says that it was sent once more.
#[component]
pub(super) fn SentAgain(sent: Sent) -> impl IntoView {
    (sent == Sent::Again)
        .then(|| view! { <p class="notice" role="status">"Sent again. It can take a minute to arrive."</p> })
}

/// What a form holds that has the mail sent once more.
#[component]
pub(super) fn AgainFields(
    email: String,
    #[prop(optional)] next: Option<String>,
    #[prop(into)] pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <input type="hidden" name="email" value=email/>
        {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
        <input type="hidden" name="again" value="1"/>
        <Button pending>"Send it again"</Button>
    }
}
