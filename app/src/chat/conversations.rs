use super::{
    activity::{Activities, ActivityBadge},
    api,
    found::FindForm,
};
use crate::ui::{Glyph, Icon, Pager, Time, Toast, use_toasts};
use domain::{
    ConversationId, Cursor, Page, ProjectId,
    chat::{Activity, Conversation},
};
use leptos::prelude::*;

/// A project's conversations, the most recently changed first, and the field that searches them.
#[component]
pub(super) fn Conversations(
    project: ProjectId,
    conversations: Page<Conversation>,
    /// The one in view.
    #[prop(optional)]
    current: Option<ConversationId>,
    /// What goes on in that one, now.
    #[prop(optional, into)]
    activity: Signal<Option<Activity>>,
    /// These are those that are archived.
    #[prop(optional)]
    archived: bool,
) -> impl IntoView {
    let Page { items, next } = conversations;
    let activities = Activities::of(&items);
    activities.follow(project, archived);
    let items = RwSignal::new(items);
    let next = RwSignal::new(next);
    let toasts = use_toasts();
    let more = Action::new(move |cursor: &Cursor| {
        let cursor = cursor.clone();
        async move {
            match api::list_conversations(project, Some(cursor), archived).await {
                Ok(page) => {
                    activities.add(&page.items);
                    items.update(|items| items.extend(page.items));
                    next.set(page.next);
                }
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        }
    });
    let row = move |conversation: Conversation| {
        let Conversation { id, title, updated_at, .. } = conversation;
        let is_current = current == Some(id);
        let goes_on = Memo::new(move |_| if is_current { activity.get() } else { activities.get(id) });
        view! {
            <li>
                <a class="conversation" href=format!("/chat/{id}") aria-current=is_current.then_some("page")>
                    <span class="conversation__title">{title}</span>
                    <span class="conversation__time">
                        <Time at=updated_at/>
                        {move || goes_on.get().map(|activity| view! { <ActivityBadge activity/> })}
                    </span>
                </a>
            </li>
        }
    };
    let (title, nothing, path, other) = if archived {
        ("Archived", "No conversation is archived.", "/chat?archived=true", ("All conversations", "/chat"))
    } else {
        ("Conversations", "Questions and their answers are kept here.", "/chat", ("Archived", "/chat?archived=true"))
    };
    let (other, other_path) = other;
    view! {
        <FindForm project/>
        <nav class="conversations" aria-labelledby="conversations-title">
            <header class="conversations__head">
                <h2 id="conversations-title">{title}</h2>
                {current.map(|_| view! {
                    <a class="icon-button" href=format!("/projects/{project}/chat") aria-label="New question" title="New question">
                        <Icon glyph=Glyph::Plus/>
                    </a>
                })}
            </header>
            <Show
                when=move || items.with(|items| !items.is_empty())
                fallback=move || view! { <p class="conversations__empty">{nothing}</p> }
            >
                <ul class="conversations__list">
                    <For each=move || items.get() key=|conversation| conversation.id children=row/>
                </ul>
            </Show>
            <Pager
                next path=format!("/projects/{project}{path}") pending=more.pending()
                on_more=Callback::new(move |cursor| { more.dispatch(cursor); })
            />
            <a class="conversations__filter" href=format!("/projects/{project}{other_path}")>{other}</a>
        </nav>
    }
}
