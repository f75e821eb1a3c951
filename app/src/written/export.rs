use crate::ui::{Glyph, Icon, Menu};
use domain::DocumentId;
use leptos::prelude::*;

/// The document as a file for elsewhere.
#[component]
pub(crate) fn ExportMenu(id: DocumentId) -> impl IntoView {
    let formats = [("Markdown", "md"), ("Word", "docx"), ("PDF", "pdf")];
    let links = formats
        .into_iter()
        .map(|(name, format)| {
            view! {
                // Not a page of the app: the router must leave it to the browser.
                <a class="menu__item" href=format!("/api/v1/documents/{id}/export?format={format}") rel="external" download="">
                    {name}
                </a>
            }
        })
        .collect_view();
    view! {
        <div class="export-menu">
            <Menu label="Export" summary=|| view! { <Icon glyph=Glyph::Download/> } right=true>{links}</Menu>
        </div>
    }
}
