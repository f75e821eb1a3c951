use super::{AuthColumn, SignInPage, api, providers::ProviderButtons, with_next};
use crate::{
    call::{FormAction, ServerForm},
    flash::NoticeLine,
    ui::{Button, Field, FormError, LinkButton, PasswordField, Variant, field_error, form_error},
};
use leptos::prelude::*;

/// Signing in.
#[component]
pub fn LoginPage(page: SignInPage) -> impl IntoView {
    let SignInPage { options, email, notice, next, .. } = page;
    let other = with_next("/register", next.as_deref());
    let link = with_next("/login/link", next.as_deref());
    let has_email = options.email;
    let has_others = has_email || !options.oauth.is_empty();
    view! {
        <AuthColumn heading="Sign in">
            <NoticeLine notice/>
            {has_email.then(|| view! { <PasswordForm email next=next.clone()/> })}
            {has_others.then(|| view! {
                <div class="auth__ways" data-alone=(!has_email).then_some("")>
                    <ProviderButtons providers=options.oauth next/>
                    {has_email.then(|| view! { <LinkButton href=link>"Email me a link instead"</LinkButton> })}
                </div>
            })}
            <div class="auth__other">
                {has_email.then(|| view! { <p><a href="/forgot">"Forgot your password?"</a></p> })}
                {options.sign_up_open.then(|| view! { <p>"New here? "<a href=other>"Create an account"</a></p> })}
            </div>
        </AuthColumn>
    }
}

#[component]
fn PasswordForm(email: String, next: Option<String>) -> impl IntoView {
    let action = FormAction::<api::SignIn>::new();
    let answer = move || action.value().get();
    view! {
        <ServerForm action>
            <div class="form">
                <FormError error=form_error(answer, &["email", "password"])/>
                <input type="hidden" name="next" value=next.unwrap_or_default()/>
                <Field
                    name="email" label="Email" kind="email" autocomplete="username" required=true
                    autofocus=email.is_empty() value=email error=field_error(answer, "email")
                />
                <PasswordField name="password" label="Password" error=field_error(answer, "password")/>
                <Button variant=Variant::Primary pending=action.pending()>"Sign in"</Button>
            </div>
        </ServerForm>
    }
}
