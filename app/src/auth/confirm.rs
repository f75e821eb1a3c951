use super::{AuthColumn, api, outcome::Outcome};
use crate::{
    call::{FormAction, ServerForm},
    error::ApiError,
    ui::{Button, Field, FormError, LinkButton, Variant, field_error, form_error},
};
use domain::accounts::LinkKind;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the address of a mail's link says.
#[derive(Serialize, Deserialize)]
pub enum MailLink {
    /// The first of the two that change an address was opened.
    HalfChanged,
    Whole(Proof),
    Incomplete,
}

/// What a link's press of the button sends: the token that shows that the mail was read, what for, and the way on.
#[derive(Serialize, Deserialize)]
pub struct Proof {
    token: String,
    kind: LinkKind,
    next: Option<String>,
}

#[cfg(feature = "ssr")]
impl MailLink {
    pub(crate) fn of(asked: &crate::entrance::Asked) -> Self {
        if asked.parameter("half").is_some() {
            return Self::HalfChanged;
        }
        Proof::of(asked).map_or(Self::Incomplete, Self::Whole)
    }
}

#[cfg(feature = "ssr")]
impl Proof {
    pub(super) fn of(asked: &crate::entrance::Asked) -> Option<Self> {
        Some(Self {
            token: asked.parameter("token_hash")?,
            kind: LinkKind::parse(&asked.parameter("type")?)?,
            next: asked.parameter("next"),
        })
    }
}

/// What a link of a mail leads to: says what the click will do, and does it only then. Programs that look into mails
/// open links, but press no buttons.
#[component]
pub fn ConfirmPage(link: MailLink) -> impl IntoView {
    match link {
        MailLink::HalfChanged => view! { <HalfChanged/> }.into_any(),
        MailLink::Whole(proof) => view! { <LinkForm proof/> }.into_any(),
        MailLink::Incomplete => view! {
            <Outcome
                heading="This link is not whole"
                text="A part of its address is missing. Copy all of it from the mail, or ask for a new one."
                action=("/login/link", "Email me a new link") other=Some(("/login", "Back to sign in"))
            />
        }
        .into_any(),
    }
}

/// The one button, and what followed from it.
#[component]
pub(super) fn LinkForm(proof: Proof) -> impl IntoView {
    let Proof { token, kind, next } = proof;
    let action = FormAction::<api::ConfirmLink>::new();
    let answer = move || action.value().get();
    let spent = Memo::new(move |_| is_spent(answer().as_ref()));
    let (token, next) = (StoredValue::new(token), StoredValue::new(next));
    let (heading, text, button) = meaning(kind);
    let form = move || {
        view! {
            <AuthColumn heading>
                <p class="auth__text">{text}</p>
                <ServerForm action>
                    <div class="form">
                        <FormError error=form_error(answer, &[])/>
                        <input type="hidden" name="token_hash" value=token.get_value()/>
                        <input type="hidden" name="kind" value=kind.as_str()/>
                        <input type="hidden" name="next" value=next.get_value().unwrap_or_default()/>
                        <Button variant=Variant::Primary pending=action.pending()>{button}</Button>
                    </div>
                </ServerForm>
            </AuthColumn>
        }
    };
    move || if spent.get() { view! { <Spent kind/> }.into_any() } else { form().into_any() }
}

/// Heading, sentence and button.
const fn meaning(kind: LinkKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        LinkKind::Signup => (
            "Confirm your address",
            "This finishes the account that was made with your address, and signs you in here.",
            "Confirm and sign in",
        ),
        LinkKind::Magiclink | LinkKind::Email => ("Sign in", "This signs you in, in this browser.", "Sign in"),
        LinkKind::Recovery => (
            "Choose a new password",
            "This signs you in here and lets you choose a new password. The old one counts until then.",
            "Go on",
        ),
        LinkKind::EmailChange => {
            ("Change your address", "This confirms the change of your account\u{2019}s address.", "Confirm the change")
        }
        LinkKind::Invite => {
            ("Accept the invitation", "This makes your account and signs you in here.", "Accept and sign in")
        }
    }
}

/// A link that is used or too old, with the way to a new one.
#[component]
fn Spent(kind: LinkKind) -> impl IntoView {
    const HEADING: &str = "This link has been used or is too old";
    match kind {
        LinkKind::Signup => view! { <ResendConfirmation heading=HEADING/> }.into_any(),
        LinkKind::Recovery => view! {
            <Outcome
                heading=HEADING
                text="A link counts once, within an hour, and a newer one replaces it. Ask for a new one to choose your password."
                action=("/forgot", "Email me a new link") other=Some(("/login", "Back to sign in"))
            />
        }
        .into_any(),
        LinkKind::EmailChange => view! {
            <Outcome
                heading=HEADING
                text="A link counts once, within an hour. Your account shows whether the change is done; if not, ask for it again there."
                action=("/account#email", "Go to your account")
            />
        }
        .into_any(),
        LinkKind::Invite => view! {
            <Outcome
                heading=HEADING text="If you have accepted it already, sign in. If not, ask whoever invited you to do it again."
                action=("/login", "Sign in")
            />
        }
        .into_any(),
        LinkKind::Magiclink | LinkKind::Email => view! {
            <Outcome
                heading=HEADING text="A link counts once, within an hour, and a newer one replaces it."
                action=("/login/link", "Email me a new link") other=Some(("/login", "Sign in with your password"))
            />
        }
        .into_any(),
    }
}

#[component]
fn ResendConfirmation(heading: &'static str) -> impl IntoView {
    let action = FormAction::<api::ResendConfirmation>::new();
    let answer = move || action.value().get();
    view! {
        <AuthColumn heading>
            <p class="auth__text">
                "If you have confirmed your address already, sign in. If not, we mail you a new link."
            </p>
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["email"])/>
                    <Field
                        name="email" label="Email" kind="email" autocomplete="username" required=true
                        error=field_error(answer, "email")
                    />
                    <Button variant=Variant::Primary pending=action.pending()>"Email me a new link"</Button>
                </div>
            </ServerForm>
            <p class="auth__other"><a href="/login">"Sign in"</a></p>
        </AuthColumn>
    }
}

/// The change of an address needs both of them.
#[component]
pub(super) fn HalfChanged() -> impl IntoView {
    view! {
        <AuthColumn heading="Half done">
            <p class="auth__text">
                "This address is confirmed. Now open the link in the mail that we sent to your other address. The change counts after both."
            </p>
            <div class="auth__ways" data-alone="">
                <LinkButton href="/account#email">"Go to your account"</LinkButton>
            </div>
        </AuthColumn>
    }
}

/// Whether the answer says that the link is used, too old or of another browser.
pub(super) fn is_spent<T>(answer: Option<&Result<T, ApiError>>) -> bool {
    matches!(answer, Some(Err(error)) if error.for_field("link").is_some())
}
