//! `/auth/callback`: where identity providers send the browser back to, in whichever of the protocol's shapes.

mod failure;
mod fragment;

use super::{
    AuthColumn, api,
    confirm::{LinkForm, Proof, is_spent},
};
use crate::{
    call::{FormAction, ServerForm},
    redirect::encode,
    ui::{Button, FormError, Variant, form_error},
};
pub use failure::Reason;
use failure::ReasonView;
use fragment::FragmentView;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the query says. What stands in the fragment only the browser sees.
#[derive(Serialize, Deserialize)]
pub enum CallbackQuery {
    Failed(Reason),
    Code(String),
    Link(Proof),
    /// Then the fragment may say something.
    Nothing,
}

#[cfg(feature = "ssr")]
impl CallbackQuery {
    pub(crate) fn of(asked: &crate::entrance::Asked) -> Self {
        if let Some(reason) = Reason::of(|name| asked.given(name)) {
            return Self::Failed(reason);
        }
        if let Some(code) = asked.parameter("code") {
            return Self::Code(code);
        }
        Proof::of(asked).map_or(Self::Nothing, Self::Link)
    }
}

#[component]
pub fn CallbackPage(query: CallbackQuery) -> impl IntoView {
    match query {
        CallbackQuery::Failed(reason) => view! { <ReasonView reason/> }.into_any(),
        CallbackQuery::Code(code) => view! { <CodeView code/> }.into_any(),
        CallbackQuery::Link(proof) => view! { <LinkForm proof/> }.into_any(),
        CallbackQuery::Nothing => view! { <FragmentView/> }.into_any(),
    }
}

/// Goes on by itself where scripts run. Nothing is lost by that to a program that opens links: the code counts only
/// with the verifier in the cookie of the browser that asked for it.
#[component]
fn CodeView(code: String) -> impl IntoView {
    let action = FormAction::<api::FinishCode>::new();
    let answer = move || action.value().get();
    let code = StoredValue::new(code);
    Effect::new(move |_| {
        // Without an answer from a plain form already.
        if action.value().get_untracked().is_none() {
            action.dispatch(format!("code={}", encode(&code.get_value())));
        }
    });
    let spent = Memo::new(move |_| is_spent(answer().as_ref()));
    let form = move || {
        view! {
            <AuthColumn heading="Signing you in">
                <p class="auth__text">"You are back from where you signed in. One step is left."</p>
                <ServerForm action>
                    <div class="form">
                        <FormError error=form_error(answer, &[])/>
                        <input type="hidden" name="code" value=code.get_value()/>
                        <Button variant=Variant::Primary pending=action.pending()>"Continue"</Button>
                    </div>
                </ServerForm>
            </AuthColumn>
        }
    };
    move || {
        if spent.get() { view! { <ReasonView reason=Reason::OtherBrowser/> }.into_any() } else { form().into_any() }
    }
}
