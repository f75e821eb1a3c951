use super::{AuthColumn, api, outcome::Outcome};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Button, FormError, PasswordField, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// Choosing a new password, after a recovery link.
#[component]
pub fn ResetPage(signed_in: bool, done: bool) -> impl IntoView {
    match (signed_in, done) {
        (true, true) => view! {
            <Outcome
                heading="Your password is changed"
                text="You are signed in here. Your other devices are signed out."
                action=("/workspaces", "Go to your workspaces")
            />
        }
        .into_any(),
        (true, false) => view! { <ChoosePassword/> }.into_any(),
        (false, _) => view! {
            <Outcome
                heading="Open the link in the mail first"
                text="A new password is chosen after opening the link that we mail you. It counts once, within an hour."
                action=("/forgot", "Email me a link")
                other=Some(("/login", "Back to sign in"))
            />
        }
        .into_any(),
    }
}

#[component]
fn ChoosePassword() -> impl IntoView {
    let action = FormAction::<api::ChoosePassword>::new();
    let answer = move || action.value().get();
    // Signed in, but not by a recovery link.
    let needs_current = field_error(answer, "current");
    view! {
        <AuthColumn heading="Choose a new password">
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["password", "current"])/>
                    <div class="form-error" role="alert" hidden=move || needs_current.get().is_none()>
                        "The recovery link is no longer in force. Change your password in "
                        <a href="/account#password">"your account"</a>", or "<a href="/forgot">"ask for a new link"</a>"."
                    </div>
                    <PasswordField name="password" label="New password" new=true error=field_error(answer, "password")/>
                    <Button variant=Variant::Primary pending=action.pending()>"Save password"</Button>
                </div>
            </ServerForm>
        </AuthColumn>
    }
}
