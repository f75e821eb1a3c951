use super::{
    AuthColumn, Sent, SignInPage, api,
    sent::{AgainFields, CodeForm, SentAgain, went_to},
    with_next,
};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Button, Field, FormError, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// Signing in by a link or a code that is mailed.
#[component]
pub fn LinkPage(page: SignInPage) -> impl IntoView {
    match page.sent {
        Some(sent) => view! { <AfterSending page sent/> }.into_any(),
        None => view! { <Ask page/> }.into_any(),
    }
}

#[component]
fn Ask(page: SignInPage) -> impl IntoView {
    let action = FormAction::<api::SendSignInLink>::new();
    let answer = move || action.value().get();
    let SignInPage { email, next, .. } = page;
    let login = with_next("/login", next.as_deref());
    view! {
        <AuthColumn heading="Sign in by mail">
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["email"])/>
                    <input type="hidden" name="next" value=next.unwrap_or_default()/>
                    <Field
                        name="email" label="Email" kind="email" autocomplete="username" required=true autofocus=true
                        value=email hint="We mail you a link and a code. No password needed."
                        error=field_error(answer, "email")
                    />
                    <Button variant=Variant::Primary pending=action.pending()>"Email me a link"</Button>
                </div>
            </ServerForm>
            <p class="auth__other"><a href=login>"Sign in with your password"</a></p>
        </AuthColumn>
    }
}

/// The same for a known and an unknown address, so that nobody can probe for accounts.
#[component]
fn AfterSending(page: SignInPage, sent: Sent) -> impl IntoView {
    let again = FormAction::<api::SendSignInLink>::new();
    let error = form_error(move || again.value().get(), &[]);
    let SignInPage { email, next, .. } = page;
    let lead = format!("{}. Open the link in it, or type its code here.", went_to(&email));
    let other = with_next("/login/link", next.as_deref());
    let resend = (!email.is_empty()).then(|| {
        let (email, next) = (email.clone(), next.clone());
        view! {
            <FormError error/>
            <ServerForm action=again>
                <AgainFields email next=next.unwrap_or_default() pending=again.pending()/>
            </ServerForm>
        }
    });
    view! {
        <AuthColumn heading="Check your mail">
            <p class="auth__text">{lead}</p>
            <SentAgain sent/>
            <CodeForm email next label="Sign in"/>
            <div class="auth__ways">{resend}</div>
            <p class="auth__other"><a href=other>"Use another address"</a></p>
        </AuthColumn>
    }
}
