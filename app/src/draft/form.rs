use super::storage::{self, Typed};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use web_sys::{Element, HtmlInputElement, HtmlTextAreaElement, Node};

/// Stands in a form and keeps what is typed into its `fields` until the form is `saved`. Says so when it has put
/// something back.
#[component]
pub fn KeepTyped(
    /// Names the form and what it is about, such as `brief:{project}`.
    #[prop(into)]
    key: String,
    fields: &'static [&'static str],
    /// The form's contents have reached the server.
    #[prop(into)]
    saved: Signal<bool>,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let key = StoredValue::new(key);
    let restored = RwSignal::new(false);
    let form = move || place.get_untracked().and_then(|place| form_around(&place));
    Effect::new(move |_| {
        let Some(form) = place.get().and_then(|place| form_around(&place)) else { return };
        if key.with_value(|key| put_back(&form, fields, &storage::read(key))) {
            restored.set(true);
            open_around(&form);
        }
    });
    let typing = window_event_listener(ev::input, move |event| {
        let Some(form) = form() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        if form.contains(target.as_ref()) {
            key.with_value(|key| storage::write(key, &typed(&form, fields)));
        }
    });
    on_cleanup(move || typing.remove());
    Effect::new(move |_| {
        if saved.get() {
            key.with_value(|key| super::forget(key));
            restored.set(false);
            form().iter().flat_map(|form| controls(form, fields)).for_each(|(_, control)| control.settle());
        }
    });
    let discard = move |_| {
        key.with_value(|key| super::forget(key));
        restored.set(false);
        form().iter().flat_map(|form| controls(form, fields)).for_each(|(_, control)| control.set(&control.saved()));
    };
    view! {
        <div class="draft" role="status" node_ref=place>
            {move || restored.get().then(|| view! {
                <span>"Restored what you had typed."</span>
                <button type="button" class="draft__discard" on:click=discard>"Discard"</button>
            })}
        </div>
    }
}

/// A text field or a text area.
enum Control {
    Input(HtmlInputElement),
    Area(HtmlTextAreaElement),
}

impl Control {
    fn find(form: &Element, name: &str) -> Option<Self> {
        let element = form.query_selector(&format!("[name=\"{name}\"]")).ok().flatten()?;
        element
            .dyn_into::<HtmlInputElement>()
            .map(Self::Input)
            .or_else(|element| element.dyn_into::<HtmlTextAreaElement>().map(Self::Area))
            .ok()
    }

    fn value(&self) -> String {
        match self {
            Self::Input(input) => input.value(),
            Self::Area(area) => area.value(),
        }
    }

    fn set(&self, value: &str) {
        match self {
            Self::Input(input) => input.set_value(value),
            Self::Area(area) => area.set_value(value),
        }
    }

    /// What the page came with, or what was saved last.
    fn saved(&self) -> String {
        match self {
            Self::Input(input) => input.default_value(),
            Self::Area(area) => area.default_value().unwrap_or_default(),
        }
    }

    /// What stands in it now is saved.
    fn settle(&self) {
        match self {
            Self::Input(input) => input.set_default_value(&input.value()),
            Self::Area(area) => {
                // Refused by no browser.
                let _ = area.set_default_value(&area.value());
            }
        }
    }
}

fn controls(form: &Element, fields: &'static [&'static str]) -> Vec<(&'static str, Control)> {
    fields.iter().filter_map(|name| Some((*name, Control::find(form, name)?))).collect()
}

fn form_around(place: &Element) -> Option<Element> {
    place.closest("form").ok().flatten()
}

/// A form that is folded away would hide what was put back.
fn open_around(form: &Element) {
    if let Some(details) = form.closest("details").ok().flatten() {
        // Refused for no valid name.
        let _ = details.set_attribute("open", "");
    }
}

/// What differs from what is saved.
fn typed(form: &Element, fields: &'static [&'static str]) -> Typed {
    controls(form, fields)
        .into_iter()
        .filter(|(_, control)| control.value() != control.saved())
        .map(|(name, control)| (name.to_owned(), control.value()))
        .collect()
}

/// Whether something was put back. What is typed already stays.
fn put_back(form: &Element, fields: &'static [&'static str], typed: &Typed) -> bool {
    let mut changed = false;
    for (name, control) in controls(form, fields) {
        let Some(text) = typed.get(name) else { continue };
        if control.value() == control.saved() && control.value() != *text {
            control.set(text);
            changed = true;
        }
    }
    changed
}
