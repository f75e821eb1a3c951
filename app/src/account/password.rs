use super::{api, page::Section};
use crate::{
    call::{FormAction, ServerForm},
    flash::Notice,
    ui::{Button, FormError, PasswordField, Toast, field_error, form_error, use_toasts},
};
use leptos::{html, prelude::*};

#[component]
pub(super) fn PasswordSection(
    /// For password managers, which keep a password by the name beside it.
    email: String,
    has_password: bool,
) -> impl IntoView {
    let action = FormAction::<api::SavePassword>::new();
    let answer = move || action.value().get();
    let toasts = use_toasts();
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        if let Some(Ok(())) = answer() {
            toasts.push(Toast::ok(Notice::PasswordChanged.text()));
            if let Some(form) = form.get_untracked() {
                form.reset();
            }
        }
    });
    // Without the field its error belongs to the form.
    let fields: &[&str] = if has_password { &["current", "password"] } else { &["password"] };
    let (title, button) =
        if has_password { ("Password", "Change password") } else { ("Set a password", "Set password") };
    view! {
        <Section id="password" title text="Changing it signs out your other devices.">
            <ServerForm action node_ref=form>
                <div class="form">
                    <FormError error=form_error(answer, fields)/>
                    <input type="text" name="username" autocomplete="username" value=email readonly=true hidden=true/>
                    {has_password.then(|| view! {
                        <PasswordField name="current" label="Current password" error=field_error(answer, "current")/>
                    })}
                    <PasswordField name="password" label="New password" new=true error=field_error(answer, "password")/>
                    <div class="form__actions"><Button pending=action.pending()>{button}</Button></div>
                </div>
            </ServerForm>
        </Section>
    }
}
