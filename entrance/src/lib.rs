//! The entry point of the small WASM bundle: attaches the entrance to a page of it that the server rendered.

// Views are nested types: the page as a whole is deeper than the default allows.
#![recursion_limit = "512"]

use app::entrance::{Entrance, EntrancePage};
use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the script that `app/src/shell.rs` writes into the page, under exactly this name.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    if let Some(page) = EntrancePage::written() {
        leptos::mount::hydrate_body(|| view! { <Entrance page/> });
    }
}
