use super::rail::{AccountItems, Projects, WorkspaceItems};
use crate::ui::{Glyph, Icon};
use domain::{navigation::Navigation, workspaces::Role};
use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;

/// The bar at the foot of a phone: the parts of the project in view, and a sheet with the rest of the rail.
#[component]
pub(super) fn TabBar(navigation: Navigation) -> impl IntoView {
    let Navigation { user, workspaces, workspace, projects, project } = navigation;
    let current = workspace.as_ref().map(|(link, _)| link.id);
    let may_write = workspace.as_ref().is_some_and(|(_, role)| *role >= Role::Member);
    let home = current.map_or_else(|| "/workspaces".to_owned(), |id| format!("/workspaces/{id}"));
    let project_tabs = project.as_ref().map(|link| {
        let id = link.id;
        view! {
            <Tab href=format!("/projects/{id}") glyph=Glyph::Folder label="Project" under=""/>
            <Tab href=format!("/projects/{id}/documents") glyph=Glyph::FileText label="Documents" under="/documents/"/>
            <Tab href=format!("/projects/{id}/chat") glyph=Glyph::MessageSquare label="Chat" under="/chat/"/>
        }
    });
    let sheet = NodeRef::<html::Details>::new();
    let pathname = use_location().pathname;
    Effect::new(move |_| {
        pathname.track();
        if let Some(sheet) = sheet.get_untracked() {
            sheet.set_open(false);
        }
    });
    view! {
        <nav class="tabs" aria-label="Places">
            <Tab href=home glyph=Glyph::House label="Home" under=""/>
            {project_tabs}
            <details class="sheet" node_ref=sheet>
                <summary class="tab"><Icon glyph=Glyph::Ellipsis size=20/><span>"More"</span></summary>
                <div class="sheet__body">
                    {current.map(|workspace| view! { <Projects workspace projects project may_write/> })}
                    <WorkspaceItems workspaces current/>
                    <AccountItems email=user.email/>
                </div>
            </details>
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
