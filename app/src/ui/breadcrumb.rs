use leptos::prelude::*;

/// One step of the path to a page; the last one is the page itself and has no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub label: String,
    pub href: Option<String>,
}

impl Crumb {
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// Where the page stands.
#[component]
pub fn Breadcrumb(crumbs: Vec<Crumb>) -> impl IntoView {
    let steps = crumbs
        .into_iter()
        .map(|Crumb { label, href }| {
            let current = href.is_none().then_some("page");
            let step = match href {
                Some(href) => view! { <a href=href>{label}</a> }.into_any(),
                None => view! { <span aria-current=current>{label}</span> }.into_any(),
            };
            view! { <li>{step}</li> }
        })
        .collect_view();
    view! { <nav class="breadcrumb" aria-label="Breadcrumb"><ol>{steps}</ol></nav> }
}
