use leptos::prelude::*;

/// What stands where a list has nothing yet: says what belongs here and offers the way to it.
#[component]
pub fn Empty(
    #[prop(into)] title: String,
    /// One sentence.
    #[prop(optional, into)]
    text: Option<String>,
    /// Actions.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <section class="empty">
            <h2>{title}</h2>
            {text.map(|text| view! { <p>{text}</p> })}
            {children.map(|children| view! { <div class="empty__actions">{children()}</div> })}
        </section>
    }
}
