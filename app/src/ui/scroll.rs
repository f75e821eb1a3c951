//! To a place on a page that was reached within the app, where the browser does not scroll to the fragment by itself.

use leptos::prelude::*;

/// A second: the page is drawn a frame or two after its effects have run, on a slow phone a few more.
const FRAMES_TO_WAIT: u8 = 60;

/// Scrolls to the element with this id as soon as it is drawn, if it is what the address names.
pub(crate) fn scroll_to_fragment(id: &str) {
    if window().location().hash().is_ok_and(|hash| hash.strip_prefix('#') == Some(id)) {
        scroll_when_drawn(id.to_owned(), FRAMES_TO_WAIT);
    }
}

fn scroll_when_drawn(id: String, frames_left: u8) {
    if let Some(element) = document().get_element_by_id(&id) {
        // The style sheet says how far from the edge.
        element.scroll_into_view();
    } else if frames_left > 0 {
        request_animation_frame(move || scroll_when_drawn(id, frames_left - 1));
    }
}
