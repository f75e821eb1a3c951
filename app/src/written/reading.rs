use crate::markdown::{MarkdownView, parse_document};
use leptos::prelude::*;

/// A document's text, to be read.
#[component]
pub(crate) fn WrittenArticle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let blocks = Memo::new(move |_| text.with(|text| parse_document(text)));
    let is_blank = move || blocks.with(Vec::is_empty);
    view! {
        <div class="prose written">
            <MarkdownView blocks=blocks/>
            <Show when=is_blank>
                <p class="written__blank">"Nothing is written here yet."</p>
            </Show>
        </div>
    }
}
