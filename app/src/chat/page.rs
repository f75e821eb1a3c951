use super::{
    api::{self, ChatHome, Opened, StartConversation},
    composer::{Composer, draft_key},
    conversations::Conversations,
    manage::{ConversationDialogs, ConversationMenu},
    thread::ThreadView,
};
use crate::{
    draft,
    error::ApiError,
    routes::{path_id, query_param},
    ui::{Crumb, Failure, FormError, Glyph, LinkButton, Page, Skeleton, Width, form_error},
    workspaces::count,
};
use domain::{ConversationId, Cursor, ProjectId, projects::Project};
use leptos::{prelude::*, server_fn::ServerFn};

/// A project's conversations, and the place to begin one.
#[component]
pub fn ChatPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let cursor = query_param("cursor");
    let home = Resource::new_blocking(
        move || (id(), cursor().map(Cursor)),
        |(id, cursor)| async move { api::open_chat(id?, cursor).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { chat_content(home.await) })}
        </Transition>
    }
}

/// A conversation.
#[component]
pub fn ConversationPage() -> impl IntoView {
    let id = path_id::<ConversationId>("conversation");
    let cursor = query_param("cursor");
    let opened = Resource::new_blocking(
        move || (id(), cursor().map(Cursor)),
        |(id, cursor)| async move { api::open_conversation(id?, cursor).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { conversation_content(opened.await, move || opened.refetch()) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Chat" crumbs=vec![Crumb::link("Workspaces", "/workspaces")] width=Width::Full>
            <div class="chat">
                <aside class="chat__list"><Skeleton rows=6/></aside>
                <section class="thread"><Skeleton rows=6 shape="skeleton--line"/></section>
            </div>
        </Page>
    }
}

fn failure(error: ApiError) -> AnyView {
    let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
    view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any()
}

fn chat_content(home: Result<ChatHome, ApiError>) -> AnyView {
    let ChatHome { project, conversations } = match home {
        Ok(home) => home,
        Err(error) => return failure(error),
    };
    let id = project.id;
    let crumbs = vec![
        Crumb::link(project.workspace.name.clone(), format!("/workspaces/{}", project.workspace.id)),
        Crumb::link(project.name.clone(), format!("/projects/{id}")),
        Crumb::here("Chat"),
    ];
    view! {
        <Page title=format!("Chat \u{b7} {}", project.name) crumbs width=Width::Full>
            <div class="chat" data-view="list">
                <section class="thread thread--new" aria-label="New question">
                    <NewConversation project/>
                </section>
                <aside class="chat__list">
                    <Conversations project=id conversations/>
                </aside>
            </div>
        </Page>
    }
    .into_any()
}

/// The first question of a conversation.
#[component]
fn NewConversation(project: Project) -> impl IntoView {
    let id = project.id;
    let start = ServerAction::<StartConversation>::new();
    let asked = StoredValue::new(String::new());
    let send = Callback::new(move |text: String| {
        asked.set_value(text.clone());
        start.dispatch(StartConversation { project: id, text, key: String::new() });
    });
    let error = form_error(move || start.value().get(), &[]);
    Effect::new(move |_| {
        if let Some(Ok(_)) = start.value().get() {
            draft::forget(&draft_key(&id.to_string()));
        }
    });
    let restore = Signal::derive(move || matches!(start.value().get(), Some(Err(_))).then(|| asked.get_value()));
    let scope = if project.document_count == 0 {
        view! {
            <p class="thread__scope">
                "There is nothing to ask yet. " <a href=format!("/projects/{id}/documents")>"Add documents"</a> " first."
            </p>
        }
        .into_any()
    } else {
        view! {
            <p class="thread__scope">
                "Answers come from " <a href=format!("/projects/{id}/documents")>{count(project.document_count, "document")}</a>
                " of this project, and cite the page."
            </p>
        }
        .into_any()
    };
    view! {
        <div class="thread__start">
            <h1 class="thread__invitation">{format!("Ask {}", project.name)}</h1>
            {scope}
            <FormError error/>
            <Composer
                url=StartConversation::url() target="project" id=id.to_string() key="" label="Your question"
                placeholder="What do our documents say about \u{2026}" restore on_send=send pending=start.pending()
            />
        </div>
    }
}

fn conversation_content(opened: Result<Opened, ApiError>, reopen: impl Fn() + Send + Sync + 'static) -> AnyView {
    let Opened { conversation, messages, conversations } = match opened {
        Ok(opened) => opened,
        Err(error) => return failure(error),
    };
    let project = conversation.project.clone();
    let crumbs = vec![
        Crumb::link(project.name, format!("/projects/{}", project.id)),
        Crumb::link("Chat", format!("/projects/{}/chat", project.id)),
        Crumb::here(conversation.title.clone()),
    ];
    let actions = move || {
        view! {
            <ConversationMenu/>
            <LinkButton href=format!("/projects/{}/chat", project.id) icon=Glyph::Plus>"New question"</LinkButton>
        }
    };
    view! {
        <Page title=conversation.title.clone() crumbs action=actions width=Width::Full>
            <div class="chat" data-view="thread">
                <aside class="chat__list">
                    <Conversations project=project.id conversations current=conversation.id/>
                </aside>
                <section class="thread" aria-label="Conversation">
                    <h1 class="visually-hidden">{conversation.title.clone()}</h1>
                    <ThreadView conversation=conversation.id messages/>
                </section>
            </div>
            <ConversationDialogs conversation renamed=Callback::new(move |()| reopen())/>
        </Page>
    }
    .into_any()
}
