use super::{api, count, forms::WorkspaceForm, role_name};
use crate::{
    error::ApiError,
    loaded::loaded,
    routes::query_param,
    ui::{Button, Crumb, Dialog, Empty, Failure, Glyph, Icon, LinkButton, Page, Pager, Skeleton, Time, Variant},
};
use domain::{Cursor, Page as List, workspaces::Workspace};
use leptos::{ev::MouseEvent, prelude::*};

/// The person's workspaces.
#[component]
pub fn WorkspacesPage() -> impl IntoView {
    let cursor = query_param("cursor");
    let workspaces = Resource::new_blocking(move || cursor().map(Cursor), api::list_workspaces);
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(workspaces).await) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Workspaces" crumbs=vec![Crumb::here("Workspaces")]>
            <h1>"Workspaces"</h1>
            <Skeleton rows=4/>
        </Page>
    }
}

fn content(workspaces: Result<List<Workspace>, ApiError>) -> AnyView {
    let creating = RwSignal::new(false);
    let crumbs = vec![Crumb::here("Workspaces")];
    let workspaces = match workspaces {
        Ok(workspaces) => workspaces,
        Err(error) => return view! { <Page title="Workspaces" crumbs><Failure error/></Page> }.into_any(),
    };
    // Where there is none yet, the page itself has the button.
    let is_empty = workspaces.items.is_empty();
    view! {
        <Page title="Workspaces" crumbs action=move || (!is_empty).then(|| view! { <NewWorkspace creating/> })>
            <h1>"Workspaces"</h1>
            {list(workspaces, creating)}
            <Dialog open=creating title="New workspace" id="new-workspace">
                <WorkspaceForm id="dialog-workspace-name">
                    <Button kind="button" variant=Variant::Quiet on:click=move |_| creating.set(false)>"Cancel"</Button>
                </WorkspaceForm>
            </Dialog>
        </Page>
    }
    .into_any()
}

/// Opens the dialog; without JavaScript it leads to the page with the same form.
#[component]
fn NewWorkspace(creating: RwSignal<bool>) -> impl IntoView {
    let open = move |event: MouseEvent| {
        event.prevent_default();
        creating.set(true);
    };
    view! { <LinkButton href="/workspaces/new" variant=Variant::Primary icon=Glyph::Plus on:click=open>"New workspace"</LinkButton> }
}

fn list(workspaces: List<Workspace>, creating: RwSignal<bool>) -> AnyView {
    let List { items, next } = workspaces;
    if items.is_empty() {
        return view! {
            <Empty title="Make your first workspace" text="A workspace holds your team\u{2019}s projects and documents. Only its members see them.">
                <NewWorkspace creating/>
            </Empty>
        }
        .into_any();
    }
    let rows = items.into_iter().map(|workspace| view! { <WorkspaceRow workspace/> }).collect_view();
    view! {
        <ul class="rows">{rows}</ul>
        <Pager next path="/workspaces"/>
    }
    .into_any()
}

#[component]
fn WorkspaceRow(workspace: Workspace) -> impl IntoView {
    view! {
        <li>
            <a class="row" href=format!("/workspaces/{}", workspace.id)>
                <span class="row__title">{workspace.name}</span>
                <span class="row__meta">{count(workspace.project_count, "project")}</span>
                <span class="row__meta">{count(workspace.member_count, "member")}</span>
                <span class="row__meta">{role_name(workspace.role)}</span>
                <span class="row__meta row__meta--time"><Time at=workspace.updated_at/></span>
                <Icon glyph=Glyph::ChevronRight/>
            </a>
        </li>
    }
}
