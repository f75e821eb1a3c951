use super::rail;
use crate::ui::{Glyph, Icon};
use domain::{ProjectId, WorkspaceId};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The bar at the foot of a phone: the parts of the project in view, and what opens the rail as a sheet.
#[component]
pub(super) fn TabBar(workspace: Option<WorkspaceId>, project: Option<ProjectId>) -> impl IntoView {
    let home = workspace.map_or_else(|| "/workspaces".to_owned(), |id| format!("/workspaces/{id}"));
    let project_tabs = project.map(|id| {
        view! {
            <Tab href=format!("/projects/{id}") glyph=Glyph::Folder label="Project" under=""/>
            <Tab href=format!("/projects/{id}/documents") glyph=Glyph::FileText label="Documents" under="/documents/"/>
            <Tab href=format!("/projects/{id}/chat") glyph=Glyph::MessageSquare label="Chat" under="/chat/"/>
        }
    });
    view! {
        <nav class="tabs" aria-label="Places">
            <Tab href=home glyph=Glyph::House label="Home" under=""/>
            {project_tabs}
            <button class="tab" type="button" popovertarget=rail::ID>
                <Icon glyph=Glyph::Ellipsis size=20/>
                <span>"More"</span>
            </button>
        </nav>
    }
}

#[component]
fn Tab(#[prop(into)] href: String, glyph: Glyph, label: &'static str, under: &'static str) -> impl IntoView {
    let pathname = use_location().pathname;
    let target = href.clone();
    let current = move || {
        pathname.with(|path| {
            let is_here = *path == target || (!under.is_empty() && path.starts_with(under));
            is_here.then_some("page")
        })
    };
    view! {
        <a class="tab" href=href aria-current=current>
            <Icon glyph size=20/>
            <span>{label}</span>
        </a>
    }
}
