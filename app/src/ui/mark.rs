use leptos::prelude::*;

/// The mark: a north-light window of four panes, one of them lit in the accent. Decorative: the name stands beside it.
#[component]
pub fn Mark(
    /// Height in px.
    #[prop(default = 20)]
    size: u16,
) -> impl IntoView {
    view! {
        <svg class="mark" width=size.to_string() height=size.to_string() viewBox="0 0 20 20" aria-hidden="true">
            <path class="mark__pane" d="M2 6.2 9.25 3.6v5.65H2z"/>
            <path class="mark__lit" d="M10.75 3.05 18 .5v8.75h-7.25z"/>
            <path class="mark__pane" d="M2 10.75h7.25V18H2z"/>
            <path class="mark__pane" d="M10.75 10.75H18V18h-7.25z"/>
        </svg>
    }
}
