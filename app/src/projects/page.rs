use super::{api, brief::BriefPanel};
use crate::{
    documents::DocumentStateView,
    error::ApiError,
    loaded::loaded,
    routes::path_id,
    ui::{Crumb, Failure, Glyph, Icon, LinkButton, Page, Skeleton, Time, Variant},
    workspaces::count,
};
use domain::{
    ProjectId,
    chat::Conversation,
    documents::Document,
    projects::{Project, ProjectHome},
    workspaces::Role,
};
use leptos::prelude::*;

/// A project's home.
#[component]
pub fn ProjectPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let home = Resource::new_blocking(id, |id| async move { api::open_project(id?).await });
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(home).await) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Project" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <Skeleton rows=1 shape="skeleton--line"/>
            <Skeleton rows=5/>
        </Page>
    }
}

fn content(home: Result<ProjectHome, ApiError>) -> AnyView {
    let ProjectHome { project, documents, conversations } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let id = project.id;
    let may_write = project.role >= Role::Member;
    let has_documents = project.document_count > 0;
    let crumbs = vec![
        Crumb::link(project.workspace.name.clone(), format!("/workspaces/{}", project.workspace.id)),
        Crumb::here(project.name.clone()),
    ];
    // The one thing to do next.
    let action = move || {
        if has_documents || !may_write {
            view! { <LinkButton href=format!("/projects/{id}/chat") variant=Variant::Primary icon=Glyph::MessageSquare>"Ask a question"</LinkButton> }
        } else {
            view! { <LinkButton href=format!("/projects/{id}/documents") variant=Variant::Primary icon=Glyph::Upload>"Add documents"</LinkButton> }
        }
    };
    view! {
        <Page title=project.name.clone() crumbs action=action>
            <div class="page__head">
                <h1>{project.name.clone()}</h1>
            </div>
            <BriefPanel project=project.clone()/>
            <NextSteps project=project.clone()/>
            <div class="project__columns">
                <LatestDocuments project=id total=project.document_count documents may_write/>
                <LatestConversations project=id total=project.conversation_count conversations/>
            </div>
        </Page>
    }
    .into_any()
}

/// What to do first, each step checked once it is done; gone when all are.
#[component]
fn NextSteps(project: Project) -> impl IntoView {
    let id = project.id;
    let steps = [
        (
            project.document_count > 0,
            format!("/projects/{id}/documents"),
            "Add a document",
            "A brand book, a report, minutes: PDF, Markdown, HTML or plain text.",
        ),
        (
            project.conversation_count > 0,
            format!("/projects/{id}/chat"),
            "Ask a question",
            "The answer comes from your documents, and each claim opens the passage it rests on.",
        ),
    ];
    let done = steps.iter().filter(|(done, ..)| *done).count();
    if done == steps.len() || project.role < Role::Member {
        return ().into_any();
    }
    let total = steps.len();
    let items = steps
        .into_iter()
        .map(|(done, href, title, text)| {
            let glyph = if done { Glyph::CircleCheck } else { Glyph::Circle };
            view! {
                <li class="step" data-done=done.then_some("")>
                    <Icon glyph size=20/>
                    <a class="step__link" href=href>
                        <span class="step__title">{title}</span>
                        {done.then(|| view! { <span class="visually-hidden">" (done)"</span> })}
                    </a>
                    <p class="step__text">{text}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="steps" aria-labelledby="steps-title">
            <header class="steps__head">
                <h2 id="steps-title">"Next steps"</h2>
                <span class="steps__count">{format!("{done} of {total} done")}</span>
            </header>
            <ol class="steps__list">{items}</ol>
        </section>
    }
    .into_any()
}

#[component]
fn LatestDocuments(project: ProjectId, total: u32, documents: Vec<Document>, may_write: bool) -> impl IntoView {
    let href = format!("/projects/{project}/documents");
    let body = if documents.is_empty() {
        let text = if may_write {
            "Nothing here yet. What you add is read, indexed and ready to be asked."
        } else {
            "Nothing here yet."
        };
        view! { <p class="latest__empty">{text}</p> }.into_any()
    } else {
        let rows = documents
            .into_iter()
            .map(|document| {
                let at = document.created_at;
                view! {
                    <li class="latest__row">
                        <Icon glyph=Glyph::FileText/>
                        <a class="latest__link" href=format!("/documents/{}", document.id)>{document.name.clone()}</a>
                        <DocumentStateView document=Signal::stored(document)/>
                        <span class="latest__time"><Time at/></span>
                    </li>
                }
            })
            .collect_view();
        view! { <ul class="latest__rows">{rows}</ul> }.into_any()
    };
    view! {
        <section class="latest" aria-labelledby="latest-documents">
            <header class="latest__head">
                <h2 id="latest-documents">"Documents"</h2>
                <a class="latest__all" href=href>{if total == 0 { "Open".to_owned() } else { count(total, "document") }}</a>
            </header>
            {body}
        </section>
    }
}

#[component]
fn LatestConversations(project: ProjectId, total: u32, conversations: Vec<Conversation>) -> impl IntoView {
    let href = format!("/projects/{project}/chat");
    let body = if conversations.is_empty() {
        view! { <p class="latest__empty">"No questions yet. Answers cite the page they come from."</p> }.into_any()
    } else {
        let rows = conversations
            .into_iter()
            .map(|conversation| {
                view! {
                    <li class="latest__row">
                        <Icon glyph=Glyph::MessageSquare/>
                        <a class="latest__link" href=format!("/chat/{}", conversation.id)>{conversation.title}</a>
                        <span class="latest__time"><Time at=conversation.updated_at/></span>
                    </li>
                }
            })
            .collect_view();
        view! { <ul class="latest__rows">{rows}</ul> }.into_any()
    };
    view! {
        <section class="latest" aria-labelledby="latest-conversations">
            <header class="latest__head">
                <h2 id="latest-conversations">"Conversations"</h2>
                <a class="latest__all" href=href>{if total == 0 { "Open".to_owned() } else { count(total, "conversation") }}</a>
            </header>
            {body}
        </section>
    }
}
