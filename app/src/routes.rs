//! Every page of the studio and its address.

use crate::{
    account::{AccountPage, EnrolPage},
    chat::{ChatPage, ConversationPage},
    documents::{DocumentPage, DocumentsPage},
    error::ApiError,
    frame::Frame,
    not_found::NotFoundPage,
    part,
    projects::ProjectPage,
    search::SearchPage,
    shares::SharedPage,
    surroundings::Surroundings,
    trash::TrashPage,
    ui::{ToastRegion, Toasts},
    workspaces::{NewProjectPage, NewWorkspacePage, SettingsPage, WorkspacePage, WorkspacesPage},
    written::{EditorPage, HistoryPage},
};
use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    hooks::{use_params_map, use_query_map},
    path,
};
use std::{str::FromStr, time::Duration};

/// The pages behind the sign-in, and a document shared with whoever has its link, which is read as one's own. Async: a page is
/// sent when it is complete, so that it reads without JavaScript, and with its true status.
#[component]
pub fn Studio() -> impl IntoView {
    let toasts = Toasts::provide();
    part::load_what_leads_to_the_entrance();
    view! {
        <Surroundings>
            <Router>
                <Routes fallback=Elsewhere>
                    <Route path=path!("/shared/:token") view=SharedPage ssr=SsrMode::Async/>
                    <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                        <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                        <Route path=path!("/account/second-factor") view=EnrolPage ssr=SsrMode::Async/>
                        <Route path=path!("/workspaces") view=WorkspacesPage ssr=SsrMode::Async/>
                        <Route path=path!("/workspaces/new") view=NewWorkspacePage ssr=SsrMode::Async/>
                        <Route path=path!("/workspaces/:workspace") view=WorkspacePage ssr=SsrMode::Async/>
                        <Route path=path!("/workspaces/:workspace/settings") view=SettingsPage ssr=SsrMode::Async/>
                        <Route path=path!("/workspaces/:workspace/projects/new") view=NewProjectPage ssr=SsrMode::Async/>
                        <Route path=path!("/projects/:project") view=ProjectPage ssr=SsrMode::Async/>
                        <Route path=path!("/projects/:project/documents") view=DocumentsPage ssr=SsrMode::Async/>
                        <Route path=path!("/projects/:project/trash") view=TrashPage ssr=SsrMode::Async/>
                        <Route path=path!("/projects/:project/search") view=SearchPage ssr=SsrMode::Async/>
                        <Route path=path!("/projects/:project/chat") view=ChatPage ssr=SsrMode::Async/>
                        <Route path=path!("/documents/:document") view=DocumentPage ssr=SsrMode::Async/>
                        <Route path=path!("/documents/:document/edit") view=EditorPage ssr=SsrMode::Async/>
                        <Route path=path!("/documents/:document/history") view=HistoryPage ssr=SsrMode::Async/>
                        <Route path=path!("/chat/:conversation") view=ConversationPage ssr=SsrMode::Async/>
                    </ParentRoute>
                </Routes>
            </Router>
        </Surroundings>
        <ToastRegion toasts/>
    }
}

/// No page of the studio. Where the server sent it, there is none; after a step back the server is asked, as it may be a page of
/// the entrance.
#[component]
fn Elsewhere() -> impl IntoView {
    let sent =
        Owner::current_shared_context().is_none_or(|context| !context.is_browser() || context.during_hydration());
    if sent {
        return NotFoundPage().into_any();
    }
    // Once the router has entered the address into the browser's history.
    set_timeout(|| drop(window().location().reload()), Duration::ZERO);
    ().into_any()
}

/// The id in the path under `name` (`workspace`, `project`, `document`, `conversation`). What is no id is not found.
pub fn path_id<T>(name: &'static str) -> impl Fn() -> Result<T, ApiError> + Copy + Send + Sync + 'static
where
    T: FromStr,
{
    let params = use_params_map();
    move || {
        params.with(|params| params.get_str(name).and_then(|text| text.parse().ok())).ok_or_else(ApiError::not_found)
    }
}

/// A parameter of the query, if it is there and not empty.
pub fn query_param(name: &'static str) -> impl Fn() -> Option<String> + Copy + Send + Sync + 'static {
    let query = use_query_map();
    move || query.with(|query| query.get(name)).filter(|value| !value.is_empty())
}
