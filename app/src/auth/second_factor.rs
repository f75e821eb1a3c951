use super::{AuthColumn, api};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Button, CodeField, FormError, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// The code of the authenticator app, which a sign-in waits for.
#[component]
pub fn SecondFactorPage(next: Option<String>) -> impl IntoView {
    let action = FormAction::<api::AnswerSecondFactor>::new();
    let answer = move || action.value().get();
    let sign_out = FormAction::<api::SignOut>::new();
    view! {
        <AuthColumn heading="Enter your code">
            <p class="auth__text">"Your account asks for a code besides the password. Your authenticator app shows it."</p>
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["code"])/>
                    <input type="hidden" name="next" value=next.unwrap_or_default()/>
                    <CodeField label="Code" autofocus=true error=field_error(answer, "code")/>
                    <Button variant=Variant::Primary pending=action.pending()>"Sign in"</Button>
                </div>
            </ServerForm>
            <div class="auth__other">
                <p>"No access to the app? Ask an administrator of this server to remove it from your account."</p>
                <ServerForm action=sign_out>
                    <button class="link-button" type="submit">"Sign out"</button>
                </ServerForm>
            </div>
        </AuthColumn>
    }
}
