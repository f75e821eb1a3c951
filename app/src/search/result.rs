use super::excerpt::{Part, excerpt};
use crate::ui::{Glyph, Icon};
use domain::documents::Passage;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The score of a passage that is the best by meaning and by words.
const BEST: f32 = 2.0;
/// The words that a result names.
const NAMED: usize = 8;

/// A passage with where it stands, what of it matches, and its scores. `best_bm25` is the search's highest.
#[component]
pub(super) fn ResultCard(passage: Passage, best_bm25: f32) -> impl IntoView {
    let span = passage.span;
    let href =
        format!("/documents/{}?page={}&start={}&end={}#cited", passage.document_id, span.page, span.start, span.end);
    let text = excerpt(&passage.text, &passage.matches)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => compact(&text).into_any(),
            Part::Mark(text) => view! { <mark>{text}</mark> }.into_any(),
        })
        .collect_view();
    let reason = reason(&passage);
    let words = words(&passage);
    view! {
        <li class="result">
            <article>
                <h3 class="result__name">
                    <Icon glyph=Glyph::FileText/>
                    <a class="result__link" href=href>
                        {passage.document_name.clone()}<span class="result__page">{format!(" page {}", span.page)}</span>
                    </a>
                </h3>
                <p class="result__text">{text}</p>
                <div class="result__foot">
                    <p class="result__why">
                        <span>{reason}</span>
                        {(!words.is_empty()).then(|| view! { <span class="result__words">{words}</span> })}
                    </p>
                    <Scores passage best_bm25/>
                </div>
            </article>
        </li>
    }
}

#[component]
fn Scores(passage: Passage, best_bm25: f32) -> impl IntoView {
    let score = (passage.score / BEST).clamp(0.0, 1.0);
    let score = view! { <Score name="Score" part=score shown=format!("{:.2}", passage.score) absent="" is_main=true/> };
    let similarity = match passage.similarity {
        Some(similarity) => {
            view! { <Score name="Similarity" part=similarity.clamp(0.0, 1.0) shown=format!("{similarity:.2}") absent=""/> }
        }
        None => {
            view! { <Score name="Similarity" part=0.0 shown="\u{2013}".to_owned() absent="not among the most similar"/> }
        }
    };
    let bm25 = match passage.bm25 {
        Some(bm25) => {
            view! { <Score name="BM25" part=bm25 / best_bm25.max(f32::EPSILON) shown=format!("{bm25:.1}") absent=""/> }
        }
        None => view! { <Score name="BM25" part=0.0 shown="\u{2013}".to_owned() absent="none of the words"/> },
    };
    let relevance = passage.relevance.map(|relevance| {
        view! { <Score name="Reranked" part=relevance.clamp(0.0, 1.0) shown=format!("{relevance:.2}") absent=""/> }
    });
    view! { <dl class="scores">{score}{similarity}{bm25}{relevance}</dl> }
}

/// A thin bar with its number.
#[component]
fn Score(
    name: &'static str,
    part: f32,
    shown: String,
    /// Why there is none, for screen readers.
    absent: &'static str,
    #[prop(optional)] is_main: bool,
) -> impl IntoView {
    view! {
        <div class="score" data-main=is_main.then_some("")>
            <dt>{name}</dt>
            <dd>
                <meter class="meter" min="0" max="1" value=format!("{part:.3}") aria-label=name></meter>
                <span class="score__number">
                    {shown}
                    {(!absent.is_empty()).then(|| view! { <span class="visually-hidden">{format!(" ({absent})")}</span> })}
                </span>
            </dd>
        </div>
    }
}

fn reason(passage: &Passage) -> &'static str {
    let (meaning, words) = (passage.by_meaning, passage.by_words);
    match (passage.similarity, passage.bm25) {
        (_, None) => "Found by meaning: it has none of the query\u{2019}s words.",
        (None, _) => "Found by words.",
        _ if meaning > 2.0 * words => "Found mostly by meaning; of the query\u{2019}s words it has",
        _ if words > 2.0 * meaning => "Found mostly by words:",
        _ => "Found by meaning and by words:",
    }
}

/// Without the empty lines between paragraphs.
fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' || !compact.ends_with('\n') {
            compact.push(c);
        }
    }
    compact
}

/// The different words of the passage that match, as they stand there first.
fn words(passage: &Passage) -> String {
    let mut known = BTreeSet::new();
    let chars: Vec<char> = passage.text.chars().collect();
    let words = passage.matches.iter().filter_map(|mark| {
        let word: String = chars.get(mark.start as usize..mark.end as usize)?.iter().collect();
        known.insert(word.to_lowercase()).then_some(word)
    });
    words.take(NAMED).collect::<Vec<_>>().join(", ")
}
