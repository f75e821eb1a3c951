use super::api::CreateWritten;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, Glyph, Toast, Variant, use_toasts};
use domain::{FolderId, ProjectId};
use leptos::prelude::*;

/// Makes an empty document and opens it.
#[component]
pub(crate) fn NewDocumentForm(project: ProjectId, folder: Option<FolderId>) -> impl IntoView {
    let action = FormAction::<CreateWritten>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Err(error)) = action.value().get() {
            toasts.push(Toast::bad(error.to_string()));
        }
    });
    view! {
        <ServerForm action attr:class="new-document">
            <input type="hidden" name="project" value=project.to_string()/>
            {folder.map(|folder| view! { <input type="hidden" name="folder" value=folder.to_string()/> })}
            <Button variant=Variant::Secondary icon=Glyph::Pencil pending=action.pending()>"New document"</Button>
        </ServerForm>
    }
}
