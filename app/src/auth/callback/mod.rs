//! `/auth/callback`: where identity providers send the browser back to, in whichever of the protocol's shapes.

mod failure;
mod fragment;

use super::{
    AuthColumn, api,
    confirm::{LinkForm, is_spent},
};
use crate::{
    call::{FormAction, ServerForm},
    redirect::encode,
    routes::query_param,
    ui::{Button, FormError, Variant, form_error},
};
use domain::accounts::LinkKind;
use failure::{Reason, ReasonView};
use fragment::FragmentView;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Reads the query; what stands in the fragment only the browser sees.
#[component]
pub fn CallbackPage() -> impl IntoView {
    let query = use_query_map();
    let code = query_param("code");
    let token = query_param("token_hash");
    let kind = query_param("type");
    let next = query_param("next");
    move || {
        if let Some(reason) = query.with(|query| Reason::of(|name| query.get(name))) {
            return view! { <ReasonView reason/> }.into_any();
        }
        if let Some(code) = code() {
            return view! { <CodeView code/> }.into_any();
        }
        match (token(), kind().as_deref().and_then(LinkKind::parse)) {
            (Some(token), Some(kind)) => view! { <LinkForm token kind next=next()/> }.into_any(),
            _ => view! { <FragmentView/> }.into_any(),
        }
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
