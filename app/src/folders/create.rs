use super::actions::ItemActions;
use crate::ui::{Button, Field, FormError, Glyph, Icon, Variant, field_error, form_error};
use leptos::prelude::*;

/// A button and the form that it opens: the browser's own popover, which works without JavaScript.
#[component]
pub(crate) fn NewFolderButton(actions: ItemActions) -> impl IntoView {
    let create = actions.create;
    let folders = actions.folders;
    let answer = move || create.value().get();
    view! {
        <button type="button" class="button button--quiet" popovertarget="new-folder">
            <Icon glyph=Glyph::FolderPlus/>
            <span class="button__label">"New folder"</span>
        </button>
        <div class="confirm" id="new-folder" popover="auto" role="dialog" aria-labelledby="new-folder-title">
            <h2 class="confirm__title" id="new-folder-title">"New folder"</h2>
            <ActionForm action=create>
                <FormError error=form_error(answer, &["name"])/>
                <input type="hidden" name="project" value=folders.project.to_string()/>
                {folders.place.map(|place| view! { <input type="hidden" name="parent" value=place.to_string()/> })}
                <Field
                    id="new-folder-name" name="name" label="Name" required=true maxlength=120 autofocus=true
                    placeholder="Briefs" error=field_error(answer, "name")
                />
                <div class="confirm__actions">
                    <button type="button" class="button button--quiet" popovertarget="new-folder" popovertargetaction="hide">
                        <span class="button__label">"Cancel"</span>
                    </button>
                    <Button variant=Variant::Primary pending=create.pending()>"Create folder"</Button>
                </div>
            </ActionForm>
        </div>
    }
}
