use super::button::{Button, Variant};
use leptos::prelude::*;

/// Asks before what cannot be undone. A popover is the browser's own: it opens, by any button whose `popovertarget` is
/// `id`, and closes without JavaScript.
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
    /// What follows from it.
    text: &'static str,
    /// The form that does it, with [`ConfirmActions`] at its end.
    children: Children,
) -> impl IntoView {
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    view! {
        <div class="confirm" id=id popover="auto" role="dialog" aria-labelledby=labelled_by>
            <h2 class="confirm__title" id=title_id>{verb}" " <span class="confirm__name">{name}</span> "?"</h2>
            <p>{text}</p>
            {children()}
        </div>
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
