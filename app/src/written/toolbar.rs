use super::{
    editor::Editor,
    format::{self, Mark},
};
use crate::ui::{Glyph, Icon};
use leptos::{ev::KeyboardEvent, prelude::*, wasm_bindgen::JsCast};
use web_sys::HtmlDocument;

/// Marks of Markdown, for whoever does not type them.
#[component]
pub(super) fn Toolbar(editor: Editor) -> impl IntoView {
    let buttons = [
        (Mark::Bold, Glyph::Bold, "Bold", "Ctrl+B"),
        (Mark::Italic, Glyph::Italic, "Italic", "Ctrl+I"),
        (Mark::Heading, Glyph::Heading, "Heading", ""),
        (Mark::List, Glyph::List, "List", ""),
        (Mark::Link, Glyph::Link, "Link", "Ctrl+K"),
        (Mark::Quote, Glyph::Quote, "Quote", ""),
        (Mark::Code, Glyph::Code, "Code", ""),
    ];
    let button = move |(mark, glyph, name, keys): (Mark, Glyph, &'static str, &'static str)| {
        let title = if keys.is_empty() { name.to_owned() } else { format!("{name} ({keys})") };
        view! {
            <button type="button" class="icon-button" aria-label=name title=title on:click=move |_| apply(editor, mark)>
                <Icon glyph/>
            </button>
        }
    };
    view! {
        <div class="editor__tools needs-script" role="toolbar" aria-label="Formatting" aria-controls="written-text">
            {buttons.map(button).collect_view()}
        </div>
    }
}

/// The keys of the editor. What is not one of them is left to the browser.
pub(super) fn pressed(editor: Editor, event: &KeyboardEvent) {
    if !(event.ctrl_key() || event.meta_key()) || event.alt_key() || event.shift_key() {
        return;
    }
    match event.key().as_str() {
        "b" => apply(editor, Mark::Bold),
        "i" => apply(editor, Mark::Italic),
        "k" => apply(editor, Mark::Link),
        "s" => editor.save(),
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

fn apply(editor: Editor, mark: Mark) {
    let Some(area) = editor.area.get_untracked() else { return };
    let place = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or_default();
    let (start, end) = (place(area.selection_start()), place(area.selection_end()));
    let edit = format::edit(mark, &area.value(), start, end);
    // Refused by no browser.
    let _ = area.focus();
    let _ = area.set_selection_range(edit.from, edit.to);
    // The only way of which undo knows.
    let document = document().dyn_into::<HtmlDocument>();
    let inserted = document.is_ok_and(|document| {
        document.exec_command_with_show_ui_and_value("insertText", false, &edit.insert) == Ok(true)
    });
    if !inserted {
        let _ = area.set_range_text_with_start_and_end(&edit.insert, edit.from, edit.to);
    }
    let _ = area.set_selection_range(edit.select.0, edit.select.1);
    editor.typed();
}
