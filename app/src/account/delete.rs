use super::{api, page::Section};
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, Field, FormError, Variant, form_error};
use leptos::prelude::*;

#[component]
pub(super) fn DeleteSection(email: String) -> impl IntoView {
    let action = FormAction::<api::DeleteAccount>::new();
    let answer = move || action.value().get();
    let error = Signal::derive(move || {
        let error = answer().and_then(Result::err)?;
        // The port's name for it is that of the account's address.
        error.for_field("confirmation").or_else(|| error.for_field("email"))
    });
    view! {
        <Section
            id="delete" title="Delete account"
            text="Your account goes, and every workspace in which you are alone, with its documents. Other workspaces keep what you made. This cannot be undone."
        >
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["confirmation", "email"])/>
                    <Field
                        name="confirmation" label="Type your address to confirm" required=true placeholder=email
                        error=error
                    />
                    <div class="form__actions">
                        <Button variant=Variant::Danger pending=action.pending()>"Delete my account"</Button>
                    </div>
                </div>
            </ServerForm>
        </Section>
    }
}
