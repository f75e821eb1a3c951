use super::{
    api::{self, WorkspaceHome},
    count,
    forms::ProjectForm,
    role_name,
};
use crate::{
    error::ApiError,
    loaded::loaded,
    routes::{path_id, query_param},
    ui::{Avatar, Button, Crumb, Dialog, Failure, Glyph, Icon, LinkButton, Page, Pager, Skeleton, Time, Variant},
};
use domain::{Cursor, Page as List, WorkspaceId, members::Member, projects::Project, workspaces::Role};
use leptos::{ev::MouseEvent, prelude::*};

/// A workspace's home: its projects, and who works in it.
#[component]
pub fn WorkspacePage() -> impl IntoView {
    let id = path_id::<WorkspaceId>("workspace");
    let cursor = query_param("cursor");
    let home = Resource::new_blocking(
        move || (id(), cursor().map(Cursor)),
        |(id, cursor)| async move { api::get_workspace_home(id?, cursor).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(home).await) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Workspace" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <Skeleton rows=4 shape="skeleton--card"/>
        </Page>
    }
}

fn content(home: Result<WorkspaceHome, ApiError>) -> AnyView {
    let WorkspaceHome { workspace, projects, members } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let id = workspace.id;
    let may_write = workspace.role >= Role::Member;
    let creating = RwSignal::new(false);
    let name = RwSignal::new(String::new());
    let is_empty = projects.items.is_empty();
    let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here(workspace.name.clone())];
    let action = move || (may_write && !is_empty).then(|| view! { <NewProject workspace=id creating name start=""/> });
    let body = if is_empty {
        view! { <FirstProject workspace=id may_write creating name/> }.into_any()
    } else {
        view! { <ProjectCards workspace=id projects/> }.into_any()
    };
    view! {
        <Page title=workspace.name.clone() crumbs action=action>
            <div class="page__head">
                <h1>{workspace.name.clone()}</h1>
                <Members workspace=id members total=workspace.member_count/>
            </div>
            {body}
            <Dialog open=creating title="New project" id="new-project">
                <ProjectForm workspace=id id="dialog-project" name>
                    <Button kind="button" variant=Variant::Quiet on:click=move |_| creating.set(false)>"Cancel"</Button>
                </ProjectForm>
            </Dialog>
        </Page>
    }
    .into_any()
}

/// Opens the dialog; without JavaScript it leads to the page with the same form.
#[component]
fn NewProject(
    workspace: WorkspaceId,
    creating: RwSignal<bool>,
    name: RwSignal<String>,
    start: &'static str,
) -> impl IntoView {
    let open = move |event: MouseEvent| {
        event.prevent_default();
        name.set(start.to_owned());
        creating.set(true);
    };
    view! {
        <LinkButton href=format!("/workspaces/{workspace}/projects/new") variant=Variant::Primary icon=Glyph::Plus on:click=open>
            "New project"
        </LinkButton>
    }
}

/// The members' faces, with their names and roles for the pointer; a link to all of them.
#[component]
fn Members(workspace: WorkspaceId, members: List<Member>, total: u32) -> impl IntoView {
    let faces = members
        .items
        .into_iter()
        .map(|member| {
            view! { <li><Avatar name=member.display_name note=role_name(member.role).to_lowercase() large=true/></li> }
        })
        .collect_view();
    view! {
        <a class="faces-link" href=format!("/workspaces/{workspace}/settings#members")>
            <ul class="faces">{faces}</ul>
            <span class="faces-link__count">{count(total, "member")}</span>
        </a>
    }
}

#[component]
fn ProjectCards(workspace: WorkspaceId, projects: List<Project>) -> impl IntoView {
    let List { items, next } = projects;
    let cards = items.into_iter().map(|project| view! { <li><ProjectCard project/></li> }).collect_view();
    view! {
        <ul class="cards">{cards}</ul>
        <Pager next path=format!("/workspaces/{workspace}")/>
    }
}

#[component]
fn ProjectCard(project: Project) -> impl IntoView {
    let client = project.brief.client;
    view! {
        <a class="card card--link project-card" href=format!("/projects/{}", project.id)>
            <h2 class="card__title">{project.name}</h2>
            <p class="card__text">{String::from(client)}</p>
            <p class="card__meta">
                <span><Icon glyph=Glyph::FileText/>{count(project.document_count, "document")}</span>
                <span><Icon glyph=Glyph::MessageSquare/>{count(project.conversation_count, "chat")}</span>
                <span class="card__time"><Time at=project.updated_at/></span>
            </p>
        </a>
    }
}

/// Where a project may begin: a name, and what to put into it first.
const STARTS: [(&str, &str, &str); 3] = [
    (
        "Brand guide",
        "Voice, names and rules in one place",
        "Add the brand book. Ask how to write a headline, and see the page that says so.",
    ),
    (
        "Campaign",
        "One launch, with its brief and research",
        "Add the brief, the research and last year\u{2019}s results. Ask what worked.",
    ),
    (
        "Client",
        "Everything that a client ever sent",
        "Add contracts, minutes and decks. Ask what was agreed, and where.",
    ),
];

/// What a workspace shows before it has a project.
#[component]
fn FirstProject(
    workspace: WorkspaceId,
    may_write: bool,
    creating: RwSignal<bool>,
    name: RwSignal<String>,
) -> impl IntoView {
    if !may_write {
        return view! {
            <crate::ui::Empty title="No projects yet" text="When a member of this workspace makes one, it appears here."/>
        }
        .into_any();
    }
    let starts = STARTS
        .into_iter()
        .map(|(start, summary, text)| {
            let open = move |event: MouseEvent| {
                event.prevent_default();
                name.set(start.to_owned());
                creating.set(true);
            };
            view! {
                <li>
                    <a
                        class="card card--link start-card"
                        href=format!("/workspaces/{workspace}/projects/new?name={}", crate::redirect::encode(start))
                        on:click=open
                    >
                        <h3 class="card__title">{start}</h3>
                        <p class="card__text">{summary}</p>
                        <p class="card__hint">{text}</p>
                        <Icon glyph=Glyph::ArrowRight/>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="first">
            <h2>"Make your first project"</h2>
            <p class="lead">"A project keeps a brief, its documents and the questions about them together. Start from one of these, or from nothing."</p>
            <ul class="cards">{starts}</ul>
            <NewProject workspace creating name start=""/>
        </section>
    }
    .into_any()
}
