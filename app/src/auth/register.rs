use super::{AuthColumn, api, with_next};
use crate::{
    routes::query_param,
    ui::{Button, Field, FormError, LinkButton, PasswordField, Variant, field_error, form_error},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Making an account.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let sent = query_param("sent");
    let column = move || match sent() {
        Some(_) => view! { <ConfirmEmail/> }.into_any(),
        None => view! { <RegisterForm/> }.into_any(),
    };
    view! { <Title text="Create an account"/> {column} }
}

#[component]
fn RegisterForm() -> impl IntoView {
    let action = ServerAction::<api::SignUp>::new();
    let page = Resource::new_blocking(|| (), |()| api::get_sign_in_page());
    let next = query_param("next");
    let form = move || {
        // Read here: after an await nothing is tracked.
        let next = next();
        let other = with_next("/login", next.as_deref());
        Suspend::new(async move {
            let page = page.await.unwrap_or_default();
            if !page.options.sign_up_open {
                return view! {
                <p class="auth__text">"New accounts are by invitation here. Ask an administrator of this server for one."</p>
                <LinkButton href="/login">"Sign in"</LinkButton>
            }
            .into_any();
            }
            let answer = move || action.value().get();
            view! {
                <ActionForm action>
                    <div class="form">
                        <FormError error=form_error(answer, &["email", "password"])/>
                        <input type="hidden" name="next" value=next.unwrap_or_default()/>
                        <Field
                            name="email" label="Email" kind="email" autocomplete="username" required=true
                            autofocus=page.email.is_empty() value=page.email error=field_error(answer, "email")
                        />
                        <PasswordField name="password" label="Password" new=true error=field_error(answer, "password")/>
                        <Button variant=Variant::Primary pending=action.pending()>"Create account"</Button>
                    </div>
                </ActionForm>
                <p class="auth__other">"Have an account? "<a href=other>"Sign in"</a></p>
            }
            .into_any()
        })
    };
    view! {
        <AuthColumn heading="Create an account">
            <Suspense>{form}</Suspense>
        </AuthColumn>
    }
}

/// The same for a new and a known address, so that nobody can probe for accounts.
#[component]
fn ConfirmEmail() -> impl IntoView {
    view! {
        <AuthColumn heading="Confirm your address">
            <p class="auth__text">"We sent you a mail with a link. Open it to finish; it is valid for an hour."</p>
            <LinkButton href="/login">"Back to sign in"</LinkButton>
        </AuthColumn>
    }
}
