use super::{button::IconButton, icon::Glyph};
use leptos::{html, prelude::*};

/// A modal dialog: the browser's own, so that focus, Escape and the inert background are its work. Without JavaScript it
/// stays closed: what opens it must be a link to a page with the same form.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: String,
    /// Unique on the page: names the dialog by its title.
    id: &'static str,
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        if open.get() && !dialog.open() {
            // Fails only when the element has left the document.
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let title_id = format!("{id}-title");
    view! {
        <dialog class="dialog" id=id node_ref=element aria-labelledby=title_id.clone() on:close=move |_| open.set(false)>
            <header class="dialog__head">
                <h2 id=title_id.clone()>{title}</h2>
                <IconButton glyph=Glyph::X label="Close" on:click=move |_| open.set(false)/>
            </header>
            <div class="dialog__body">{children()}</div>
        </dialog>
    }
}
