use super::{
    api::{self, DeleteWorkspace, RenameWorkspace, WorkspaceSettings},
    role_name, settings_path,
};
use crate::{
    api_keys::ApiKeysSection,
    call::{FormAction, ServerForm},
    error::ApiError,
    frame::FrameData,
    loaded::loaded,
    members::{
        MembersSection,
        api::{LeaveWorkspace, TransferOwnership},
    },
    routes::{path_id, query_param},
    ui::{
        Button, Confirm, ConfirmActions, Crumb, Failure, Field, FormError, Page, Pager, Select, Skeleton, Toast,
        Variant, field_error, form_error, use_toasts,
    },
};
use domain::{
    Cursor, WorkspaceId,
    members::Member,
    workspaces::{Role, Workspace},
};
use leptos::prelude::*;

/// A workspace's settings: its name, its people, their API keys, and the ways out.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let id = path_id::<WorkspaceId>("workspace");
    let rename = FormAction::<RenameWorkspace>::new();
    let transfer = FormAction::<TransferOwnership>::new();
    let heirs = query_param("heirs");
    let settings = Resource::new_blocking(
        move || (id(), heirs().map(Cursor)),
        |(id, heirs)| async move { api::get_workspace_settings(id?, heirs).await },
    );
    let frame = use_context::<FrameData>();
    let toasts = use_toasts();
    let again = Callback::new(move |()| {
        settings.refetch();
        if let Some(frame) = frame {
            frame.refetch();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(_)) = rename.value().get() {
            toasts.push(Toast::ok("The workspace has its new name."));
            again.run(());
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(member)) = transfer.value().get() {
            toasts.push(Toast::ok(format!("{} owns the workspace now. You are an admin.", member.display_name)));
            again.run(());
        }
    });
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(settings).await, rename, transfer, again) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Settings" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <Skeleton rows=6/>
        </Page>
    }
}

fn content(
    settings: Result<WorkspaceSettings, ApiError>,
    rename: FormAction<RenameWorkspace>,
    transfer: FormAction<TransferOwnership>,
    again: Callback<()>,
) -> AnyView {
    let WorkspaceSettings { workspace, own, heirs, made } = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let crumbs = vec![
        Crumb::link("Workspaces", "/workspaces"),
        Crumb::link(workspace.name.clone(), format!("/workspaces/{}", workspace.id)),
        Crumb::here("Settings"),
    ];
    view! {
        <Page title=format!("Settings of {}", workspace.name) crumbs>
            <div class="settings">
                <nav class="settings__index" aria-label="Settings">
                    <a href="#general">"General"</a>
                    <a href="#members">"Members"</a>
                    <a href="#api-keys">"API keys"</a>
                    <a href="#danger">"Danger"</a>
                </nav>
                <div class="settings__body">
                    <h1>"Settings"</h1>
                    <General workspace=workspace.clone() rename/>
                    <MembersSection workspace=workspace.clone() own=own.id made=made.clone() own_changed=again/>
                    <ApiKeysSection workspace=workspace.clone() made/>
                    <Danger workspace heirs transfer/>
                </div>
            </div>
        </Page>
    }
    .into_any()
}

#[component]
fn General(workspace: Workspace, rename: FormAction<RenameWorkspace>) -> impl IntoView {
    let answer = move || rename.value().get();
    let body = if workspace.role >= Role::Admin {
        view! {
            <ServerForm action=rename attr:class="line-form">
                <FormError error=form_error(answer, &["name"])/>
                <input type="hidden" name="workspace" value=workspace.id.to_string()/>
                <div class="line-form__fields">
                    <Field
                        name="name" id="workspace-name" label="Name" required=true maxlength=120 value=workspace.name
                        error=field_error(answer, "name")
                    />
                    <Button pending=rename.pending()>"Save"</Button>
                </div>
            </ServerForm>
        }
        .into_any()
    } else {
        view! {
            <p class="settings__about">
                "Your role here is "{role_name(workspace.role).to_lowercase()}". An admin can change the name."
            </p>
        }
        .into_any()
    };
    view! {
        <section class="settings__section" id="general" aria-labelledby="general-title">
            <h2 id="general-title">"General"</h2>
            {body}
        </section>
    }
}

