use super::api::AddLink;
use crate::call::{FormAction, ServerForm};
use crate::ui::{
    Button, Field, FormError, Glyph, Icon, PopoverActions, Toast, Variant, clear_field, field_error, form_error,
    use_toasts,
};
use domain::{FolderId, ProjectId, documents::Document, links::WebAddress};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

const DIALOG: &str = "add-link";

/// Opens [`AddLinkDialog`]. Popovers are the browser's own: this works without JavaScript.
#[component]
pub(crate) fn AddLinkButton() -> impl IntoView {
    view! {
        <button type="button" class="button button--quiet add-link__open" popovertarget=DIALOG aria-label="Add a link">
            <Icon glyph=Glyph::Link/>
            <span class="button__label">"Add a link"</span>
        </button>
    }
}

/// Asks for an address. `added` hears the document that it became; the page's own line tells what failed without
/// JavaScript.
#[component]
pub(crate) fn AddLinkDialog(
    project: ProjectId,
    folder: Option<FolderId>,
    added: impl Fn(Document) + 'static,
) -> impl IntoView {
    let action = FormAction::<AddLink>::new();
    let answer = move || action.value().get();
    // Back from a form without JavaScript, with the dialog closed.
    let failed = form_error(answer, &[]).get_untracked();
    let dialog = NodeRef::<html::Div>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(document)) = answer() {
            clear_field("link-url");
            if let Some(dialog) = dialog.get_untracked() {
                hide(&dialog);
            }
            toasts.push(Toast::ok(format!("{} is on its way.", document.name)));
            added(document);
        }
    });
    view! {
        {failed.map(|failed| view! { <FormError error=Signal::stored(Some(failed))/> })}
        <div class="confirm" id=DIALOG popover="auto" role="dialog" aria-labelledby="add-link-title" node_ref=dialog>
            <h2 class="confirm__title" id="add-link-title">"Add a link"</h2>
            <p>"The page is fetched once and read like a file. Fetch it again when it has changed."</p>
            <ServerForm action>
                <FormError error=form_error(answer, &["url"])/>
                <input type="hidden" name="project" value=project.to_string()/>
                {folder.map(|folder| view! { <input type="hidden" name="folder" value=folder.to_string()/> })}
                <Field
                    name="url" id="link-url" label="Address" kind="text" required=true autofocus=true
                    maxlength=u32::try_from(WebAddress::MAX_CHARS).unwrap_or(u32::MAX)
                    placeholder="https://example.com/page" error=field_error(answer, "url")
                />
                <PopoverActions popover=DIALOG>
                    <Button variant=Variant::Primary pending=action.pending()>"Add link"</Button>
                </PopoverActions>
            </ServerForm>
        </div>
    }
}

/// By reflection: web-sys has it only as an unstable API.
fn hide(dialog: &web_sys::HtmlElement) {
    let hide = js_sys::Reflect::get(dialog, &"hidePopover".into()).ok();
    if let Some(hide) = hide.and_then(|hide| hide.dyn_into::<js_sys::Function>().ok()) {
        // Fails only when it is closed already.
        let _ = hide.call0(dialog);
    }
}
