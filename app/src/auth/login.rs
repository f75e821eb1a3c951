use super::{AuthColumn, api, with_next};
use crate::{
    routes::query_param,
    ui::{Button, Field, FormError, PasswordField, Variant, field_error, form_error},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Signing in.
#[component]
pub fn LoginPage() -> impl IntoView {
    let action = ServerAction::<api::SignIn>::new();
    let page = Resource::new_blocking(|| (), |()| api::get_sign_in_page());
    let next = query_param("next");
    let form = move || {
        // Read here: after an await nothing is tracked.
        let next = next();
        let other = with_next("/register", next.as_deref());
        Suspend::new(async move {
            let page = page.await.unwrap_or_default();
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
                        <PasswordField name="password" label="Password" error=field_error(answer, "password")/>
                        <Button variant=Variant::Primary pending=action.pending()>"Sign in"</Button>
                    </div>
                </ActionForm>
                {page.options.sign_up_open.then(|| view! {
                    <p class="auth__other">"New here? "<a href=other>"Create an account"</a></p>
                })}
            }
        })
    };
    view! {
        <Title text="Sign in"/>
        <AuthColumn heading="Sign in">
            <Suspense>{form}</Suspense>
        </AuthColumn>
    }
}
