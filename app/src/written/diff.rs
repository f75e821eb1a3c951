use crate::workspaces::count;
use domain::written::{DiffLine, DiffPart, Difference};
use leptos::prelude::*;

/// What differs between two texts: a sign, an element and a colour for each line that does, and the words that do
/// underlined.
#[component]
pub(super) fn DifferenceView(difference: Difference, #[prop(into)] label: String) -> impl IntoView {
    let Difference { lines, added, removed, is_cut } = difference;
    if lines.is_empty() {
        return view! { <p class="diff__none">"The two texts are the same."</p> }.into_any();
    }
    let summary = format!("{} added, {} removed", count(added, "line"), count(removed, "line"));
    view! {
        <p class="diff__summary">{summary}</p>
        // It can be wider or longer than its place: it scrolls on its own, by keyboard too.
        <div class="diff" role="region" aria-label=label tabindex="0">
            {lines.into_iter().map(line).collect_view()}
        </div>
        {is_cut.then(|| view! { <p class="diff__none">"There is more than is shown here."</p> })}
    }
    .into_any()
}

fn line(line: DiffLine) -> AnyView {
    match line {
        DiffLine::Same { text } => view! { <p class="diff__line">{text}</p> }.into_any(),
        DiffLine::Removed { parts } => view! {
            <p class="diff__line" data-kind="removed">
                <del><span class="visually-hidden">"Removed: "</span>{words(parts)}</del>
            </p>
        }
        .into_any(),
        DiffLine::Added { parts } => view! {
            <p class="diff__line" data-kind="added">
                <ins><span class="visually-hidden">"Added: "</span>{words(parts)}</ins>
            </p>
        }
        .into_any(),
        DiffLine::Skipped { lines } => {
            let text = format!("{} that did not change", count(lines, "line"));
            view! { <p class="diff__skipped">{text}</p> }.into_any()
        }
    }
}

fn words(parts: Vec<DiffPart>) -> impl IntoView {
    // A line that differs as a whole needs no marks in it.
    let is_mixed = parts.iter().any(|part| !part.is_changed);
    parts
        .into_iter()
        .map(|part| {
            if part.is_changed && is_mixed {
                view! { <span class="diff__word">{part.text}</span> }.into_any()
            } else {
                part.text.into_any()
            }
        })
        .collect_view()
}
