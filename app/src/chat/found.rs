//! Search in a project's conversations.

use super::thread::anchor;
use crate::{
    search::{Part, excerpt},
    ui::{Badge, Glyph, Icon, Pager, Time, Tone},
};
use domain::{
    Page, ProjectId,
    chat::{Author, Found, MAX_FIND},
};
use leptos::prelude::*;
use leptos_router::components::Form;

/// A form that is sent by GET: with JavaScript the page changes in place.
#[component]
pub(super) fn FindForm(project: ProjectId, #[prop(optional, into)] query: String) -> impl IntoView {
    view! {
        <Form method="GET" action=format!("/projects/{project}/chat") attr:class="find" attr:role="search">
            <label class="visually-hidden" for="find-query">"Search conversations"</label>
            <input
                class="input find__input" id="find-query" type="search" name="q" value=query required=true maxlength=MAX_FIND.to_string()
                autocomplete="off" placeholder="Search conversations"
            />
            <button type="submit" class="icon-button" aria-label="Search conversations" title="Search conversations"><Icon glyph=Glyph::Search/></button>
        </Form>
    }
}

/// What was found, the newest first; each opens at its message.
#[component]
pub(super) fn FoundList(project: ProjectId, query: String, found: Page<Found>) -> impl IntoView {
    let Page { items, next } = found;
    let path = format!("/projects/{project}/chat?q={}", crate::redirect::encode(&query));
    let title = if items.is_empty() { "Nothing found" } else { "Found" };
    let hint = items.is_empty().then(|| {
        view! { <p class="conversations__empty">"No message or title has all of these words. Try fewer, or others."</p> }
    });
    view! {
        <section class="conversations" aria-labelledby="found-title">
            <header class="conversations__head">
                <h2 id="found-title">{title}</h2>
                <a class="conversations__filter" href=format!("/projects/{project}/chat")>"All conversations"</a>
            </header>
            {hint}
            <ul class="conversations__list">{items.into_iter().map(hit).collect_view()}</ul>
            <Pager next=Signal::stored(next) path/>
        </section>
    }
}

fn hit(found: Found) -> impl IntoView {
    let Found { conversation_id, title, is_archived, message, at } = found;
    let href = match &message {
        Some(message) => format!("/chat/{conversation_id}?message={}#{}", message.id, anchor(message.id)),
        None => format!("/chat/{conversation_id}"),
    };
    let snippet = message.map(|message| {
        let who = if message.author == Author::User { "Question" } else { "Answer" };
        let parts = excerpt(&message.snippet, &message.matches)
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => text.into_any(),
                Part::Mark(text) => view! { <mark>{text}</mark> }.into_any(),
            })
            .collect_view();
        view! {
            <span class="conversation__snippet"><span class="visually-hidden">{format!("{who}: ")}</span>{parts}</span>
        }
    });
    view! {
        <li>
            <a class="conversation" href=href>
                <span class="conversation__title">{title}</span>
                {snippet}
                <span class="conversation__time">
                    <Time at/>
                    {is_archived.then(|| view! { <Badge tone=Tone::Neutral>"Archived"</Badge> })}
                </span>
            </a>
        </li>
    }
}
