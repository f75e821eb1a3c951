use super::{
    actions::{ItemActions, MoveButton, TrashButton, several},
    href,
    selection::Choice,
};
use crate::ui::{Button, Field, FormError, Glyph, Icon, Menu, Time, field_error, form_error};
use domain::{
    FolderId,
    folders::{Folder, Item},
    workspaces::Role,
};
use leptos::prelude::*;

/// A folder in the list of documents.
#[component]
pub(crate) fn FolderRow(folder: Folder, actions: ItemActions) -> impl IntoView {
    let Folder { id, project_id, name, item_count, role, created_by, created_at, .. } = folder;
    let may_write = role >= Role::Member;
    let item = Item::Folder(id);
    let label = Signal::stored(name.clone());
    let opens = rename_dialog(id);
    view! {
        <tr role="row" class="document document--folder">
            <td role="cell" class="document__choice">
                {may_write.then(|| view! { <Choice item name=label selection=actions.selection/> })}
            </td>
            <th role="rowheader" scope="row" class="document__name">
                <Icon glyph=Glyph::Folder/>
                <div>
                    <a class="document__link" href=href(project_id, Some(id))>{name.clone()}</a>
                </div>
            </th>
            <td role="cell" class="document__state">{several(item_count as usize)}</td>
            <td role="cell" class="document__pages"></td>
            <td role="cell" class="document__size"></td>
            <td role="cell" class="document__by">{created_by}</td>
            <td role="cell" class="document__at"><Time at=created_at/></td>
            <td role="cell" class="document__actions">
                {may_write.then(|| view! {
                    <Menu label=format!("Actions for {name}") summary=|| view! { <Icon glyph=Glyph::Ellipsis/> } right=true>
                        <button type="button" class="menu__item" popovertarget=opens>
                            <Icon glyph=Glyph::Pencil/>
                            "Rename"
                        </button>
                        <MoveButton item actions/>
                        <TrashButton item actions/>
                    </Menu>
                    <RenameDialog id name actions/>
                })}
            </td>
        </tr>
    }
}

pub(super) fn rename_dialog(id: FolderId) -> String {
    format!("rename-{id}")
}

#[component]
fn RenameDialog(id: FolderId, name: String, actions: ItemActions) -> impl IntoView {
    let rename = actions.rename;
    // The answer is that of the row whose form was sent.
    let is_own = move || rename.input().with(|input| input.as_ref().is_some_and(|input| input.id == id));
    let sent = RwSignal::new(false);
    Effect::new(move |_| {
        if rename.pending().get() {
            sent.set(is_own());
        }
    });
    let answer = move || if sent.get() { rename.value().get() } else { None };
    let dialog = rename_dialog(id);
    let title_id = format!("{dialog}-title");
    let (labelled_by, hides) = (title_id.clone(), dialog.clone());
    view! {
        <div class="confirm" id=dialog popover="auto" role="dialog" aria-labelledby=labelled_by>
            <h2 class="confirm__title" id=title_id>"Rename the folder"</h2>
            <ActionForm action=rename>
                <FormError error=form_error(answer, &["name"])/>
                <input type="hidden" name="id" value=id.to_string()/>
                <Field
                    id=format!("{hides}-name") name="name" label="Name" value=name required=true maxlength=120 autofocus=true
                    error=field_error(answer, "name")
                />
                <div class="confirm__actions">
                    <button type="button" class="button button--quiet" popovertarget=hides popovertargetaction="hide">
                        <span class="button__label">"Cancel"</span>
                    </button>
                    <Button pending=Signal::derive(is_own)>"Rename"</Button>
                </div>
            </ActionForm>
        </div>
    }
}
