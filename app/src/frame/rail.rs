use crate::{
    auth::api::SignOut,
    call::{FormAction, ServerForm},
    draft,
    theme::ThemeSwitch,
    ui::{Avatar, Glyph, Icon, IconButton, Mark, Menu, MenuLink, Skeleton, close_popover},
};
use domain::{
    ProjectId, WorkspaceId,
    accounts::User,
    navigation::Navigation,
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
};
use gloo_storage::{LocalStorage, Storage};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The rail's element, which a phone opens as a sheet.
pub(super) const ID: &str = "rail";

const COLLAPSED: &str = "atelier:rail-collapsed";

/// Whether the rail is folded away, kept in the browser.
pub(super) fn collapsed() -> RwSignal<bool> {
    let collapsed = RwSignal::new(false);
    Effect::new(move |known: Option<()>| {
        let now = collapsed.get();
        if known.is_some() {
            // A browser that keeps nothing forgets it, no more.
            let _ = LocalStorage::set(COLLAPSED, now);
        }
    });
    Effect::new(move |_| collapsed.set(LocalStorage::get(COLLAPSED).unwrap_or(false)));
    collapsed
}

/// On phones a popover of the browser's own, as small as its contents: one rail for both, as a page may list a hundred names.
#[component]
pub(super) fn Rail(navigation: Navigation, collapsed: RwSignal<bool>) -> impl IntoView {
    let Navigation { user, workspaces, workspace, projects, project } = navigation;
    let current = workspace.as_ref().map(|(link, _)| link.id);
    let may_write = workspace.as_ref().is_some_and(|(_, role)| *role >= Role::Member);
    let fold = move |_| collapsed.update(|collapsed| *collapsed = !*collapsed);
    let pathname = use_location().pathname;
    Effect::new(move |before: Option<()>| {
        pathname.track();
        if before.is_some() {
            close_popover(ID);
        }
    });
    view! {
        <aside class="rail" id=ID popover="auto" aria-label="Workspace">
            <div class="rail__head">
                <a class="wordmark" href="/workspaces"><Mark/>"atelier"</a>
                <span class="rail__fold needs-script">
                    <IconButton glyph=Glyph::PanelLeft label="Show or hide the side bar" on:click=fold/>
                </span>
            </div>
            <Switcher workspaces workspace=workspace.map(|(link, _)| link)/>
            <div class="rail__scroll">
                {current.map(|workspace| view! { <Projects workspace projects project may_write/> })}
            </div>
            <Person user/>
        </aside>
    }
}

#[component]
fn Switcher(workspaces: Vec<WorkspaceLink>, workspace: Option<WorkspaceLink>) -> impl IntoView {
    let current = workspace.as_ref().map(|link| link.id);
    let shown = workspace.map_or_else(|| "Choose a workspace".to_owned(), |link| link.name);
    view! {
        <Menu
            label="Workspace: "
            summary=move || view! {
                <span class="switcher">
                    <span class="switcher__name">{shown.clone()}</span>
                    <Icon glyph=Glyph::ChevronsUpDown/>
                </span>
            }
        >
            <WorkspaceItems workspaces current/>
        </Menu>
    }
}

#[component]
fn WorkspaceItems(workspaces: Vec<WorkspaceLink>, current: Option<WorkspaceId>) -> impl IntoView {
    let items = workspaces
        .into_iter()
        .map(|link| {
            let is_current = current == Some(link.id);
            view! {
                <MenuLink href=format!("/workspaces/{}", link.id) current=is_current>
                    <span class="menu__text">{link.name}</span>
                    {is_current.then(|| view! { <Icon glyph=Glyph::Check/> })}
                </MenuLink>
            }
        })
        .collect_view();
    view! {
        <div class="menu__group">{items}</div>
        <div class="menu__group">
            {current.map(|workspace| view! {
                <MenuLink href=format!("/workspaces/{workspace}/settings")><Icon glyph=Glyph::Settings/><span class="menu__text">"Settings and members"</span></MenuLink>
            })}
            <MenuLink href="/workspaces"><Icon glyph=Glyph::Layers/><span class="menu__text">"All workspaces"</span></MenuLink>
            <MenuLink href="/workspaces/new"><Icon glyph=Glyph::Plus/><span class="menu__text">"New workspace"</span></MenuLink>
        </div>
    }
}

