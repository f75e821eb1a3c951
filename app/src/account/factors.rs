use super::{api, page::Section};
use crate::{
    call::{FormAction, ServerForm},
    flash::Notice,
    ui::{Button, CodeField, Field, FormError, Time, Toast, Variant, field_error, form_error, use_toasts},
};
use domain::accounts::SecondFactor;
use leptos::prelude::*;

#[component]
pub(super) fn FactorsSection(factors: Vec<SecondFactor>, refetch: Callback<()>) -> impl IntoView {
    let action = FormAction::<api::EnrolFactor>::new();
    let answer = move || action.value().get();
    let has_some = !factors.is_empty();
    let list = has_some.then(|| {
        let rows = factors.into_iter().map(|factor| view! { <FactorRow factor refetch/> }).collect_view();
        view! { <ul class="rows factors">{rows}</ul> }
    });
    let button = if has_some { "Add another app" } else { "Add an authenticator app" };
    view! {
        <Section
            id="second-factor" title="Second factor"
            text="An app on your phone shows a code. Signing in asks for it after the password, so that a stolen password is not enough."
        >
            {list}
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["name"])/>
                    <Field
                        id="field-factor-name" name="name" label="Name of the app or phone" required=true maxlength=100
                        placeholder="My phone" error=field_error(answer, "name")
                    />
                    <div class="form__actions"><Button pending=action.pending()>{button}</Button></div>
                </div>
            </ServerForm>
        </Section>
    }
}

/// One that counts, with the way to remove it.
#[component]
fn FactorRow(factor: SecondFactor, refetch: Callback<()>) -> impl IntoView {
    let action = FormAction::<api::RemoveFactor>::new();
    let answer = move || action.value().get();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = answer() {
            toasts.push(Toast::ok(Notice::FactorRemoved.text()));
            refetch.run(());
        }
    });
    let SecondFactor { id, name, created_at } = factor;
    let name = if name.is_empty() { "Authenticator app".to_owned() } else { name };
    // A plain form that failed comes back with the reason inside.
    let failed = action.value().get_untracked().is_some();
    view! {
        <li>
            <div class="factor">
                <span class="factor__name">{name.clone()}</span>
                <span class="factor__time">"Added " <Time at=created_at/></span>
                <details class="factor__remove" open=failed>
                    <summary class="button button--small">"Remove"<span class="visually-hidden">" " {name}</span></summary>
                    <ServerForm action>
                        <div class="form">
                            <FormError error=form_error(answer, &["code"])/>
                            <input type="hidden" name="factor_id" value=id.clone()/>
                            <CodeField id=format!("code-{id}") label="Code that the app shows now" error=field_error(answer, "code")/>
                            <div class="form__actions">
                                <Button variant=Variant::Danger pending=action.pending()>"Remove the app"</Button>
                            </div>
                        </div>
                    </ServerForm>
                </details>
            </div>
        </li>
    }
}
