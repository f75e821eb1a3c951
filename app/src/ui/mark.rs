use leptos::{prelude::*, tachys::html::InertElement};

/// The mark: a north-light window of four panes, one of them lit in the accent. Decorative: the name stands beside it.
/// Inert, as [`super::Icon`].
#[component]
pub fn Mark(
    /// Height in px.
    #[prop(default = 20)]
    size: u16,
) -> impl IntoView {
    InertElement::new(format!(
        r#"<svg class="mark" width="{size}" height="{size}" viewBox="0 0 20 20" aria-hidden="true"><path class="mark__lit" d="M10 4.6 17.5 2v8.9H10z"/><path class="mark__frame" d="M2.5 7.2 17.5 2v15.5h-15zM10 4.6v12.9M2.5 10.9h15"/></svg>"#
    ))
}
