use super::icon::{Glyph, Icon};
use leptos::{ev::MouseEvent, prelude::*};

/// How loud a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The page's one main action, in the accent.
    Primary,
    #[default]
    Secondary,
    /// No border until it is pointed at.
    Quiet,
    /// Destroys something.
    Danger,
}

impl Variant {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button--primary",
            Self::Secondary => "button",
            Self::Quiet => "button button--quiet",
            Self::Danger => "button button--danger",
        }
    }
}

fn class(variant: Variant, small: bool) -> String {
    format!("{}{}", variant.class(), if small { " button--small" } else { "" })
}

/// A button. While `pending` it shows that it works and cannot be pressed again. Further attributes and events can be
/// put on it: `<Button on:click=… attr:name=…>`.
#[component]
pub fn Button(
    #[prop(optional)] variant: Variant,
    /// `submit` or `button`.
    #[prop(default = "submit")]
    kind: &'static str,
    #[prop(optional, into)] pending: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional)] small: bool,
    #[prop(optional)] icon: Option<Glyph>,
    children: Children,
) -> impl IntoView {
    // `disabled` would take the focus away and, set during a submit, the button's own value out of the form.
    let hold = move |event: MouseEvent| {
        if pending.get_untracked() {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    };
    view! {
        <button
            type=kind
            class=class(variant, small)
            disabled=move || disabled.get()
            aria-disabled=move || pending.get().then_some("true")
            aria-busy=move || pending.get().then_some("true")
            on:click=hold
        >
            {icon.map(|glyph| view! { <Icon glyph/> })}
            <span class="button__label">{children()}</span>
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    #[prop(into)] href: String,
    #[prop(optional)] variant: Variant,
    #[prop(optional)] small: bool,
    #[prop(optional)] icon: Option<Glyph>,
    children: Children,
) -> impl IntoView {
    view! {
        <a href=href class=class(variant, small)>
            {icon.map(|glyph| view! { <Icon glyph/> })}
            <span class="button__label">{children()}</span>
        </a>
    }
}

/// A button that shows an icon only; `label` names it.
#[component]
pub fn IconButton(
    glyph: Glyph,
    #[prop(into)] label: String,
    #[prop(default = "button")] kind: &'static str,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button type=kind class="icon-button" aria-label=label.clone() title=label disabled=move || disabled.get()>
            <Icon glyph/>
        </button>
    }
}
