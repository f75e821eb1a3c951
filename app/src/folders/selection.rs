//! What is chosen in the list. The checkboxes belong to the form of [`super::Bulk`], and so they work without JavaScript.

use super::bulk::FORM;
use domain::folders::Item;
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub(crate) struct Selection(RwSignal<Vec<Item>>);

impl Selection {
    pub fn new() -> Self {
        Self(RwSignal::new(Vec::new()))
    }

    pub fn has(self, item: Item) -> bool {
        self.0.with(|chosen| chosen.contains(&item))
    }

    pub fn count(self) -> usize {
        self.0.with(Vec::len)
    }

    pub fn any(self, is: impl Fn(Item) -> bool) -> bool {
        self.0.with(|chosen| chosen.iter().any(|item| is(*item)))
    }

    pub fn set(self, item: Item, chosen: bool) {
        self.0.update(|all| {
            all.retain(|other| *other != item);
            if chosen {
                all.push(item);
            }
        });
    }

    pub fn replace(self, items: Vec<Item>) {
        self.0.set(items);
    }

    pub fn clear(self) {
        self.0.update(Vec::clear);
    }
}

/// The checkbox of a row.
#[component]
pub(crate) fn Choice(item: Item, #[prop(into)] name: Signal<String>, selection: Selection) -> impl IntoView {
    let (field, id) = match item {
        Item::Folder(id) => ("folders[]", id.to_string()),
        Item::Document(id) => ("documents[]", id.to_string()),
    };
    view! {
        <label class="choice">
            <span class="visually-hidden">"Select " {name}</span>
            <input
                type="checkbox" form=FORM name=field value=id prop:checked=move || selection.has(item)
                on:change:target=move |event| selection.set(item, event.target().checked())
            />
        </label>
    }
}

/// Chooses all rows that are there, or none. Not sent: it is nothing by itself.
#[component]
pub(crate) fn ChooseAll(selection: Selection, all: Signal<Vec<Item>>) -> impl IntoView {
    let has_all = move || all.with(|all| !all.is_empty() && all.iter().all(|item| selection.has(*item)));
    view! {
        <label class="choice needs-script">
            <span class="visually-hidden">"Select all"</span>
            <input
                type="checkbox" prop:checked=has_all
                on:change:target=move |event| {
                    selection.replace(if event.target().checked() { all.get_untracked() } else { Vec::new() });
                }
            />
        </label>
    }
}