/// The workspace's projects; the one in view opens to its parts.
#[component]
fn Projects(
    workspace: WorkspaceId,
    projects: Vec<ProjectLink>,
    project: Option<ProjectLink>,
    may_write: bool,
) -> impl IntoView {
    let in_view = project.as_ref().map(|link| link.id);
    // A project that is not among the 50 most recent still stands in its rail.
    let missing = project.filter(|link| projects.iter().all(|other| other.id != link.id));
    let items = missing
        .into_iter()
        .chain(projects)
        .map(|link| {
            let opened = in_view == Some(link.id);
            view! {
                <li>
                    <RailLink href=format!("/projects/{}", link.id) glyph=Glyph::Folder label=link.name is_open=opened/>
                    {opened.then(|| view! { <ProjectParts project=link.id/> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="rail__section" aria-label="Projects">
            <div class="rail__title">
                <a href=format!("/workspaces/{workspace}")>"Projects"</a>
                {may_write.then(|| view! {
                    <a class="icon-button icon-button--small" href=format!("/workspaces/{workspace}/projects/new") aria-label="New project" title="New project">
                        <Icon glyph=Glyph::Plus/>
                    </a>
                })}
            </div>
            <ul class="rail__list">{items}</ul>
        </nav>
    }
}

#[component]
fn ProjectParts(project: ProjectId) -> impl IntoView {
    view! {
        <ul class="rail__list rail__list--nested">
            <li><RailLink href=format!("/projects/{project}/documents") glyph=Glyph::FileText label="Documents"/></li>
            <li><RailLink href=format!("/projects/{project}/search") glyph=Glyph::Search label="Search"/></li>
            <li><RailLink href=format!("/projects/{project}/chat") glyph=Glyph::MessageSquare label="Chat"/></li>
        </ul>
    }
}

/// A link that knows whether its page is in view. A document and a conversation stand under their lists.
#[component]
fn RailLink(
    #[prop(into)] href: String,
    glyph: Glyph,
    #[prop(into)] label: String,
    #[prop(optional)] is_open: bool,
) -> impl IntoView {
    let pathname = use_location().pathname;
    let target = href.clone();
    let current = move || {
        pathname.with(|path| {
            let under = (target.ends_with("/documents") && path.starts_with("/documents/"))
                || (target.ends_with("/chat") && path.starts_with("/chat/"));
            if *path == target { Some("page") } else { under.then_some("true") }
        })
    };
    view! {
        <a class="rail__link" href=href aria-current=current data-open=is_open.then_some("")>
            <Icon glyph/>
            <span class="rail__label">{label}</span>
        </a>
    }
}

/// The person, with the theme and the way out.
#[component]
fn Person(user: User) -> impl IntoView {
    let shown = user.display_name;
    view! {
        <div class="rail__foot">
            <Menu
                label="Account: "
                upwards=true
                summary=move || view! {
                    <span class="switcher">
                        <Avatar name=shown.clone() decorative=true/>
                        <span class="switcher__name">{shown.clone()}</span>
                        <Icon glyph=Glyph::ChevronsUpDown/>
                    </span>
                }
            >
                <AccountItems email=user.email/>
            </Menu>
        </div>
    }
}

#[component]
fn AccountItems(email: String) -> impl IntoView {
    let sign_out = FormAction::<SignOut>::new();
    Effect::new(move |_| {
        if let Some(Err(_)) = sign_out.value().get() {
            draft::keep_again();
        }
    });
    view! {
        <p class="menu__note">{email}</p>
        <div class="menu__group">
            <MenuLink href="/account"><Icon glyph=Glyph::CircleUser/><span class="menu__text">"Account"</span></MenuLink>
        </div>
        <div class="menu__group">
            <div class="menu__row"><span>"Theme"</span><ThemeSwitch/></div>
        </div>
        <div class="menu__group">
            <a class="menu__item" href="/api/docs" rel="external"><Icon glyph=Glyph::BookOpen/><span class="menu__text">"API reference"</span></a>
            <ServerForm action=sign_out on:submit=|_| draft::forget_all()>
                <button class="menu__item" type="submit"><Icon glyph=Glyph::LogOut/><span class="menu__text">"Sign out"</span></button>
            </ServerForm>
        </div>
    }
}

/// The rail's shape while its first contents are on their way.
#[component]
pub(super) fn RailSkeleton() -> impl IntoView {
    view! {
        <aside class="rail" aria-label="Workspace">
            <div class="rail__head"><a class="wordmark" href="/workspaces"><Mark/>"atelier"</a></div>
            <div class="rail__scroll"><Skeleton rows=5 shape="skeleton--line"/></div>
        </aside>
    }
}
