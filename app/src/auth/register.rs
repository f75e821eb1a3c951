use super::{
    AuthColumn, Sent, SignInPage, api,
    providers::ProviderButtons,
    sent::{AgainFields, CodeForm, SentAgain, went_to},
    with_next,
};
use crate::{
    call::{FormAction, ServerForm},
    ui::{Button, Field, FormError, LinkButton, PasswordField, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// Making an account.
#[component]
pub fn RegisterPage(page: SignInPage) -> impl IntoView {
    match page.sent {
        Some(sent) => view! { <ConfirmEmail page sent/> }.into_any(),
        None => view! { <AuthColumn heading="Create an account"><RegisterForm page/></AuthColumn> }.into_any(),
    }
}

#[component]
fn RegisterForm(page: SignInPage) -> impl IntoView {
    let action = FormAction::<api::SignUp>::new();
    let SignInPage { options, email, next, .. } = page;
    let other = with_next("/login", next.as_deref());
    if !options.sign_up_open {
        return view! {
            <p class="auth__text">"New accounts are by invitation here. Ask an administrator of this server for one."</p>
            <LinkButton href=other>"Sign in"</LinkButton>
        }
        .into_any();
    }
    let answer = move || action.value().get();
    let providers = options.oauth;
    let providers = (!providers.is_empty()).then(|| {
        let next = next.clone();
        view! { <div class="auth__ways"><ProviderButtons providers next/></div> }
    });
    view! {
        <ServerForm action>
            <div class="form">
                <FormError error=form_error(answer, &["email", "password"])/>
                <input type="hidden" name="next" value=next.unwrap_or_default()/>
                <Field
                    name="email" label="Email" kind="email" autocomplete="username" required=true
                    autofocus=email.is_empty() value=email error=field_error(answer, "email")
                />
                <PasswordField name="password" label="Password" new=true error=field_error(answer, "password")/>
                <Button variant=Variant::Primary pending=action.pending()>"Create account"</Button>
            </div>
        </ServerForm>
        {providers}
        <p class="auth__other">"Have an account? "<a href=other>"Sign in"</a></p>
    }
    .into_any()
}

/// The same for a new and a known address, so that nobody can probe for accounts.
#[component]
fn ConfirmEmail(page: SignInPage, sent: Sent) -> impl IntoView {
    let again = FormAction::<api::ResendConfirmation>::new();
    let error = form_error(move || again.value().get(), &[]);
    let SignInPage { email, next, .. } = page;
    let lead =
        format!("{}. Open the link in it to finish, or type its code here. Both count for an hour.", went_to(&email));
    let login = with_next("/login", next.as_deref());
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
        <AuthColumn heading="Confirm your address">
            <p class="auth__text">{lead}</p>
            <SentAgain sent/>
            <CodeForm email next label="Confirm"/>
            <div class="auth__ways">{resend}</div>
            <p class="auth__other">"Had an account already? "<a href=login>"Sign in"</a></p>
        </AuthColumn>
    }
}
