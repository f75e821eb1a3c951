use crate::ui::{Badge, Progress, Tone};
use domain::documents::{Document, DocumentState};
use leptos::prelude::*;

/// How far a document is, in words, with a bar while its end can be told.
#[component]
pub fn DocumentStateView(#[prop(into)] document: Signal<Document>) -> impl IntoView {
    let tone = Signal::derive(move || document.with(|document| tone(document.state)));
    let indexing = move || document.with(|document| fraction(document).is_some());
    let value = Signal::derive(move || document.with(fraction));
    view! {
        <span class="state">
            <Badge tone>{move || document.with(words)}</Badge>
            <Show when=indexing>
                <Progress label="Indexing" value/>
            </Show>
        </span>
    }
}

const fn tone(state: DocumentState) -> Tone {
    match state {
        DocumentState::Queued => Tone::Neutral,
        DocumentState::Extracting | DocumentState::Embedding => Tone::Active,
        DocumentState::Ready => Tone::Ok,
        DocumentState::Failed => Tone::Bad,
    }
}

fn words(document: &Document) -> String {
    match document.state {
        DocumentState::Queued => "Waiting".to_owned(),
        DocumentState::Extracting if document.source_url.is_some() && document.fetched_at.is_none() => {
            "Fetching".to_owned()
        }
        DocumentState::Extracting => match document.page_count {
            Some(pages) if pages > 1 => format!("Reading page {pages}"),
            _ => "Reading".to_owned(),
        },
        DocumentState::Embedding if document.chunks_total > 0 => {
            format!("Indexing {} of {}", document.chunks_done, document.chunks_total)
        }
        DocumentState::Embedding => "Indexing".to_owned(),
        DocumentState::Ready if document.page_count == Some(0) => "Ready, no text".to_owned(),
        DocumentState::Ready => "Ready".to_owned(),
        DocumentState::Failed => "Failed".to_owned(),
    }
}

/// Of the passages, how many are indexed; 0 to 1.
fn fraction(document: &Document) -> Option<f64> {
    let is_counting = document.state == DocumentState::Embedding && document.chunks_total > 0;
    is_counting.then(|| f64::from(document.chunks_done) / f64::from(document.chunks_total))
}
