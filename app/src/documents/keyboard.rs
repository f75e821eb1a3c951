//! Arrow keys go from row to row of a list, and `x` chooses the row. Tab goes through all that is in them, as ever.

use leptos::{ev::KeyboardEvent, prelude::document, wasm_bindgen::JsCast};
use web_sys::{Element, HtmlElement};

const LINKS: &str = "a.document__link";

/// For `keydown` on the list's body.
pub(super) fn walk(event: &KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(link) = target.filter(|element| element.matches(LINKS).unwrap_or_default()) else { return };
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let next = match event.key().as_str() {
        "ArrowDown" => neighbour(&link, 1),
        "ArrowUp" => neighbour(&link, -1),
        "x" => {
            if let Some(choice) = choice_of(&link) {
                choice.click();
            }
            return;
        }
        _ => return,
    };
    // The page would scroll.
    event.prevent_default();
    if let Some(next) = next {
        // Fails only for what has left the page.
        let _ = next.focus();
    }
}

fn neighbour(link: &Element, by: i64) -> Option<HtmlElement> {
    let links = document().query_selector_all(LINKS).ok()?;
    let at = (0..links.length()).find(|&at| links.get(at).is_some_and(|other| link.is_same_node(Some(&other))))?;
    let next = u32::try_from(i64::from(at) + by).ok()?;
    links.get(next)?.dyn_into().ok()
}

fn choice_of(link: &Element) -> Option<HtmlElement> {
    link.closest("tr").ok()??.query_selector("input[type=checkbox]").ok()??.dyn_into().ok()
}
