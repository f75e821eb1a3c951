use crate::ui::{Glyph, Icon};
use domain::search::SearchIndex;
use leptos::prelude::*;

/// Says that another index is on its way, while one is.
#[component]
pub(crate) fn IndexLine(index: SearchIndex) -> impl IntoView {
    index.building.map(|building| {
        view! {
            <p class="index-line" role="status">
                <Icon glyph=Glyph::Layers/>
                <span>
                    {format!("A new search index is being built: {} of {} passages.", building.done, building.total)}
                    " Until it is complete, searches and answers go on with the one before it."
                </span>
            </p>
        }
    })
}
