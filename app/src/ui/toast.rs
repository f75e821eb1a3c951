//! Short messages that name what happened, announced politely, gone after a while.

use super::{badge::Tone, button::IconButton, icon::Glyph};
use leptos::prelude::*;
use std::time::Duration;

/// How long one is shown: long enough to read two sentences.
const SHOWN: Duration = Duration::from_secs(7);

/// What to say, and perhaps how to take it back.
#[derive(Clone)]
pub struct Toast {
    text: String,
    tone: Tone,
    undo: Option<Callback<()>>,
}

impl Toast {
    pub fn ok(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Ok, undo: None }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Bad, undo: None }
    }

    /// Adds a button that takes it back.
    #[must_use]
    pub fn with_undo(mut self, undo: Callback<()>) -> Self {
        self.undo = Some(undo);
        self
    }
}

/// The toasts on show, in the context of every page.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<(usize, Toast)>>,
    next: StoredValue<usize>,
}

impl Toasts {
    pub(crate) fn provide() -> Self {
        let toasts = Self { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    pub fn push(self, toast: Toast) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.shown.update(|shown| shown.push((id, toast)));
        set_timeout(move || self.dismiss(id), SHOWN);
    }

    fn dismiss(self, id: usize) {
        self.shown.update(|shown| shown.retain(|(other, _)| *other != id));
    }
}

/// The toasts of this page. To be called in a component's body, not in an event handler.
pub fn use_toasts() -> Toasts {
    use_context::<Toasts>().unwrap_or_else(Toasts::provide)
}

/// Where toasts appear; once, in [`crate::Studio`].
#[component]
pub fn ToastRegion(toasts: Toasts) -> impl IntoView {
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|(id, _)| *id let((id, toast))>
                <div class="toast" data-tone=toast.tone.as_str()>
                    <p>{toast.text}</p>
                    {toast.undo.map(|undo| {
                        let take_back = move |_| {
                            undo.run(());
                            toasts.dismiss(id);
                        };
                        view! { <button type="button" class="button button--quiet button--small" on:click=take_back>"Undo"</button> }
                    })}
                    <IconButton glyph=Glyph::X label="Dismiss" on:click=move |_| toasts.dismiss(id)/>
                </div>
            </For>
        </div>
    }
}
