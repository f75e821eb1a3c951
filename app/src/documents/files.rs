//! Files that are chosen, or dropped.

use crate::ui::{Glyph, Icon};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use web_sys::{DragEvent, Event, File, FileList, HtmlInputElement};

/// What the file picker offers; the server decides by the bytes.
const ACCEPTED: &str =
    ".pdf,.docx,.pptx,.xlsx,.epub,.csv,.tsv,.md,.markdown,.txt,.html,.htm,.png,.jpg,.jpeg,.webp,.gif";

pub(crate) fn files_of(list: &FileList) -> Vec<File> {
    (0..list.length()).filter_map(|index| list.item(index)).collect()
}

/// Stands in the label that names it, whose whole place it takes. With JavaScript the files are heard of as soon as they are
/// chosen.
#[component]
pub(crate) fn FileInput<F>(
    /// Under which a form without JavaScript sends them; without one it sends none.
    #[prop(optional)]
    name: Option<&'static str>,
    #[prop(optional)] required: bool,
    chosen: F,
) -> impl IntoView
where
    F: Fn(Vec<File>) + Copy + 'static,
{
    let input = NodeRef::<html::Input>::new();
    let take = move |input: &HtmlInputElement| {
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            chosen(files_of(&files));
            // So that the same file can be chosen again.
            input.set_value("");
        }
    };
    // Chosen before the page came alive.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            take(&input);
        }
    });
    let changed = move |event: Event| {
        if let Some(input) = event.target().and_then(|target| target.dyn_into().ok()) {
            take(&input);
        }
    };
    view! {
        <input
            class="upload__input" type="file" name=name multiple=true required=required accept=ACCEPTED node_ref=input
            on:change=changed
        />
    }
}

/// Takes files that are dropped anywhere on the page.
#[component]
pub(crate) fn DropZone<F>(
    /// What dropping does.
    words: &'static str,
    dropped: F,
) -> impl IntoView
where
    F: Fn(Vec<File>) + Copy + 'static,
{
    // Entering a child is told before leaving its parent: count both.
    let depth = RwSignal::new(0_i32);
    let entered = window_event_listener(ev::dragenter, move |event: DragEvent| {
        if carries_files(&event) {
            depth.update(|depth| *depth += 1);
        }
    });
    let left = window_event_listener(ev::dragleave, move |event: DragEvent| {
        if carries_files(&event) {
            depth.update(|depth| *depth = (*depth - 1).max(0));
        }
    });
    // Without this the browser opens what is dropped.
    let over = window_event_listener(ev::dragover, move |event: DragEvent| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    let let_go = window_event_listener(ev::drop, move |event: DragEvent| {
        depth.set(0);
        if let Some(files) = event.data_transfer().and_then(|data| data.files()).filter(|files| files.length() > 0) {
            event.prevent_default();
            dropped(files_of(&files));
        }
    });
    on_cleanup(move || {
        for listener in [entered, left, over, let_go] {
            listener.remove();
        }
    });
    view! {
        <div class="drop-zone" data-over=move || (depth.get() > 0).then_some("") aria-hidden="true">
            <p><Icon glyph=Glyph::Upload size=20/>{words}</p>
        </div>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().iter().any(|kind| kind == "Files"))
}
