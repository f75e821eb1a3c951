//! Other versions: a question edited, an answer written again, and the way from one to another.

use super::{
    api::{Ask, RegenerateAnswer, SelectBranch},
    thread::Thread,
};
use crate::ui::{Button, Glyph, Icon, TextArea, Variant};
use domain::{
    MessageId,
    chat::{Message, ScopeKind, Siblings},
};
use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
    server_fn::ServerFn,
};
use wasm_bindgen::JsCast;

/// Which of several versions this is, and the way to the one before and after.
#[component]
pub(super) fn Versions(id: MessageId, siblings: Siblings, thread: Thread) -> impl IntoView {
    let Siblings { position, count, previous, next } = siblings;
    (count > 1).then(|| {
        view! {
            // Focused when it has come by its own buttons, so that the keyboard goes on from there.
            <div class="siblings" role="group" aria-label="Versions" id=versions_id(id) tabindex="-1">
                <Switch to=previous label="Previous version" glyph=Glyph::ChevronLeft thread/>
                <span class="visually-hidden">{format!("Version {position} of {count}")}</span>
                <span class="siblings__place" aria-hidden="true">{format!("{position}/{count}")}</span>
                <Switch to=next label="Next version" glyph=Glyph::ChevronRight thread/>
            </div>
        }
    })
}

#[component]
fn Switch(to: Option<MessageId>, label: &'static str, glyph: Glyph, thread: Thread) -> impl IntoView {
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(to) = to {
            thread.select(to);
        }
    };
    view! {
        <form method="post" action=SelectBranch::url() on:submit=submitted>
            <input type="hidden" name="id" value=to.map(|id| id.to_string())/>
            <input type="hidden" name="conversation" value=thread.conversation.to_string()/>
            <button class="icon-button icon-button--small" type="submit" aria-label=label title=label disabled=to.is_none()>
                <Icon glyph/>
            </button>
        </form>
    }
}

/// Puts the focus on the versions of a message that has just come into view.
pub(super) fn focus_versions(id: MessageId) {
    request_animation_frame(move || {
        let group = document().get_element_by_id(&versions_id(id));
        if let Some(group) = group.and_then(|group| group.dyn_into::<web_sys::HtmlElement>().ok()) {
            // Refused by no browser.
            let _ = group.focus();
        }
    });
}

fn versions_id(id: MessageId) -> String {
    format!("versions-{id}")
}

/// What can be done with a question: read it in another version, or make one.
#[component]
pub(super) fn QuestionTools(message: Message, thread: Thread) -> impl IntoView {
    let Message { id, content, siblings, scope, .. } = message;
    let asked_of = scope.filter(|scope| scope.kind == ScopeKind::Chosen).map(|scope| {
        view! { <span class="message-tools__fact">{format!("Asked of {}", crate::workspaces::count(scope.documents, "document"))}</span> }
    });
    view! {
        <div class="message-tools message-tools--question">
            {asked_of}
            <Versions id siblings thread/>
            <Edit id text=content versions=siblings.count thread/>
        </div>
    }
}

/// A `<details>`, so that it works without JavaScript.
#[component]
fn Edit(id: MessageId, text: String, versions: u32, thread: Thread) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let area_id = format!("edit-{id}");
    let area = {
        let area_id = area_id.clone();
        move || document().get_element_by_id(&area_id)?.dyn_into::<web_sys::HtmlTextAreaElement>().ok()
    };
    let submitted = {
        let area = area.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(area) = area() {
                thread.edit(id, area.value());
            }
        }
    };
    let close = move || {
        let Some(details) = details.get_untracked() else { return };
        details.set_open(false);
        if let Some(summary) =
            details.first_element_child().and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok())
        {
            // Refused by no browser.
            let _ = summary.focus();
        }
    };
    let pressed = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close();
        }
    };
    let toggled = move |_| {
        if details.get_untracked().is_some_and(|details| details.open())
            && let Some(area) = area()
        {
            // Refused by no browser.
            let _ = area.focus();
        }
    };
    view! {
        <details class="edit" node_ref=details on:toggle=toggled on:keydown=pressed>
            <summary class="button button--quiet button--small">
                <Icon glyph=Glyph::Pencil/>
                <span class="button__label">"Edit"</span>
            </summary>
            <form class="edit__form" method="post" action=Ask::url() on:submit=submitted>
                <input type="hidden" name="conversation" value=thread.conversation.to_string()/>
                <input type="hidden" name="instead_of" value=id.to_string()/>
                // The same page sent twice asks once.
                <input type="hidden" name="key" value=format!("edit-{id}-{versions}")/>
                <TextArea name="text" label="Another version of the question" id=area_id value=text maxlength=8000/>
                <p class="edit__hint">"The first version and what followed it stay, as another branch."</p>
                <Button variant=Variant::Secondary small=true pending=thread.editing()>"Ask this instead"</Button>
            </form>
        </details>
    }
}

/// Has an answer written again.
#[component]
pub(super) fn Again(
    id: MessageId,
    versions: u32,
    label: &'static str,
    class: &'static str,
    thread: Thread,
) -> impl IntoView {
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        thread.regenerate(id);
    };
    view! {
        <form method="post" action=RegenerateAnswer::url() on:submit=submitted>
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="key" value=format!("again-{id}-{versions}")/>
            <button class=class type="submit">
                <Icon glyph=Glyph::RotateCcw/>
                <span class="button__label">{label}</span>
            </button>
        </form>
    }
}
