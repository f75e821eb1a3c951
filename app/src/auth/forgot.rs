use super::{
    AuthColumn, Sent, SignInPage, api,
    sent::{AgainFields, CodeForm, SentAgain, went_to},
};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Button, Field, FormError, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// Asking for a link to choose a new password.
#[component]
pub fn ForgotPage(page: SignInPage) -> impl IntoView {
    let SignInPage { email, sent, .. } = page;
    match sent {
        Some(sent) => view! { <AfterSending email sent/> }.into_any(),
        None => view! { <Ask email/> }.into_any(),
    }
}

#[component]
fn Ask(email: String) -> impl IntoView {
    let action = FormAction::<api::SendRecovery>::new();
    let answer = move || action.value().get();
    view! {
        <AuthColumn heading="Forgot your password?">
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["email"])/>
                    <Field
                        name="email" label="Email" kind="email" autocomplete="username" required=true autofocus=true
                        value=email hint="We mail you a link to choose a new one." error=field_error(answer, "email")
                    />
                    <Button variant=Variant::Primary pending=action.pending()>"Email me a link"</Button>
                </div>
            </ServerForm>
            <p class="auth__other"><a href="/login">"Back to sign in"</a></p>
        </AuthColumn>
    }
}

/// The same for a known and an unknown address, so that nobody can probe for accounts.
#[component]
fn AfterSending(email: String, sent: Sent) -> impl IntoView {
    let again = FormAction::<api::SendRecovery>::new();
    let error = form_error(move || again.value().get(), &[]);
    let lead = format!(
        "{}, if there is an account with that address. Open the link in it, or type its code here, and choose a new password.",
        went_to(&email)
    );
    let resend = (!email.is_empty()).then(|| {
        let email = email.clone();
        view! {
            <FormError error/>
            <ServerForm action=again>
                <AgainFields email pending=again.pending()/>
            </ServerForm>
        }
    });
    view! {
        <AuthColumn heading="Check your mail">
            <p class="auth__text">{lead}</p>
            <SentAgain sent/>
            <CodeForm email=email.clone() next=None label="Go on"/>
            <div class="auth__ways">{resend}</div>
            <div class="auth__other">
                <p><a href="/forgot">"Use another address"</a></p>
                <p><a href="/login">"Back to sign in"</a></p>
            </div>
        </AuthColumn>
    }
}
