//! The entry point of the WASM bundle: attaches the application to the page that the server rendered.

// Views are nested types: the page as a whole is deeper than the default allows.
#![recursion_limit = "512"]

use leptos::{mount::hydrate_from_async, tachys::dom::body};
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the script that `HydrationScripts` writes into the page, under exactly this name.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        // The page's own module may still be on its way.
        hydrate_from_async(body(), app::App).await.forget();
        app::mark_hydrated();
    });
}
