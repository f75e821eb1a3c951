use super::{Align, Block, Inline, Table, highlight::Mark};
use crate::ui::copy_text;
use leptos::{html, prelude::*, task::spawn_local};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

/// How long it is said that code is copied.
const SAID: Duration = Duration::from_secs(2);

/// Shows a numeral: its number, and which of the answer's numerals it is.
pub type CitationView = Arc<dyn Fn(u32, u32) -> AnyView + Send + Sync>;

/// Markdown as elements. While the text grows only the blocks that change are built anew.
#[component]
pub fn MarkdownView(
    #[prop(into)] blocks: Signal<Vec<Block>>,
    /// For answers.
    #[prop(optional)]
    citation: Option<CitationView>,
) -> impl IntoView {
    let each = move || blocks.get().into_iter().enumerate();
    let key = |(place, block): &(usize, Block)| {
        let mut hasher = DefaultHasher::new();
        block.hash(&mut hasher);
        (*place, hasher.finish())
    };
    view! { <For each=each key=key children=move |(_, one)| block(one, citation.as_ref())/> }
}

fn block(block: Block, citation: Option<&CitationView>) -> AnyView {
    match block {
        Block::Paragraph(content) => view! { <p>{inlines(content, citation)}</p> }.into_any(),
        Block::Plain(content) => inlines(content, citation),
        // The page has the first level.
        Block::Heading(1 | 2, content) => view! { <h2>{inlines(content, citation)}</h2> }.into_any(),
        Block::Heading(3, content) => view! { <h3>{inlines(content, citation)}</h3> }.into_any(),
        Block::Heading(_, content) => view! { <h4>{inlines(content, citation)}</h4> }.into_any(),
        Block::Quote(content) => view! { <blockquote>{nested(content, citation)}</blockquote> }.into_any(),
        Block::List(start, items) => {
            let items = items.into_iter().map(|item| view! { <li>{nested(item, citation)}</li> }).collect_view();
            match start {
                Some(start) => view! { <ol start=start.to_string()>{items}</ol> }.into_any(),
                None => view! { <ul>{items}</ul> }.into_any(),
            }
        }
        // Both can be wider than the page: they scroll on their own, by keyboard too.
        Block::Code { language, text, marks } => view! { <Code language text marks/> }.into_any(),
        Block::Table(content) => view! {
            <div class="markdown-table" tabindex="0" role="region" aria-label="Table">
                {table(content, citation)}
            </div>
        }
        .into_any(),
        Block::Rule => view! { <hr/> }.into_any(),
        Block::Cut => {
            view! { <p class="markdown-cut">"The rest of this text is too long to be shown here."</p> }.into_any()
        }
    }
}

/// Code, and the button that copies it.
#[component]
fn Code(language: Option<String>, text: String, marks: Vec<Mark>) -> impl IntoView {
    let code = NodeRef::<html::Code>::new();
    let outcome = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let text = code.get_untracked().and_then(|code| code.text_content()).unwrap_or_default();
        spawn_local(async move {
            let is_copied = copy_text(&text).await;
            let _ = outcome.try_set(Some(is_copied));
            let forget = move || {
                // The page may have been left meanwhile.
                let _ = outcome.try_set(None);
            };
            set_timeout(forget, SAID);
        });
    };
    let label = move || match outcome.get() {
        None => "Copy",
        Some(true) => "Copied",
        Some(false) => "Not copied",
    };
    view! {
        <div class="code-block">
            <pre class="code" tabindex="0" data-language=language>
                <code node_ref=code>{coloured(&text, &marks)}</code>
            </pre>
            <button type="button" class="button button--small code-block__copy needs-script" on:click=copy>
                <span class="button__label" aria-live="polite">{label}</span>
            </button>
        </div>
    }
}

/// Text, with a span around each mark.
fn coloured(text: &str, marks: &[Mark]) -> Vec<AnyView> {
    let mut pieces = Vec::with_capacity(2 * marks.len() + 1);
    let mut end = 0;
    for mark in marks {
        pieces.extend(plain(text, end, mark.start));
        let piece = text.get(mark.start..mark.end).unwrap_or_default().to_owned();
        pieces.push(view! { <span class=mark.token.class()>{piece}</span> }.into_any());
        end = mark.end;
    }
    pieces.extend(plain(text, end, text.len()));
    pieces
}

fn plain(text: &str, start: usize, end: usize) -> Option<AnyView> {
    text.get(start..end).filter(|piece| !piece.is_empty()).map(|piece| piece.to_owned().into_any())
}

fn nested(blocks: Vec<Block>, citation: Option<&CitationView>) -> AnyView {
    blocks.into_iter().map(|one| block(one, citation)).collect_view().into_any()
}

fn table(table: Table, citation: Option<&CitationView>) -> AnyView {
    let Table { columns, head, rows } = table;
    let align = |column: usize| match columns.get(column) {
        Some(Align::Center) => Some("center"),
        Some(Align::End) => Some("end"),
        _ => None,
    };
    let head = head
        .into_iter()
        .enumerate()
        .map(|(column, cell)| view! { <th scope="col" data-align=align(column)>{inlines(cell, citation)}</th> })
        .collect_view();
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = row
                .into_iter()
                .enumerate()
                .map(|(column, cell)| view! { <td data-align=align(column)>{inlines(cell, citation)}</td> })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <table>
            <thead>
                <tr>{head}</tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn inlines(content: Vec<Inline>, citation: Option<&CitationView>) -> AnyView {
    content.into_iter().map(|one| inline(one, citation)).collect_view().into_any()
}

fn inline(inline: Inline, citation: Option<&CitationView>) -> AnyView {
    match inline {
        Inline::Text(text) => text.into_any(),
        Inline::Code(text) => view! { <code>{text}</code> }.into_any(),
        Inline::Emphasis(content) => view! { <em>{inlines(content, citation)}</em> }.into_any(),
        Inline::Strong(content) => view! { <strong>{inlines(content, citation)}</strong> }.into_any(),
        Inline::Strikethrough(content) => view! { <del>{inlines(content, citation)}</del> }.into_any(),
        Inline::Break => view! { <br/> }.into_any(),
        Inline::Link { href, content } => view! {
            <a href=href class="external" target="_blank" rel="noopener noreferrer nofollow">
                {inlines(content, citation)}
            </a>
        }
        .into_any(),
        Inline::Citation { number, occurrence } => match citation {
            Some(show) => show(number, occurrence),
            None => format!(" [{number}]").into_any(),
        },
    }
}
