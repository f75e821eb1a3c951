use super::{
    super::{AuthColumn, api, confirm::HalfChanged, confirm::is_spent},
    failure::{Reason, ReasonView},
};
use crate::{
    call::FormAction,
    redirect::encode,
    ui::{FormError, LinkButton, Variant, form_error},
};
use domain::accounts::LinkKind;
use leptos::prelude::*;
use web_sys::UrlSearchParams;

/// What the part of the address after `#` says. It never reaches the server.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fragment {
    Failed(Reason),
    Tokens {
        access: String,
        refresh: String,
        kind: Option<LinkKind>,
    },
    /// The first half of an email change; its words are the provider's, ours are shown.
    Message,
    Nothing,
}

impl Fragment {
    fn of(parameter: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(reason) = Reason::of(&parameter) {
            return Self::Failed(reason);
        }
        match (parameter("access_token"), parameter("refresh_token")) {
            (Some(access), Some(refresh)) => {
                let kind = parameter("type").as_deref().and_then(LinkKind::parse);
                Self::Tokens { access, refresh, kind }
            }
            _ if parameter("message").is_some() => Self::Message,
            _ => Self::Nothing,
        }
    }

    /// Takes it out of the address, so that tokens stay in no history and a reload does not send them again.
    fn take() -> Self {
        let location = window().location();
        let hash = location.hash().unwrap_or_default();
        let parameters = UrlSearchParams::new_with_str(hash.trim_start_matches('#')).ok();
        let fragment = Self::of(|name| parameters.as_ref().and_then(|parameters| parameters.get(name)));
        if let (Ok(path), Ok(history)) = (location.pathname(), window().history()) {
            let state = history.state().unwrap_or(wasm_bindgen::JsValue::NULL);
            // Refused only for another origin's address.
            let _ = history.replace_state_with_url(&state, "", Some(&path));
        }
        fragment
    }
}

#[component]
pub(super) fn FragmentView() -> impl IntoView {
    let found = RwSignal::new(None::<Fragment>);
    let action = FormAction::<api::AcceptTokens>::new();
    let answer = move || action.value().get();
    Effect::new(move |_| {
        let fragment = Fragment::take();
        if let Fragment::Tokens { access, refresh, kind } = &fragment {
            let kind = kind.map(|kind| format!("&kind={}", kind.as_str())).unwrap_or_default();
            action.dispatch(format!("access={}&refresh={}{kind}", encode(access), encode(refresh)));
        }
        found.set(Some(fragment));
    });
    let spent = Memo::new(move |_| is_spent(answer().as_ref()));
    move || match found.get() {
        Some(Fragment::Failed(reason)) => view! { <ReasonView reason/> }.into_any(),
        Some(Fragment::Message) => view! { <HalfChanged/> }.into_any(),
        Some(Fragment::Nothing) => view! { <ReasonView reason=Reason::Nothing/> }.into_any(),
        Some(Fragment::Tokens { .. }) if spent.get() => view! { <ReasonView reason=Reason::Spent/> }.into_any(),
        Some(Fragment::Tokens { .. }) | None => view! {
            <AuthColumn heading="Signing you in">
                <p class="auth__text needs-script" role="status">"One moment. Your link is being checked."</p>
                <FormError error=form_error(answer, &[])/>
                <WithoutScript/>
            </AuthColumn>
        }
        .into_any(),
    }
}

/// Nothing but a script can read the fragment.
#[component]
fn WithoutScript() -> impl IntoView {
    view! {
        <div class="without-script">
            <p class="auth__text">
                "This link carries its proof in a part of the address that only a script can read. Switch JavaScript on and reload this page, or sign in another way."
            </p>
            <div class="auth__ways" data-alone="">
                <LinkButton href="/login/link" variant=Variant::Primary>"Email me a code"</LinkButton>
                <LinkButton href="/login">"Sign in with your password"</LinkButton>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parameters: &[(&str, &str)]) -> Fragment {
        Fragment::of(|name| parameters.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn each_shape_of_a_fragment_is_told_apart() {
        let tokens = [("access_token", "a"), ("refresh_token", "r"), ("type", "recovery"), ("expires_in", "3600")];
        let expected =
            Fragment::Tokens { access: "a".to_owned(), refresh: "r".to_owned(), kind: Some(LinkKind::Recovery) };
        assert_eq!(of(&tokens), expected);
        assert_eq!(of(&[("message", "Confirmation link accepted.")]), Fragment::Message);
        assert_eq!(of(&[("error", "access_denied"), ("error_code", "otp_expired")]), Fragment::Failed(Reason::Spent));
        assert_eq!(of(&[("access_token", "a")]), Fragment::Nothing);
        assert_eq!(of(&[]), Fragment::Nothing);
    }
}
