use super::api::{DeleteDocument, RetryDocument};
use crate::ui::{Button, Confirm, ConfirmActions, Glyph, Icon, Toast, Variant, form_error, use_toasts};
use domain::{DocumentId, ProjectId, documents::Document};
use leptos::prelude::*;

/// What can be done to a document: one of each for a page, however many documents it lists.
#[derive(Clone, Copy)]
pub(super) struct DocumentActions {
    retry: ServerAction<RetryDocument>,
    delete: ServerAction<DeleteDocument>,
}

impl DocumentActions {
    /// Tells what has been done, and shows what could not be.
    pub fn new(changed: impl Fn(Document) + 'static, deleted: impl Fn(DocumentId) + 'static) -> Self {
        let (retry, delete) = (ServerAction::<RetryDocument>::new(), ServerAction::<DeleteDocument>::new());
        let toasts = use_toasts();
        Effect::new(move |_| match retry.value().get() {
            Some(Ok(document)) => changed(document),
            Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
            None => {}
        });
        Effect::new(move |_| match delete.value().get() {
            Some(Ok(id)) => deleted(id),
            Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
            None => {}
        });
        Self { retry, delete }
    }

    /// What a form without JavaScript came back with.
    pub fn error(self) -> Signal<Option<String>> {
        let retry = form_error(move || self.retry.value().get(), &[]);
        let delete = form_error(move || self.delete.value().get(), &[]);
        Signal::derive(move || retry.get().or_else(|| delete.get()))
    }
}

/// Why a document failed, and the way to try again.
#[component]
pub(super) fn FailureLine(id: DocumentId, reason: String, may_write: bool, actions: DocumentActions) -> impl IntoView {
    let retry = actions.retry;
    let pending =
        Signal::derive(move || retry.input().with(|input| input.as_ref().is_some_and(|input| input.id == id)));
    view! {
        <div class="failure-line">
            <p>{reason}</p>
            {may_write.then(|| view! {
                <ActionForm action=retry>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button small=true variant=Variant::Secondary icon=Glyph::RotateCcw pending>"Try again"</Button>
                </ActionForm>
            })}
        </div>
    }
}

/// Opens [`DeleteDialog`]. Popovers are the browser's own: this works without JavaScript.
#[component]
pub(super) fn DeleteButton(id: DocumentId, class: &'static str) -> impl IntoView {
    view! {
        <button type="button" class=class popovertarget=dialog_id(id)>
            <Icon glyph=Glyph::Trash2/>
            <span class="button__label">"Delete"</span>
        </button>
    }
}

/// Asks before a document is deleted, which cannot be undone.
#[component]
pub(super) fn DeleteDialog(
    id: DocumentId,
    name: String,
    actions: DocumentActions,
    /// On the document's own page: the project to go to.
    #[prop(optional)]
    leave_for: Option<ProjectId>,
) -> impl IntoView {
    let delete = actions.delete;
    let pending =
        Signal::derive(move || delete.input().with(|input| input.as_ref().is_some_and(|input| input.id == id)));
    let text = "The file and its text go for good. Answers keep their words, but lose what they cite from it.";
    view! {
        <Confirm id=dialog_id(id) verb="Delete" name text>
            <ActionForm action=delete>
                <input type="hidden" name="id" value=id.to_string()/>
                {leave_for.map(|project| view! { <input type="hidden" name="leave_for" value=project.to_string()/> })}
                <ConfirmActions popover=dialog_id(id) verb="Delete" keep="Keep it" pending/>
            </ActionForm>
        </Confirm>
    }
}

fn dialog_id(id: DocumentId) -> String {
    format!("delete-{id}")
}
