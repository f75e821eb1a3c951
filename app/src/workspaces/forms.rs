use super::api;
use crate::{
    call::{FormAction, ServerForm},
    draft::KeepTyped,
    routes::{path_id, query_param},
    ui::{Button, Crumb, Field, FormError, LinkButton, Page, Variant, Width, field_error, form_error},
};
use domain::WorkspaceId;
use leptos::prelude::*;

/// The form that makes a workspace, on its own page and in the dialog of the list.
#[component]
pub(super) fn WorkspaceForm(
    /// Distinguishes the ids of two forms on one page.
    id: &'static str,
    children: Children,
) -> impl IntoView {
    let action = FormAction::<api::CreateWorkspace>::new();
    let answer = move || action.value().get();
    view! {
        <ServerForm action>
            <div class="form">
                <KeepTyped key="new-workspace" fields=&["name"] saved=Signal::derive(move || matches!(answer(), Some(Ok(_))))/>
                <FormError error=form_error(answer, &["name"])/>
                <Field
                    id=id name="name" label="Name" required=true maxlength=120 autofocus=true
                    placeholder="Studio Nord" hint="Your team or studio. You can rename it later." error=field_error(answer, "name")
                />
                <div class="form__actions">
                    <Button variant=Variant::Primary pending=action.pending()>"Create workspace"</Button>
                    {children()}
                </div>
            </div>
        </ServerForm>
    }
}

/// The plain page of the form, for whoever has no JavaScript or follows a link.
#[component]
pub fn NewWorkspacePage() -> impl IntoView {
    let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("New workspace")];
    view! {
        <Page title="New workspace" crumbs width=Width::Reading>
            <h1>"New workspace"</h1>
            <p class="lead">"A workspace holds your team\u{2019}s projects and documents. Only its members see them."</p>
            <WorkspaceForm id="new-workspace-name">
                <LinkButton href="/workspaces" variant=Variant::Quiet>"Cancel"</LinkButton>
            </WorkspaceForm>
        </Page>
    }
}

/// The form that makes a project.
#[component]
pub(super) fn ProjectForm(
    workspace: WorkspaceId,
    id: &'static str,
    /// Filled into the name, from a starting point.
    #[prop(optional, into)]
    name: Signal<String>,
    children: Children,
) -> impl IntoView {
    let action = FormAction::<api::CreateProject>::new();
    let answer = move || action.value().get();
    let name_field = move || {
        view! {
            <Field
                id=format!("{id}-name") name="name" label="Name" required=true maxlength=120 autofocus=true value=name.get()
                placeholder="Autumn campaign" error=field_error(answer, "name")
            />
        }
    };
    view! {
        <ServerForm action>
            <div class="form">
                <KeepTyped
                    key=format!("new-project:{workspace}") fields=&["name", "client"]
                    saved=Signal::derive(move || matches!(answer(), Some(Ok(_))))
                />
                <FormError error=form_error(answer, &["name", "client"])/>
                <input type="hidden" name="workspace" value=workspace.to_string()/>
                {name_field}
                <Field
                    id=format!("{id}-client") name="client" label="Client" optional=true maxlength=200
                    hint="Who the work is for. The rest of the brief can wait." error=field_error(answer, "client")
                />
                <div class="form__actions">
                    <Button variant=Variant::Primary pending=action.pending()>"Create project"</Button>
                    {children()}
                </div>
            </div>
        </ServerForm>
    }
}

/// The plain page of the form; `?name=` fills the name in.
#[component]
pub fn NewProjectPage() -> impl IntoView {
    let id = path_id::<WorkspaceId>("workspace");
    let name = query_param("name");
    let content = move || match id() {
        Ok(workspace) => {
            let home = format!("/workspaces/{workspace}");
            let crumbs = vec![Crumb::link("Workspace", home.clone()), Crumb::here("New project")];
            view! {
                <Page title="New project" crumbs width=Width::Reading>
                    <h1>"New project"</h1>
                    <p class="lead">"A project is a client or a campaign: its brief, its documents and the questions about them."</p>
                    <ProjectForm workspace id="new-project" name=Signal::derive(move || name().unwrap_or_default())>
                        <LinkButton href=home variant=Variant::Quiet>"Cancel"</LinkButton>
                    </ProjectForm>
                </Page>
            }
            .into_any()
        }
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            view! { <Page title="Not found" crumbs><crate::ui::Failure error/></Page> }.into_any()
        }
    };
    view! { {content} }
}
