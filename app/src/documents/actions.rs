use super::api::RetryDocument;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, Glyph, Toast, Variant, error_on_arrival, use_toasts};
use domain::{DocumentId, documents::Document};
use leptos::prelude::*;

/// What can be done to a document: one of each for a page, however many documents it lists.
#[derive(Clone, Copy)]
pub(super) struct DocumentActions {
    retry: FormAction<RetryDocument>,
}

impl DocumentActions {
    /// Tells what has been done, and shows what could not be.
    pub fn new(changed: impl Fn(Document) + 'static) -> Self {
        let retry = FormAction::<RetryDocument>::new();
        let toasts = use_toasts();
        Effect::new(move |_| match retry.value().get() {
            Some(Ok(document)) => changed(document),
            Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
            None => {}
        });
        Self { retry }
    }

    /// What a form without JavaScript came back with.
    pub fn error(self) -> Signal<Option<String>> {
        error_on_arrival(self.retry)
    }
}

/// Why a document failed, and the way to try again, where that may help.
#[component]
pub(super) fn FailureLine(id: DocumentId, reason: String, may_retry: bool, actions: DocumentActions) -> impl IntoView {
    let retry = actions.retry;
    let pending = retry.sends("id", id);
    view! {
        <div class="failure-line">
            <p>{reason}</p>
            {may_retry.then(|| view! {
                <ServerForm action=retry>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button small=true variant=Variant::Secondary icon=Glyph::RotateCcw pending>"Try again"</Button>
                </ServerForm>
            })}
        </div>
    }
}
