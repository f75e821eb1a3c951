use super::{
    button::Button,
    icon::Glyph,
    toast::{Toast, use_toasts},
};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// A secret that is shown this once, to be copied: an API key, an invitation's link.
#[component]
pub fn ShownOnce(
    #[prop(into)] title: String,
    /// What to do with it.
    #[prop(into)]
    text: String,
    /// What it is, for the label and the toast: `link`, `key`.
    noun: &'static str,
    #[prop(into)] secret: String,
    /// Something went wrong beside.
    #[prop(optional)]
    warning: Option<&'static str>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let toasts = use_toasts();
    let copied = RwSignal::new(false);
    let label = format!("The {noun}");
    let for_clipboard = secret.clone();
    let copy = move |_| {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
        let secret = for_clipboard.clone();
        leptos::task::spawn_local(async move {
            if copy_text(&secret).await {
                copied.set(true);
                toasts.push(Toast::ok(format!("The {noun} is copied.")));
            } else {
                toasts.push(Toast::bad("It could not be copied. It is selected: press Ctrl or Cmd C."));
            }
        });
    };
    view! {
        <div class="shown-once" role="status">
            <p class="shown-once__title">{title}</p>
            {warning.map(|warning| view! { <p class="shown-once__warning">{warning}</p> })}
            <p class="shown-once__text">{text}</p>
            <div class="shown-once__row">
                <input
                    class="input input--code" type="text" readonly=true spellcheck="false" value=secret aria-label=label
                    node_ref=field on:focus:target=|event| event.target().select()
                />
                <span class="needs-script">
                    <Button kind="button" icon=Glyph::Copy on:click=copy>
                        {move || if copied.get() { "Copied" } else { "Copy" }}
                    </Button>
                </span>
            </div>
        </div>
    }
}

/// Puts a text on the clipboard, and says whether it is there. Browsers have one only where the page came by https or from
/// this machine.
pub async fn copy_text(text: &str) -> bool {
    let navigator = window().navigator();
    let clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into())
        .ok()
        .filter(|clipboard| !clipboard.is_undefined() && !clipboard.is_null());
    let Some(clipboard) = clipboard else { return false };
    let clipboard: web_sys::Clipboard = clipboard.unchecked_into();
    wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
