//! What is done to all that is chosen: a bar at the foot of the page, and the dialog of places to move it to.

use super::{
    actions::{ItemActions, several},
    api::MoveItems,
};
use crate::{
    trash::api::MoveToTrash,
    ui::{Button, Glyph, Icon, Variant},
};
use domain::folders::{FolderLink, Item};
use leptos::{ev::SubmitEvent, form::FromFormData, prelude::*, server_fn::ServerFn};

/// The form that the rows' checkboxes belong to.
pub(super) const FORM: &str = "bulk";
pub(super) const MOVE_DIALOG: &str = "move";

/// One form with two buttons, so that the same checkboxes serve both without JavaScript.
#[component]
pub(crate) fn Bulk(actions: ItemActions) -> impl IntoView {
    let ItemActions { folders, selection, trash, relocate, .. } = actions;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let moves = event.submitter().is_some_and(|button| button.has_attribute("formaction"));
        // The form's own fields are what its sender sees.
        if moves {
            if let Ok(wanted) = MoveItems::from_event(&event) {
                relocate.dispatch(wanted);
            }
        } else if let Ok(items) = MoveToTrash::from_event(&event) {
            trash.dispatch(items);
        }
    };
    let chosen = move || format!("{} selected", several(selection.count()));
    view! {
        <form class="bulk" id=FORM method="post" action=MoveToTrash::url() on:submit=submit aria-label="What is selected">
            <input type="hidden" name="project" value=folders.project.to_string()/>
            <p class="bulk__count with-script" aria-live="polite">{chosen}</p>
            <p class="bulk__count without-script">"Selected"</p>
            <button type="button" class="button button--small" popovertarget=MOVE_DIALOG>
                <Icon glyph=Glyph::Folder/>
                <span class="button__label">"Move"</span>
            </button>
            // The place is asked for in the dialog alone.
            <Button small=true icon=Glyph::Trash2 pending=trash.pending() attr:formnovalidate=true>"Move to trash"</Button>
            <button type="button" class="button button--quiet button--small with-script" on:click=move |_| selection.clear()>
                <span class="button__label">"Clear"</span>
            </button>
        </form>
        <MoveDialog actions/>
    }
}

/// Its fields belong to the form of the bar.
#[component]
fn MoveDialog(actions: ItemActions) -> impl IntoView {
    let ItemActions { folders, selection, relocate, .. } = actions;
    let top =
        FolderLink { id: uuid::Uuid::nil().into(), parent_id: None, name: "Top of the project".to_owned(), depth: 0 };
    view! {
        <div class="confirm move" id=MOVE_DIALOG popover="auto" role="dialog" aria-labelledby="move-title">
            <h2 class="confirm__title" id="move-title">"Move to"</h2>
            <fieldset class="move__places">
                <legend class="visually-hidden">"Where to"</legend>
                <Target value=String::new() folder=top indent=0 is_barred=Signal::stored(false)/>
                <For each=move || folders.all() key=|folder| (folder.id, folder.parent_id, folder.name.clone(), folder.depth) let:folder>
                    <Target
                        value=folder.id.to_string() indent=folder.depth + 1
                        // Not into itself.
                        is_barred=Signal::derive(move || {
                            selection.any(|item| matches!(item, Item::Folder(id) if folders.is_within(folder.id, id)))
                        })
                        folder
                    />
                </For>
            </fieldset>
            <div class="confirm__actions">
                <button type="button" class="button button--quiet" popovertarget=MOVE_DIALOG popovertargetaction="hide">
                    <span class="button__label">"Cancel"</span>
                </button>
                <Button
                    variant=Variant::Primary pending=relocate.pending()
                    attr:form=FORM attr:formaction=MoveItems::url()
                >
                    "Move here"
                </Button>
            </div>
        </div>
    }
}

#[component]
fn Target(
    /// Of the field: the folder's id, nothing for the top.
    value: String,
    folder: FolderLink,
    indent: u32,
    is_barred: Signal<bool>,
) -> impl IntoView {
    view! {
        <label class="move__place" data-indent=indent.to_string()>
            <input type="radio" form=FORM name="into" value=value required=true disabled=move || is_barred.get()/>
            <Icon glyph=Glyph::Folder/>
            <span>{folder.name}</span>
        </label>
    }
}
