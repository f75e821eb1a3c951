use super::api::{DeleteConversation, RenameConversation};
use crate::ui::{
    Button, ConfirmActions, Field, FormError, Glyph, Icon, Menu, Toast, field_error, form_error, use_toasts,
};
use domain::chat::Conversation;
use leptos::prelude::*;

/// What can be done to the conversation in view.
#[component]
pub(super) fn ConversationMenu() -> impl IntoView {
    view! {
        <div class="conversation-menu">
            <Menu label="Actions for this conversation" summary=|| view! { <Icon glyph=Glyph::Ellipsis/> } right=true>
                <button type="button" class="menu__item" popovertarget="rename-conversation">
                    <Icon glyph=Glyph::Pencil/>
                    "Rename"
                </button>
                <button type="button" class="menu__item menu__item--danger" popovertarget="delete-conversation">
                    <Icon glyph=Glyph::Trash2/>
                    "Delete"
                </button>
            </Menu>
        </div>
    }
}

/// What the menu opens: the browser's own popovers, which work without JavaScript.
#[component]
pub(super) fn ConversationDialogs(
    conversation: Conversation,
    /// It has another name now.
    renamed: Callback<()>,
) -> impl IntoView {
    let Conversation { id, project, title, .. } = conversation;
    let rename = ServerAction::<RenameConversation>::new();
    let delete = ServerAction::<DeleteConversation>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(_)) = rename.value().get() {
            renamed.run(());
        }
    });
    Effect::new(move |_| match delete.value().get() {
        Some(Ok(())) => toasts.push(Toast::ok("The conversation is deleted.")),
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let answer = move || rename.value().get();
    view! {
        <div class="confirm" id="rename-conversation" popover="auto" role="dialog" aria-label="Rename the conversation">
            <ActionForm action=rename>
                <FormError error=form_error(answer, &["title"])/>
                <input type="hidden" name="id" value=id.to_string()/>
                <Field name="title" label="Name" value=title required=true maxlength=120 error=field_error(answer, "title")/>
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
                <ConfirmActions popover="delete-conversation" verb="Delete" keep="Keep it" pending=delete.pending()/>
            </ActionForm>
        </div>
    }
}
