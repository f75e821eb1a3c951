use super::api::{ArchiveConversation, DeleteConversation, RenameConversation, SetToolsMode};
use crate::{
    call::{FormAction, ServerForm},
    models::{Answering, Spending},
    ui::{
        Button, ConfirmActions, Field, FormError, Glyph, Icon, Menu, Popover, PopoverActions, Toast, field_error,
        form_error, use_toasts,
    },
};
use domain::{ConversationId, chat::Conversation, tools::ToolsMode};
use leptos::prelude::*;

/// What can be done to the conversation in view.
#[component]
pub(super) fn ConversationMenu(
    id: ConversationId,
    archived: bool,
    tools_mode: ToolsMode,
    /// It is archived now or not any more, or its models ask or do not.
    changed: Callback<()>,
    answering: Answering,
) -> impl IntoView {
    let archive = FormAction::<ArchiveConversation>::new();
    let toasts = use_toasts();
    Effect::new(move |_| match archive.value().get() {
        Some(Ok(conversation)) => {
            let is_archived = conversation.archived_at.is_some();
            let text =
                if is_archived { "The conversation is archived." } else { "The conversation is back in the list." };
            toasts.push(Toast::ok(text));
            changed.run(());
        }
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let set_mode = FormAction::<SetToolsMode>::new();
    Effect::new(move |_| match set_mode.value().get() {
        Some(Ok(conversation)) => {
            toasts.push(Toast::ok(match conversation.tools_mode {
                ToolsMode::Ask => "The model asks before it changes anything.",
                ToolsMode::Autonomous => "The model changes documents without asking.",
            }));
            changed.run(());
        }
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let (other_mode, mode_glyph, mode_label) = match tools_mode {
        ToolsMode::Ask => (ToolsMode::Autonomous, Glyph::Play, "Act without asking"),
        ToolsMode::Autonomous => (ToolsMode::Ask, Glyph::Pause, "Ask before acting"),
    };
    let export = move |format: &str| format!("/api/v1/conversations/{id}/export?format={format}");
    view! {
        <div class="conversation-menu">
            <Menu label="Actions for this conversation" summary=|| view! { <Icon glyph=Glyph::Ellipsis/> } right=true>
                <button type="button" class="menu__item" popovertarget="rename-conversation">
                    <Icon glyph=Glyph::Pencil/>
                    "Rename"
                </button>
                <ServerForm action=archive>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <input type="hidden" name="archived" value=(!archived).to_string()/>
                    <button type="submit" class="menu__item">
                        <Icon glyph=Glyph::Archive/>
                        {if archived { "Back to the list" } else { "Archive" }}
                    </button>
                </ServerForm>
                <ServerForm action=set_mode>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <input type="hidden" name="mode" value=other_mode.as_str()/>
                    <button type="submit" class="menu__item">
                        <Icon glyph=mode_glyph/>
                        {mode_label}
                    </button>
                </ServerForm>
                // Not pages of the app: the router must leave them to the browser.
                <a class="menu__item" href=export("markdown") rel="external" download="">
                    <Icon glyph=Glyph::Download/>
                    "Export as Markdown"
                </a>
                <a class="menu__item" href=export("json") rel="external" download="">
                    <Icon glyph=Glyph::Download/>
                    "Export as JSON"
                </a>
                <button type="button" class="menu__item menu__item--danger" popovertarget="delete-conversation">
                    <Icon glyph=Glyph::Trash2/>
                    "Delete"
                </button>
                <Spending answering/>
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
    let rename = FormAction::<RenameConversation>::new();
    let delete = FormAction::<DeleteConversation>::new();
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
        <Popover id="rename-conversation" title=|| "Rename the conversation">
            <ServerForm action=rename>
                <FormError error=form_error(answer, &["title"])/>
                <input type="hidden" name="id" value=id.to_string()/>
                <Field name="title" label="Name" value=title required=true maxlength=120 error=field_error(answer, "title")/>
                <PopoverActions popover="rename-conversation">
                    <Button pending=rename.pending()>"Rename"</Button>
                </PopoverActions>
            </ServerForm>
        </Popover>
        <Popover id="delete-conversation" title=|| "Delete this conversation?">
            <p>"Its questions and answers go for good. The documents stay."</p>
            <ServerForm action=delete>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="project" value=project.id.to_string()/>
                <ConfirmActions popover="delete-conversation" verb="Delete" keep="Keep it" pending=delete.pending()/>
            </ServerForm>
        </Popover>
    }
}
