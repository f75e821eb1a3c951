use super::{
    api::{self, ChatHome, Opened, StartConversation},
    attachments::Attaching,
    composer::{COMPOSER, Composer, draft_key},
    conversations::Conversations,
    found::{FindForm, FoundList},
    manage::{ConversationDialogs, ConversationMenu},
    scope::{NewScope, Scoped},
    thread::{ThreadView, anchor},
};
use crate::{
    draft,
    error::ApiError,
    loaded::loaded,
    models::{Answering, NewModelPicker},
    routes::{path_id, query_param},
    ui::{Badge, Crumb, Failure, FormError, Glyph, LinkButton, Page, Skeleton, Tone, Width, form_error},
    workspaces::count,
};
use domain::{ConversationId, Cursor, MessageId, ProjectId, projects::Project, tools::ToolsMode, workspaces::Role};
use leptos::{prelude::*, server_fn::ServerFn};

/// A project's conversations, and the place to begin one.
#[component]
pub fn ChatPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let (cursor, query, name) = (query_param("cursor"), query_param("q"), query_param("name"));
    let archived = query_param("archived");
    let archived = move || archived().is_some_and(|archived| archived == "true");
    let home = Resource::new_blocking(
        move || (id(), cursor().map(Cursor), query(), archived(), name()),
        |(id, cursor, query, archived, name)| async move { api::open_chat(id?, cursor, query, archived, name).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || {
                let asked = Asked { query: query(), archived: archived(), name: name().unwrap_or_default() };
                Suspend::new(async move { chat_content(loaded(home).await, asked) })
            }}
        </Transition>
    }
}

/// What the address of a project's chat asks for.
struct Asked {
    /// What is looked for in the conversations.
    query: Option<String>,
    archived: bool,
    /// What is looked for in the names of documents.
    name: String,
}

/// A conversation.
#[component]
pub fn ConversationPage() -> impl IntoView {
    let id = path_id::<ConversationId>("conversation");
    let (cursor, message, name) = (query_param("cursor"), query_param("message"), query_param("name"));
    // What is no id counts as absent.
    let message = move || message().and_then(|id| id.parse::<MessageId>().ok());
    let opened = Resource::new_blocking(
        move || (id(), cursor().map(Cursor), message(), name()),
        |(id, cursor, message, name)| async move { api::open_conversation(id?, cursor, message, name).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || {
                let at = At { message: message(), is_earlier: cursor().is_some(), name: name().unwrap_or_default() };
                Suspend::new(async move { conversation_content(loaded(opened).await, at, move || opened.refetch()) })
            }}
        </Transition>
    }
}

