use super::{api, page::Section};
use crate::{
    call::{FormAction, ServerForm},
    flash::Notice,
    ui::{Button, FormError, Toast, form_error, use_toasts},
};
use leptos::prelude::*;

#[component]
pub(super) fn SessionsSection() -> impl IntoView {
    let others = FormAction::<api::SignOutOthers>::new();
    let everywhere = FormAction::<api::SignOutEverywhere>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = others.value().get() {
            toasts.push(Toast::ok(Notice::OthersSignedOut.text()));
        }
    });
    view! {
        <Section
            id="sessions" title="Sessions"
            text="Signed in on a device that you no longer use, or lost? Sign it out from here."
        >
            <FormError error=form_error(move || others.value().get(), &[])/>
            <FormError error=form_error(move || everywhere.value().get(), &[])/>
            <div class="account__buttons">
                <ServerForm action=others><Button pending=others.pending()>"Sign out other devices"</Button></ServerForm>
                <ServerForm action=everywhere><Button pending=everywhere.pending()>"Sign out everywhere"</Button></ServerForm>
            </div>
        </Section>
    }
}
