use crate::markdown::CitationView;
use domain::{MessageId, chat::Citation};
use leptos::prelude::*;
use std::sync::Arc;

/// Where the cited passage is shown, marked.
fn href(citation: &Citation) -> String {
    let span = citation.span;
    format!("/documents/{}?page={}&start={}&end={}#cited", citation.document_id, span.page, span.start, span.end)
}

/// Shows the numerals of an answer: each one that has a citation opens its passage, and shows it when it is pointed at.
/// A numeral without one stays the text that it is.
pub(super) fn numerals(message: MessageId, citations: Signal<Vec<Citation>>) -> CitationView {
    Arc::new(move |number, occurrence| {
        // While the answer is written a citation may come after its numeral.
        let citation = Memo::new(move |_| citations.with(|all| all.iter().find(|one| one.number == number).cloned()));
        let numeral = move || match citation.get() {
            Some(citation) => numeral(message, &citation, occurrence),
            // The space that the numeral takes from its word.
            None => format!(" [{number}]").into_any(),
        };
        numeral.into_any()
    })
}

fn numeral(message: MessageId, citation: &Citation, occurrence: u32) -> AnyView {
    let id = format!("cite-{message}-{occurrence}");
    let place = format!("{}, page {}", citation.document_name, citation.span.page);
    view! {
        <span class="cite">
            <a
                class="cite__numeral" href=href(citation) aria-label=format!("Source {}: {place}", citation.number)
                aria-describedby=id.clone()
            >
                {citation.number}
            </a>
            // Within a paragraph: elements of running text only.
            <span class="cite__card" id=id role="tooltip">
                <span class="cite__quote">{citation.quote.clone()}</span>
                <span class="cite__place">{place}</span>
            </span>
        </span>
    }
    .into_any()
}

/// The passages that an answer rests on.
#[component]
pub(super) fn Sources(citations: Signal<Vec<Citation>>) -> impl IntoView {
    let numbered = move || {
        let mut citations = citations.get();
        citations.sort_by_key(|citation| citation.number);
        citations
    };
    let label =
        move || crate::workspaces::count(citations.with(|all| u32::try_from(all.len()).unwrap_or(u32::MAX)), "source");
    view! {
        <Show when=move || citations.with(|all| !all.is_empty())>
            <section class="sources">
                <h2 class="sources__title">{label}</h2>
                <ol class="sources__list">
                    <For each=numbered key=|citation| citation.number children=source/>
                </ol>
            </section>
        </Show>
    }
}

fn source(citation: Citation) -> impl IntoView {
    let href = href(&citation);
    let Citation { number, document_name, span, quote, .. } = citation;
    view! {
        <li>
            <a class="source" href=href>
                <span class="source__number" aria-hidden="true">{number}</span>
                <span class="source__name">{document_name}</span>
                <span class="source__page">{format!("page {}", span.page)}</span>
                <span class="source__quote">{quote}</span>
            </a>
        </li>
    }
}
