use leptos::prelude::*;

/// A thin bar. Without a value it moves, for work whose end is not known.
#[component]
pub fn Progress(
    /// What progresses, for screen readers.
    #[prop(into)]
    label: String,
    /// Of `max`.
    #[prop(into)]
    value: Signal<Option<f64>>,
    #[prop(default = 1.0)] max: f64,
) -> impl IntoView {
    view! {
        <progress class="progress" aria-label=label max=max.to_string() value=move || value.get().map(|value| value.to_string())>
        </progress>
    }
}
