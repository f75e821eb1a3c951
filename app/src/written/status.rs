use super::api::SetStatus;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Badge, Glyph, Icon, Menu, Toast, Tone, use_toasts};
use domain::{DocumentId, workspaces::Role, written::WritingStatus};
use leptos::{html, prelude::*};

const fn word(status: WritingStatus) -> &'static str {
    match status {
        WritingStatus::Draft => "Draft",
        WritingStatus::Review => "In review",
        WritingStatus::Approved => "Approved",
        WritingStatus::Published => "Published",
    }
}

const fn tone(status: WritingStatus) -> Tone {
    match status {
        WritingStatus::Draft => Tone::Neutral,
        WritingStatus::Review => Tone::Active,
        WritingStatus::Approved | WritingStatus::Published => Tone::Ok,
    }
}

/// What a step from one status to the other is called.
const fn step(from: WritingStatus, to: WritingStatus) -> &'static str {
    match to {
        WritingStatus::Draft => "Back to draft",
        WritingStatus::Review if from as u8 > to as u8 => "Back to review",
        WritingStatus::Review => "Ask for a review",
        WritingStatus::Approved if from as u8 > to as u8 => "No longer published",
        WritingStatus::Approved => "Approve",
        WritingStatus::Published => "Publish",
    }
}

/// How far a written document is.
#[component]
pub(crate) fn StatusBadge(#[prop(into)] status: Signal<WritingStatus>) -> impl IntoView {
    let tone = Signal::derive(move || tone(status.get()));
    view! { <Badge tone>{move || word(status.get())}</Badge> }
}

/// How far it is, and the steps that the reader may take from there.
#[component]
pub(super) fn StatusMenu(
    id: DocumentId,
    role: Role,
    action: FormAction<SetStatus>,
    status: RwSignal<WritingStatus>,
    /// Of the text that is looked at.
    #[prop(into)]
    revision: Signal<u64>,
    /// What is not saved yet is not approved unseen.
    #[prop(into)]
    settled: Signal<bool>,
) -> impl IntoView {
    let toasts = use_toasts();
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |_| match action.value().get() {
        Some(Ok(document)) => {
            if let Some(next) = document.writing {
                status.set(next);
                // A choice closes the menu.
                if let Some(menu) =
                    place.get_untracked().and_then(|place| place.query_selector("details").ok().flatten())
                {
                    // Refused for no valid name.
                    let _ = menu.remove_attribute("open");
                }
                toasts.push(Toast::ok(format!("The document is now: {}.", word(next).to_lowercase())));
            }
        }
        // What the page came with stands in it already.
        Some(Err(error)) if action.version().get_untracked() > 0 => toasts.push(Toast::bad(error.to_string())),
        _ => {}
    });
    let steps = move || {
        let from = status.get();
        WritingStatus::ALL.into_iter().filter(|to| from.may_become(*to) && role >= to.needs()).collect::<Vec<_>>()
    };
    let summary = move || {
        view! {
            <span class="status-menu__button"><StatusBadge status/><Icon glyph=Glyph::ChevronDown/></span>
        }
    };
    let step_form = move |to: WritingStatus| {
        view! {
            <ServerForm action>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="status" value=to.as_str()/>
                <input type="hidden" name="revision" value=move || revision.get().to_string()/>
                <button class="menu__item" type="submit" disabled=move || !settled.get()>{step(status.get_untracked(), to)}</button>
            </ServerForm>
        }
    };
    view! {
        <div class="status-menu" node_ref=place>
            <Menu label="Status: " summary right=true>
                {move || steps().into_iter().map(step_form).collect_view()}
                <p class="menu__note">{move || hint(status.get(), role)}</p>
            </Menu>
        </div>
    }
}

/// What the next step needs.
const fn hint(status: WritingStatus, role: Role) -> &'static str {
    match (status, role) {
        (WritingStatus::Review, Role::Member | Role::Viewer) => "An admin approves it.",
        (WritingStatus::Approved, Role::Member | Role::Viewer) => "An admin publishes it.",
        (WritingStatus::Approved | WritingStatus::Published, _) => "A change of the text makes it a draft.",
        _ => "Then an admin approves and publishes it.",
    }
}
