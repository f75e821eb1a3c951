use super::api::{DeleteConversation, RenameConversation};
use crate::ui::{Button, Field, FormError, Glyph, Icon, Menu, Toast, Variant, field_error, form_error, use_toasts};
use domain::chat::Conversation;
use leptos::{html, prelude::*};

/// A conversation's name, and the menu that changes or deletes it. The dialogs are the browser's own popovers, which work
/// without JavaScript.
#[component]
pub(super) fn TitleBar(conversation: Conversation, title: RwSignal<String>) -> impl IntoView {
    let Conversation { id, project, .. } = conversation;
    let rename = ServerAction::<RenameConversation>::new();
    let delete = ServerAction::<DeleteConversation>::new();
    let toasts = use_toasts();
    let rename_dialog = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(Ok(renamed)) = rename.value().get() {
            title.set(renamed.title);
            if let Some(dialog) = rename_dialog.get_untracked() {
                // Refused when it is closed already.
                let _ = dialog.hide_popover();
            }
        }
    });
    Effect::new(move |_| match delete.value().get() {
        Some(Ok(())) => toasts.push(Toast::ok("The conversation is deleted.")),
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let rename_answer = move || rename.value().get();
    let name = title.get_untracked();
    view! {
        <header class="thread__head">
            <h1 class="thread__title">{title}</h1>
            <Menu label="Actions for this conversation" summary=|| view! { <Icon glyph=Glyph::Ellipsis/> } right=true>
                <button type="button" class="menu__item" popovertarget="rename-conversation"><Icon glyph=Glyph::Pencil/>"Rename"</button>
                <button type="button" class="menu__item menu__item--danger" popovertarget="delete-conversation"><Icon glyph=Glyph::Trash2/>"Delete"</button>
            </Menu>
        </header>
        <div class="confirm" id="rename-conversation" popover="auto" role="dialog" aria-label="Rename the conversation" node_ref=rename_dialog>
            <ActionForm action=rename>
                <FormError error=form_error(rename_answer, &["title"])/>
                <input type="hidden" name="id" value=id.to_string()/>
                <Field name="title" label="Name" value=name required=true maxlength=120 error=field_error(rename_answer, "title")/>
                <div class="confirm__actions">
                    <button type="button" class="button button--quiet" popovertarget="rename-conversation" popovertargetaction="hide">
                        <span class="button__label">"Cancel"</span>
                    </button>
                    <Button pending=rename.pending()>"Rename"</Button>
                </div>
            </ActionForm>
        </div>
        <div class="confirm" id="delete-conversation" popover="auto" role="dialog" aria-labelledby="delete-conversation-title">
            <h2 class="confirm__title" id="delete-conversation-title">"Delete this conversation?"</h2>
            <p>"Its questions and answers go for good. The documents stay."</p>
            <ActionForm action=delete>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="project" value=project.id.to_string()/>
                <div class="confirm__actions">
                    <button type="button" class="button button--quiet" popovertarget="delete-conversation" popovertargetaction="hide" autofocus=true>
                        <span class="button__label">"Keep it"</span>
                    </button>
                    <Button variant=Variant::Danger pending=delete.pending()>"Delete"</Button>
                </div>
            </ActionForm>
        </div>
    }
}
