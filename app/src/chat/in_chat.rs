use super::api::UseInChat;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Glyph, Icon, Toast, use_toasts};
use domain::documents::Document;
use leptos::prelude::*;

/// Takes a document out of what the project's conversations are asked of, or back into it.
#[component]
pub fn InChatButton(document: RwSignal<Document>, class: &'static str) -> impl IntoView {
    let action = FormAction::<UseInChat>::new();
    let toasts = use_toasts();
    let (id, name) = document.with_untracked(|document| (document.id, document.name.clone()));
    Effect::new(move |_| match action.value().get() {
        Some(Ok(changed)) => {
            let now = if changed.in_chat { "is used in chat" } else { "is left out of chat" };
            toasts.push(Toast::ok(format!("{name} {now}.")));
            document.set(changed);
        }
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let in_chat = move || document.with(|document| document.in_chat);
    view! {
        <ServerForm action>
            <input type="hidden" name="document" value=id.to_string()/>
            <input type="hidden" name="in_chat" value=move || (!in_chat()).to_string()/>
            <button type="submit" class=class>
                <Icon glyph=Glyph::MessageSquare/>
                <span class="button__label">{move || if in_chat() { "Leave out of chat" } else { "Use in chat" }}</span>
            </button>
        </ServerForm>
    }
}
