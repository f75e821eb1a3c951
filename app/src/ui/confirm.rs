use super::button::{Button, Variant};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A small dialog. The popover is the browser's own: it opens, by any button whose `popovertarget` is `id`, and closes
/// without JavaScript.
#[component]
pub fn Popover(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    #[prop(into)] title: ViewFnOnce,
    children: Children,
) -> impl IntoView {
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    view! {
        <div class="confirm" id=id popover="auto" role="dialog" aria-labelledby=labelled_by>
            <h2 class="confirm__title" id=title_id>{title.run()}</h2>
            {children()}
        </div>
    }
}

/// Closes a popover, if it is open.
pub fn close_popover(id: &str) {
    let popover = document().get_element_by_id(id);
    if let Some(popover) = popover.and_then(|popover| popover.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Fails where the element is no popover.
        let _ = popover.hide_popover();
    }
}

/// Asks before what cannot be undone.
#[component]
pub fn Confirm(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// What is to be done: "Delete".
    verb: &'static str,
    /// To what. "Delete Brand book.pdf?"
    #[prop(into)]
    name: String,
    /// What is said of it besides, with a space before it: " for good".
    #[prop(optional)]
    how: &'static str,
    /// What follows from it.
    text: &'static str,
    /// The form that does it, with [`ConfirmActions`] at its end.
    children: Children,
) -> impl IntoView {
    let title = move || view! { {verb}" " <span class="confirm__name">{name}</span> {how}"?" };
    view! {
        <Popover id title>
            <p>{text}</p>
            {children()}
        </Popover>
    }
}

/// The two buttons of such a form. The harmless one has the focus.
#[component]
pub fn ConfirmActions(
    /// The id of the popover that they stand in.
    #[prop(into)]
    popover: String,
    verb: &'static str,
    /// The way out: "Keep it".
    keep: &'static str,
    #[prop(into)] pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <div class="confirm__actions">
            <button type="button" class="button button--quiet" popovertarget=popover popovertargetaction="hide" autofocus=true>
                <span class="button__label">{keep}</span>
            </button>
            <Button variant=Variant::Danger pending>{verb}</Button>
        </div>
    }
}

/// The buttons of a form in a popover in which something is typed: the way out, and the one that sends it.
#[component]
pub fn PopoverActions(
    /// The id of the popover that they stand in.
    #[prop(into)]
    popover: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="confirm__actions">
            <button type="button" class="button button--quiet" popovertarget=popover popovertargetaction="hide">
                <span class="button__label">"Cancel"</span>
            </button>
            {children()}
        </div>
    }
}
