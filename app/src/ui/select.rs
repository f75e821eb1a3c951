use leptos::prelude::*;

/// One choice out of a few, with its label above.
#[component]
pub fn Select(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(into)] id: String,
    /// Values and what they are called.
    options: Vec<(String, String)>,
    #[prop(optional, into)] selected: String,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select class="input select" id=id name=name>
                <Options options selected/>
            </select>
        </div>
    }
}

/// The options of a `<select>`.
#[component]
pub fn Options(options: Vec<(String, String)>, selected: String) -> impl IntoView {
    options
        .into_iter()
        .map(|(value, label)| {
            let is_selected = value == selected;
            view! { <option value=value selected=is_selected>{label}</option> }
        })
        .collect_view()
}
