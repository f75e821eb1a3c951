use super::api::{self, DeleteFromTrash, EmptyTrash, RestoreFromTrash, TrashHome};
use crate::{
    error::ApiError,
    flash::NoticeLine,
    folders::ItemFields,
    loaded::loaded,
    routes::{path_id, query_param},
    ui::{
        Button, Confirm, ConfirmActions, Crumb, Empty, Failure, FormError, Glyph, Icon, LinkButton, Page, Pager,
        Popover, Skeleton, Time, Toast, Toasts, error_on_arrival, use_toasts,
    },
    workspaces::count,
};
use domain::{
    Cursor, ProjectId,
    folders::{Item, Items},
    projects::Project,
    trash::{KEPT_DAYS, Trashed},
    workspaces::Role,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// What was put away in a project, with the way back.
#[component]
pub fn TrashPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let cursor = query_param("cursor");
    let home = Resource::new_blocking(
        move || (id(), cursor().map(Cursor)),
        |(id, cursor)| async move { api::open_trash(id?, cursor).await },
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
        <Page title="Trash" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <div class="page__head"><h1>"Trash"</h1></div>
            <Skeleton rows=5/>
        </Page>
    }
}

/// One of each for the page, however many entries it lists.
#[derive(Clone, Copy)]
struct TrashActions {
    project: ProjectId,
    entries: RwSignal<Vec<Trashed>>,
    next: RwSignal<Option<Cursor>>,
    restore: ServerAction<RestoreFromTrash>,
    delete: ServerAction<DeleteFromTrash>,
    empty: ServerAction<EmptyTrash>,
    /// Reads on when nothing is left of the page in view.
    read: Action<(), ()>,
    toasts: Toasts,
}

impl TrashActions {
    fn new(project: ProjectId, entries: domain::Page<Trashed>) -> Self {
        let (next, entries) = (RwSignal::new(entries.next), RwSignal::new(entries.items));
        let toasts = use_toasts();
        let actions = Self {
            project,
            entries,
            next,
            restore: ServerAction::new(),
            delete: ServerAction::new(),
            empty: ServerAction::new(),
            read: Action::new(move |()| read_on(project, entries, next, toasts)),
            toasts,
        };
        Effect::new(move |_| actions.hear(actions.restore, "back where it was"));
        Effect::new(move |_| actions.hear(actions.delete, "deleted for good"));
        Effect::new(move |_| {
            if actions.answer(actions.empty).is_some() {
                actions.entries.update(Vec::clear);
                actions.next.set(None);
                actions.toasts.push(Toast::ok("The trash is empty."));
            }
        });
        actions
    }

    /// What was done; what could not be is told. What the page came with stands in it already.
    fn answer<S>(self, action: ServerAction<S>) -> Option<S::Output>
    where
        S: ServerFn<Error = ApiError> + Send + Sync + Clone + 'static,
        S::Output: Send + Sync + Clone + 'static,
    {
        match action.value().get()? {
            Ok(done) => Some(done),
            Err(error) => {
                if action.version().get_untracked() > 0 {
                    self.toasts.push(Toast::bad(error.to_string()));
                }
                None
            }
        }
    }

    fn hear<S>(self, action: ServerAction<S>, done: &str)
    where
        S: ServerFn<Output = Items, Error = ApiError> + Send + Sync + Clone + 'static,
    {
        let Some(items) = self.answer(action) else { return };
        if let Some(name) = self.take(&items) {
            self.toasts.push(Toast::ok(format!("{name} is {done}.")));
        }
        if self.entries.with_untracked(Vec::is_empty) {
            self.read.dispatch(());
        }
    }

    /// Takes an entry off the list, and tells its name.
    fn take(self, items: &Items) -> Option<String> {
        let is_meant = |entry: &Trashed| match entry.item {
            Item::Folder(id) => items.folders.contains(&id),
            Item::Document(id) => items.documents.contains(&id),
        };
        let name = self.entries.with_untracked(|all| all.iter().find(|entry| is_meant(entry)).map(|e| e.name.clone()));
        self.entries.update(|all| all.retain(|entry| !is_meant(entry)));
        name
    }

    /// What a form without JavaScript came back with.
    fn error(self) -> Signal<Option<String>> {
        let (restore, delete) = (error_on_arrival(self.restore), error_on_arrival(self.delete));
        let empty = error_on_arrival(self.empty);
        Signal::derive(move || restore.get().or_else(|| delete.get()).or_else(|| empty.get()))
    }
}

/// The next page of the list or, after the last, the first.
async fn read_on(project: ProjectId, entries: RwSignal<Vec<Trashed>>, next: RwSignal<Option<Cursor>>, toasts: Toasts) {
    match api::open_trash(project, next.get_untracked()).await {
        Ok(home) => {
            // Nothing to set where the trash has been left meanwhile.
            next.try_set(home.entries.next);
            entries.try_set(home.entries.items);
        }
        Err(error) => toasts.push(Toast::bad(error.to_string())),
    }
}

fn content(home: Result<TrashHome, ApiError>) -> AnyView {
    let TrashHome { project, entries, notice } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let Project { id, name, workspace, role, .. } = project;
    let may_write = role >= Role::Member;
    let crumbs = vec![
        Crumb::link(workspace.name, format!("/workspaces/{}", workspace.id)),
        Crumb::link(name.clone(), format!("/projects/{id}")),
        Crumb::link("Documents", format!("/projects/{id}/documents")),
        Crumb::here("Trash"),
    ];
    let actions = TrashActions::new(id, entries);
    let reading = actions.read.pending();
    let is_empty =
        Memo::new(move |_| actions.entries.with(Vec::is_empty) && actions.next.with(Option::is_none) && !reading.get());
    view! {
        <Page title=format!("Trash \u{b7} {name}") crumbs>
            <div class="page__head">
                <h1>"Trash"</h1>
                <Show when=move || may_write && !is_empty.get()><EmptyButton actions/></Show>
            </div>
            <NoticeLine notice/>
            <FormError error=actions.error()/>
            <Show when=move || !is_empty.get() fallback=move || view! { <NothingHere project=id/> }>
                <p class="lead">{format!("What is here is in no list, search or answer. After {KEPT_DAYS} days it is deleted for good.")}</p>
                <Entries actions may_write/>
            </Show>
            <Pager next=actions.next path=format!("/projects/{id}/trash")/>
        </Page>
    }
    .into_any()
}

