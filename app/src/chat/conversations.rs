use super::api;
use crate::ui::{Glyph, Icon, Pager, Time, Toast, use_toasts};
use domain::{ConversationId, Cursor, Page, ProjectId, chat::Conversation};
use leptos::prelude::*;

/// A project's conversations, the most recently changed first.
#[component]
pub(super) fn Conversations(
    project: ProjectId,
    conversations: Page<Conversation>,
    /// The one in view.
    #[prop(optional)]
    current: Option<ConversationId>,
) -> impl IntoView {
    let Page { items, next } = conversations;
    let items = RwSignal::new(items);
    let next = RwSignal::new(next);
    let toasts = use_toasts();
    let more = Action::new(move |cursor: &Cursor| {
        let cursor = cursor.clone();
        async move {
            match api::list_conversations(project, Some(cursor)).await {
                Ok(page) => {
                    items.update(|items| items.extend(page.items));
                    next.set(page.next);
                }
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        }
    });
    let row = move |conversation: Conversation| {
        let Conversation { id, title, updated_at, .. } = conversation;
        let current = (current == Some(id)).then_some("page");
        view! {
            <li>
                <a class="conversation" href=format!("/chat/{id}") aria-current=current>
                    <span class="conversation__title">{title}</span>
                    <span class="conversation__time"><Time at=updated_at/></span>
                </a>
            </li>
        }
    };
    view! {
        <nav class="conversations" aria-labelledby="conversations-title">
            <header class="conversations__head">
                <h2 id="conversations-title">"Conversations"</h2>
                {current.map(|_| view! {
                    <a class="icon-button" href=format!("/projects/{project}/chat") aria-label="New question" title="New question">
                        <Icon glyph=Glyph::Plus/>
                    </a>
                })}
            </header>
            <Show
                when=move || items.with(|items| !items.is_empty())
                fallback=|| view! { <p class="conversations__empty">"Questions and their answers are kept here."</p> }
            >
                <ul class="conversations__list">
                    <For each=move || items.get() key=|conversation| conversation.id children=row/>
                </ul>
            </Show>
            <Pager
                next path=format!("/projects/{project}/chat") pending=more.pending()
                on_more=Callback::new(move |cursor| { more.dispatch(cursor); })
            />
        </nav>
    }
}