/// Where the address opens a conversation.
struct At {
    message: Option<MessageId>,
    /// At messages further back than the newest.
    is_earlier: bool,
    /// What is looked for in the names of documents.
    name: String,
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

fn chat_content(home: Result<ChatHome, ApiError>, asked: Asked) -> AnyView {
    let ChatHome { project, conversations, found, failure: refusal, scope, documents, models } = match home {
        Ok(home) => home,
        Err(error) => return failure(error),
    };
    let Asked { query, archived, name } = asked;
    let id = project.id;
    let crumbs = vec![
        Crumb::link(project.workspace.name.clone(), format!("/workspaces/{}", project.workspace.id)),
        Crumb::link(project.name.clone(), format!("/projects/{id}")),
        Crumb::here("Chat"),
    ];
    let scoped = Scoped::new(id, scope, documents, name);
    let is_searching = query.is_some().then_some("");
    let list = match (found, query) {
        (Some(found), Some(query)) => view! {
            <FindForm project=id query=query.clone()/>
            <FoundList project=id query found/>
        }
        .into_any(),
        (None, Some(query)) => view! {
            <FindForm project=id query/>
            <FormError error=Signal::stored(refusal)/>
        }
        .into_any(),
        (_, None) => view! { <Conversations project=id conversations archived/> }.into_any(),
    };
    view! {
        <Page title=format!("Chat \u{b7} {}", project.name) crumbs width=Width::Full>
            <div class="chat" data-view="list" data-searching=is_searching>
                <section class="thread thread--new" aria-label="New question">
                    <NewConversation project scoped answering=Answering::anew(models)/>
                </section>
                <aside class="chat__list">{list}</aside>
            </div>
        </Page>
    }
    .into_any()
}

/// The first question of a conversation.
#[component]
fn NewConversation(project: Project, scoped: Scoped, answering: Answering) -> impl IntoView {
    let id = project.id;
    let start = ServerAction::<StartConversation>::new();
    let asked = StoredValue::new(String::new());
    let attaching = (project.role >= Role::Member).then(|| Attaching::new(id, &id.to_string()));
    if let Some(attaching) = attaching {
        attaching.hear(move || start.value().with(|value| value.as_ref().map(Result::is_ok)));
    }
    let send = Callback::new(move |text: String| {
        asked.set_value(text.clone());
        let (documents, model) = (scoped.chosen(), answering.picked());
        let attachments = attaching.map(Attaching::take).unwrap_or_default();
        start.dispatch(StartConversation { project: id, text, key: String::new(), documents, model, attachments });
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
                "There is nothing to ask yet. " <a href=format!("/projects/{id}/documents")>"Add documents"</a>
                {if attaching.is_some() { ", or attach files to your question." } else { " first." }}
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
            <div class="composer-bar">
                {(project.document_count > 0).then(|| view! { <NewScope scoped/> })}
                <NewModelPicker answering form=COMPOSER/>
            </div>
            <Composer
                url=StartConversation::url() target="project" id=id.to_string() key="" label="Your question"
                placeholder="What do our documents say about \u{2026}" restore on_send=send pending=start.pending()
                attaching
            />
        </div>
    }
}

fn conversation_content(
    opened: Result<Opened, ApiError>,
    at: At,
    reopen: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let Opened { conversation, messages, end, conversations, scope, documents, models, model, may_attach } =
        match opened {
            Ok(opened) => opened,
            Err(error) => return failure(error),
        };
    let (id, archived, tools_mode) = (conversation.id, conversation.archived_at.is_some(), conversation.tools_mode);
    let project = conversation.project.clone();
    let later = match end {
        _ if at.is_earlier => Some(format!("/chat/{id}")),
        Some(end) => Some(format!("/chat/{id}?message={end}#{}", anchor(end))),
        None => None,
    };
    let scoped = Scoped::new(project.id, scope, documents, at.name);
    let answering = Answering::new(models, model);
    let activity = RwSignal::new(conversation.activity);
    let changed = Callback::new(move |()| reopen());
    let crumbs = vec![
        Crumb::link(project.name, format!("/projects/{}", project.id)),
        Crumb::link("Chat", format!("/projects/{}/chat", project.id)),
        Crumb::here(conversation.title.clone()),
    ];
    let actions = move || {
        view! {
            {archived.then(|| view! { <Badge tone=Tone::Neutral>"Archived"</Badge> })}
            {(tools_mode == ToolsMode::Autonomous).then(|| view! { <Badge tone=Tone::Warn>"Acts without asking"</Badge> })}
            <ConversationMenu id archived tools_mode changed answering/>
            <LinkButton href=format!("/projects/{}/chat", project.id) icon=Glyph::Plus>"New question"</LinkButton>
        }
    };
    view! {
        <Page title=conversation.title.clone() crumbs action=actions width=Width::Full>
            <div class="chat" data-view="thread">
                <aside class="chat__list">
                    <Conversations project=project.id conversations current=id activity/>
                </aside>
                <section class="thread" aria-label="Conversation">
                    <h1 class="visually-hidden">{conversation.title.clone()}</h1>
                    <ThreadView conversation=id messages found=at.message later scoped answering activity may_attach/>
                </section>
            </div>
            <ConversationDialogs conversation renamed=changed/>
        </Page>
    }
    .into_any()
}
