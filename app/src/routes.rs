//! Every page and its address.

use crate::{
    error::ApiError,
    flash,
    frame::Frame,
    landing::LandingPage,
    lazy::{Chat, Document, Project, Settings, SignIn, Team},
    not_found::NotFoundPage,
    theme,
    ui::{ToastRegion, Toasts},
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    hooks::{use_params_map, use_query_map},
    path,
};
use std::str::FromStr;

/// The application, on the server and in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let toasts = Toasts::provide();
    theme::follow_other_tabs();
    flash::provide_form_failure();
    // Async: a page is sent when it is complete, so that it reads without JavaScript, and with its true status.
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Atelier".to_owned() } else { format!("{title} · Atelier") }/>
        <a class="skip-link" href="#main">"Skip to content"</a>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=LandingPage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=SignIn::Login ssr=SsrMode::Async/>
                <Route path=path!("/login/link") view=SignIn::Link ssr=SsrMode::Async/>
                <Route path=path!("/login/second-factor") view=SignIn::SecondFactor ssr=SsrMode::Async/>
                <Route path=path!("/register") view=SignIn::Register ssr=SsrMode::Async/>
                <Route path=path!("/forgot") view=SignIn::Forgot ssr=SsrMode::Async/>
                <Route path=path!("/reset") view=SignIn::Reset ssr=SsrMode::Async/>
                <Route path=path!("/auth/confirm") view=SignIn::Confirm ssr=SsrMode::Async/>
                <Route path=path!("/auth/callback") view=SignIn::Callback ssr=SsrMode::Async/>
                <Route path=path!("/auth/leave") view=SignIn::Leave ssr=SsrMode::Async/>
                <Route path=path!("/invite/:token") view=SignIn::Invite ssr=SsrMode::Async/>
                <Route path=path!("/shared/:token") view=Document::Shared ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/account") view=Settings::Account ssr=SsrMode::Async/>
                    <Route path=path!("/account/second-factor") view=Settings::Enrol ssr=SsrMode::Async/>
                    <Route path=path!("/workspaces") view=Team::Workspaces ssr=SsrMode::Async/>
                    <Route path=path!("/workspaces/new") view=Team::NewWorkspace ssr=SsrMode::Async/>
                    <Route path=path!("/workspaces/:workspace") view=Team::Workspace ssr=SsrMode::Async/>
                    <Route path=path!("/workspaces/:workspace/settings") view=Settings::Workspace ssr=SsrMode::Async/>
                    <Route path=path!("/workspaces/:workspace/projects/new") view=Team::NewProject ssr=SsrMode::Async/>
                    <Route path=path!("/projects/:project") view=Project::Home ssr=SsrMode::Async/>
                    <Route path=path!("/projects/:project/documents") view=Project::Documents ssr=SsrMode::Async/>
                    <Route path=path!("/projects/:project/trash") view=Project::Trash ssr=SsrMode::Async/>
                    <Route path=path!("/projects/:project/search") view=Project::Search ssr=SsrMode::Async/>
                    <Route path=path!("/projects/:project/chat") view=Chat::Project ssr=SsrMode::Async/>
                    <Route path=path!("/documents/:document") view=Document::Read ssr=SsrMode::Async/>
                    <Route path=path!("/documents/:document/edit") view=Document::Edit ssr=SsrMode::Async/>
                    <Route path=path!("/documents/:document/history") view=Document::History ssr=SsrMode::Async/>
                    <Route path=path!("/chat/:conversation") view=Chat::Conversation ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
        <ToastRegion toasts/>
    }
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