/// What cannot be taken back, each with its name and what follows.
#[component]
fn Danger(workspace: Workspace, heirs: domain::Page<Member>, transfer: FormAction<TransferOwnership>) -> impl IntoView {
    let owns = workspace.role == Role::Owner;
    view! {
        <section class="settings__section" id="danger" aria-labelledby="danger-title">
            <h2 id="danger-title">"Danger"</h2>
            <div class="danger">
                <Leave workspace=workspace.clone()/>
                {(owns && (!heirs.items.is_empty() || heirs.next.is_some())).then(|| view! { <Transfer workspace=workspace.id heirs transfer/> })}
                {owns.then(|| view! { <Delete workspace/> })}
            </div>
        </section>
    }
}

#[component]
fn Leave(workspace: Workspace) -> impl IntoView {
    let leave = FormAction::<LeaveWorkspace>::new();
    view! {
        <div class="danger__row">
            <div class="danger__text">
                <h3>"Leave"</h3>
                <p>"You lose access at once, and your API keys end. To come back you need an invitation."</p>
                <FormError error=form_error(move || leave.value().get(), &[])/>
            </div>
            <button type="button" class="button button--danger" popovertarget="leave">
                <span class="button__label">"Leave workspace"</span>
            </button>
            <Confirm id="leave" verb="Leave" name=workspace.name text="Your documents and conversations stay with the workspace.">
                <ServerForm action=leave>
                    <input type="hidden" name="workspace" value=workspace.id.to_string()/>
                    <ConfirmActions popover="leave" verb="Leave" keep="Stay" pending=leave.pending()/>
                </ServerForm>
            </Confirm>
        </div>
    }
}

#[component]
fn Transfer(
    workspace: WorkspaceId,
    heirs: domain::Page<Member>,
    transfer: FormAction<TransferOwnership>,
) -> impl IntoView {
    let domain::Page { items, next } = heirs;
    let people = items
        .into_iter()
        .map(|member| (member.id.to_string(), format!("{} ({})", member.display_name, member.email)))
        .collect();
    view! {
        <div class="danger__row">
            <ServerForm action=transfer attr:class="danger__form">
                <div class="danger__text">
                    <h3>"Transfer ownership"</h3>
                    <p>"Somebody else becomes owner, and you an admin."</p>
                    <FormError error=form_error(move || transfer.value().get(), &[])/>
                    <Select name="member" id="transfer-member" label="New owner" options=people/>
                    // Others to choose from, where one list does not hold all.
                    <Pager next path=format!("{}#danger", settings_path(workspace)) param="heirs"/>
                </div>
                <Button variant=Variant::Danger pending=transfer.pending()>"Transfer ownership"</Button>
            </ServerForm>
        </div>
    }
}

#[component]
fn Delete(workspace: Workspace) -> impl IntoView {
    let delete = FormAction::<DeleteWorkspace>::new();
    let answer = move || delete.value().get();
    view! {
        <div class="danger__row">
            <ServerForm action=delete attr:class="danger__form">
                <div class="danger__text">
                    <h3>"Delete workspace"</h3>
                    <p>"All projects, documents and conversations go for good, for everyone."</p>
                    <FormError error=form_error(answer, &["confirmation"])/>
                    <input type="hidden" name="workspace" value=workspace.id.to_string()/>
                    <Field
                        name="confirmation" id="delete-confirmation" label=format!("Type \u{201c}{}\u{201d} to confirm", workspace.name)
                        required=true maxlength=120 error=field_error(answer, "confirmation")
                    />
                </div>
                <Button variant=Variant::Danger pending=delete.pending()>"Delete workspace"</Button>
            </ServerForm>
        </div>
    }
}