#[component]
fn NothingHere(project: ProjectId) -> impl IntoView {
    let text =
        format!("Documents and folders that you delete wait here for {KEPT_DAYS} days, so that each can be had back.");
    view! {
        <Empty title="The trash is empty" text>
            <LinkButton href=format!("/projects/{project}/documents") icon=Glyph::FileText>"Documents"</LinkButton>
        </Empty>
    }
}

#[component]
fn EmptyButton(actions: TrashActions) -> impl IntoView {
    let empty = actions.empty;
    view! {
        <button type="button" class="button" popovertarget="empty-trash">
            <Icon glyph=Glyph::Trash2/>
            <span class="button__label">"Empty the trash"</span>
        </button>
        <Popover id="empty-trash" title=|| "Delete all that is in the trash?">
            <p>"Files and text go for good. Answers keep their words, but lose what they cite from them."</p>
            <ActionForm action=empty>
                <input type="hidden" name="project" value=actions.project.to_string()/>
                <ConfirmActions popover="empty-trash" verb="Delete all" keep="Keep them" pending=empty.pending()/>
            </ActionForm>
        </Popover>
    }
}

#[component]
fn Entries(actions: TrashActions, may_write: bool) -> impl IntoView {
    let entries = actions.entries;
    view! {
        <table class="trash" role="table" aria-label="Trash">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col" class="trash__by">"Deleted by"</th>
                    <th role="columnheader" scope="col" class="trash__at">"Deleted"</th>
                    <th role="columnheader" scope="col" class="trash__until">"Kept until"</th>
                    <th role="columnheader" scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || entries.get() key=|entry| entry.item let:entry>
                    <Entry entry actions may_write/>
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn Entry(entry: Trashed, actions: TrashActions, may_write: bool) -> impl IntoView {
    let Trashed { item, name, folder_name, document_count, trashed_by, trashed_at, kept_until } = entry;
    let (glyph, facts) = match item {
        Item::Folder(_) => (Glyph::Folder, Some(format!("With {}", count(document_count, "document")))),
        Item::Document(_) => (Glyph::FileText, None),
    };
    let from = folder_name.map(|folder| format!("From {folder}"));
    let facts = [facts, from].into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ");
    let link = match item {
        Item::Document(id) => {
            view! { <a class="trash__name" href=format!("/documents/{id}")>{name.clone()}</a> }.into_any()
        }
        Item::Folder(_) => view! { <span class="trash__name">{name.clone()}</span> }.into_any(),
    };
    view! {
        <tr role="row" class="trash__row">
            <th role="rowheader" scope="row" class="trash__what">
                <Icon glyph/>
                <div>
                    {link}
                    {(!facts.is_empty()).then(|| view! { <span class="trash__facts">{facts}</span> })}
                </div>
            </th>
            <td role="cell" class="trash__by">{trashed_by}</td>
            <td role="cell" class="trash__at"><Time at=trashed_at/></td>
            <td role="cell" class="trash__until"><Time at=kept_until/></td>
            <td role="cell" class="trash__actions">
                {may_write.then(|| view! { <EntryActions item name actions/> })}
            </td>
        </tr>
    }
}

#[component]
fn EntryActions(item: Item, name: String, actions: TrashActions) -> impl IntoView {
    let (restore, delete, project) = (actions.restore, actions.delete, actions.project);
    let restoring = Signal::derive(move || {
        restore.input().with(|input| input.as_ref().is_some_and(|input| is_it(item, &input.folders, &input.documents)))
    });
    let deleting = Signal::derive(move || {
        delete.input().with(|input| input.as_ref().is_some_and(|input| is_it(item, &input.folders, &input.documents)))
    });
    let dialog = match item {
        Item::Folder(id) => format!("delete-{id}"),
        Item::Document(id) => format!("delete-{id}"),
    };
    let (opens, popover) = (dialog.clone(), dialog.clone());
    let text = "Files and text go. Answers keep their words, but lose what they cite from them.";
    // Each begins with what is seen on the button.
    let (restores, deletes) = (format!("Restore {name}"), format!("Delete for good: {name}"));
    view! {
        <div class="trash__buttons">
            <ActionForm action=restore>
                <ItemFields project item/>
                <Button small=true icon=Glyph::RotateCcw pending=restoring attr:aria-label=restores>"Restore"</Button>
            </ActionForm>
            <button
                type="button" class="button button--quiet button--small" popovertarget=opens
                aria-label=deletes
            >
                <span class="button__label">"Delete for good"</span>
            </button>
        </div>
        <Confirm id=dialog verb="Delete" name how=" for good" text>
            <ActionForm action=delete>
                <ItemFields project item/>
                <ConfirmActions popover verb="Delete for good" keep="Keep it" pending=deleting/>
            </ActionForm>
        </Confirm>
    }
}

fn is_it(item: Item, folders: &[domain::FolderId], documents: &[domain::DocumentId]) -> bool {
    match item {
        Item::Folder(id) => folders.contains(&id),
        Item::Document(id) => documents.contains(&id),
    }
}
