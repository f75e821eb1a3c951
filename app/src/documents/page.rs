use super::{
    actions::DocumentActions,
    api::{self, DocumentsHome},
    files::{DropZone, FileInput},
    keyboard,
    list::DocumentList,
    live,
    row::{DocumentRow, UploadRow},
    upload::{Place, Uploads},
};
use crate::{
    error::ApiError,
    flash::NoticeLine,
    folders::{
        Bulk, ChooseAll, FolderList, FolderRow, ItemActions, NewFolderButton, Selection, Shown, api::ProjectFolders,
        href,
    },
    links::{AddLinkButton, AddLinkDialog},
    loaded::loaded,
    routes::{path_id, query_param},
    search::IndexLine,
    ui::{
        Crumb, Empty, Failure, FormError, Glyph, Icon, LinkButton, Page, Pager, Skeleton, Toast, Variant, use_toasts,
    },
    written::NewDocumentForm,
};
use domain::{
    Cursor, DocumentId, FolderId, ProjectId,
    documents::Document,
    folders::{FolderLink, Item},
    projects::Project,
    workspaces::Role,
};
use leptos::prelude::*;

/// A project's documents: a folder of them, or those at the top.
#[component]
pub fn DocumentsPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let folder = query_param("folder");
    let cursor = query_param("cursor");
    // What is no id is not found.
    let folder = move || folder().map(|id| id.parse::<FolderId>()).transpose().map_err(|_| ApiError::not_found());
    let home = Resource::new_blocking(
        move || (id(), folder(), cursor().map(Cursor)),
        |(id, folder, cursor)| async move { api::open_documents(id?, folder?, cursor).await },
    );
    // It outlives the folder in view: what is on its way goes on.
    let uploads = Uploads::new();
    view! {
        <Transition fallback=Loading>
            {move || {
                let from_newest = cursor().is_none();
                Suspend::new(async move { content(loaded(home).await, uploads, from_newest) })
            }}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Documents" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <div class="page__head"><h1>"Documents"</h1></div>
            <Skeleton rows=8/>
        </Page>
    }
}

fn content(home: Result<DocumentsHome, ApiError>, uploads: Uploads, from_newest: bool) -> AnyView {
    let DocumentsHome { project, contents, folders, unfinished, index, notice } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let place = contents.path.last().cloned();
    let folder = place.as_ref().map(|place| place.id);
    let title = place.map_or_else(|| "Documents".to_owned(), |place| place.name);
    let crumbs = crumbs(&project, &contents.path);
    let Project { id, name, role, .. } = project;
    let may_write = role >= Role::Member;
    let list = DocumentList::new(contents.documents, folder, from_newest);
    let unfinished = if may_write { unfinished } else { Vec::new() };
    uploads.show(Place::Folder(id, folder), unfinished, Callback::new(move |document| list.put(document)));
    let folders = FolderList::new(id, folder, ProjectFolders { here: contents.folders, all: folders });
    let shown = Shown {
        take: Callback::new(move |ids: Vec<DocumentId>| list.take(&ids)),
        put_back: Callback::new(move |documents: Vec<Document>| list.put_back(documents)),
    };
    let items = ItemActions::new(folders, Selection::new(), shown);
    let actions = DocumentActions::new(move |document| list.put(document));
    live::follow(id, move |change| list.apply(change));

    let is_empty = move || folders.is_empty() && list.is_empty() && uploads.list().with(Vec::is_empty);
    let nothing = move || {
        if folder.is_some() {
            view! { <EmptyFolder may_write/> }.into_any()
        } else {
            view! { <NoDocuments may_write/> }.into_any()
        }
    };
    view! {
        <Page
            title=format!("{title} \u{b7} {name}") crumbs
            action=move || may_write.then(|| view! {
                <AddLinkButton/>
                <NewDocumentForm project=id folder/>
                <UploadForm project=id folder uploads/>
            })
        >
            <div class="page__head">
                <h1>{title.clone()}</h1>
                <div class="page__tools">
                    {may_write.then(|| view! { <NewFolderButton actions=items/> })}
                    <LinkButton href=format!("/projects/{id}/search") variant=Variant::Quiet icon=Glyph::Search>"Search"</LinkButton>
                </div>
            </div>
            <NoticeLine notice/>
            <IndexLine index/>
            <FormError error=actions.error()/>
            <FormError error=items.error()/>
            {may_write.then(|| view! { <AddLinkDialog project=id folder added=move |document| list.put(document)/> })}
            <Show when=move || !is_empty() fallback=nothing>
                <DocumentTable list uploads actions items may_write/>
            </Show>
            <More project=id folder list/>
            <p class="documents-foot">
                <a href=format!("/projects/{id}/trash")><Icon glyph=Glyph::Trash2/>"Trash"</a>
            </p>
            {may_write.then(|| view! {
                <Bulk actions=items/>
                <DropZone words="Drop to add" dropped=move |files| uploads.add(files)/>
            })}
        </Page>
    }
    .into_any()
}

/// From the workspace down to the folder in view.
fn crumbs(project: &Project, path: &[FolderLink]) -> Vec<Crumb> {
    let Project { id, name, workspace, .. } = project;
    let mut crumbs = vec![
        Crumb::link(workspace.name.clone(), format!("/workspaces/{}", workspace.id)),
        Crumb::link(name.clone(), format!("/projects/{id}")),
    ];
    let Some((here, around)) = path.split_last() else {
        crumbs.push(Crumb::here("Documents"));
        return crumbs;
    };
    crumbs.push(Crumb::link("Documents", href(*id, None)));
    crumbs.extend(around.iter().map(|folder| Crumb::link(folder.name.clone(), href(*id, Some(folder.id)))));
    crumbs.push(Crumb::here(here.name.clone()));
    crumbs
}

#[component]
fn DocumentTable(
    list: DocumentList,
    uploads: Uploads,
    actions: DocumentActions,
    items: ItemActions,
    may_write: bool,
) -> impl IntoView {
    // The newest on top, also among those on their way.
    let in_flight = move || uploads.list().get().into_iter().rev().collect::<Vec<_>>();
    let folders = items.folders;
    let all = Signal::derive(move || {
        let folders = folders.here().into_iter().map(|folder| Item::Folder(folder.id));
        folders.chain(list.rows().into_iter().map(|row| Item::Document(row.id))).collect::<Vec<_>>()
    });
    view! {
        <table class="documents" role="table" aria-label="Documents">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col" class="document__choice">
                        {may_write.then(|| view! { <ChooseAll selection=items.selection all/> })}
                    </th>
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col" class="document__pages">"Pages"</th>
                    <th role="columnheader" scope="col" class="document__size">"Size"</th>
                    <th role="columnheader" scope="col" class="document__by">"Added by"</th>
                    <th role="columnheader" scope="col" class="document__at">"Added"</th>
                    <th role="columnheader" scope="col" class="document__actions"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody role="rowgroup" on:keydown=|event| keyboard::walk(&event)>
                <For each=move || folders.here() key=|folder| (folder.id, folder.name.clone(), folder.item_count) let:folder>
                    <FolderRow folder actions=items/>
                </For>
                <For each=in_flight key=|upload| upload.key let:upload>
                    <UploadRow upload uploads/>
                </For>
                <For each=move || list.rows() key=|row| row.id let:listed>
                    <DocumentRow listed actions items/>
                </For>
            </tbody>
        </table>
    }
}

/// The way to older documents: a link, or in place with JavaScript.
#[component]
fn More(project: ProjectId, folder: Option<FolderId>, list: DocumentList) -> impl IntoView {
    let toasts = use_toasts();
    let more = Action::new(move |cursor: &Cursor| {
        let cursor = cursor.clone();
        async move {
            match api::list_documents(project, folder, Some(cursor)).await {
                Ok(page) => list.append(page),
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        }
    });
    view! {
        <Pager
            next=list.next() path=href(project, folder)
            on_more=Callback::new(move |cursor| { more.dispatch(cursor); }) pending=more.pending()
        />
    }
}

#[component]
fn EmptyFolder(may_write: bool) -> impl IntoView {
    let text = if may_write {
        "Drop files anywhere on this page, or select documents elsewhere and move them here."
    } else {
        "When a member of this workspace puts documents here, they appear."
    };
    view! { <Empty title="This folder is empty" text/> }
}

#[component]
fn NoDocuments(may_write: bool) -> impl IntoView {
    let text = if may_write {
        "Drop files anywhere on this page. They are read, indexed and ready to be asked within a minute; every answer cites the page it comes from."
    } else {
        "When a member of this workspace adds documents, they appear here."
    };
    view! {
        <section class="empty documents-empty">
            <span class="documents-empty__sheet" aria-hidden="true"><Icon glyph=Glyph::FileText size=20/></span>
            <h2>"Add the documents that hold the answers"</h2>
            <p>{text}</p>
            <p class="documents-empty__kinds">"PDF, Word, PowerPoint, Excel, EPUB, CSV, Markdown, HTML, text and pictures"</p>
        </section>
    }
}

/// The page's main action. With JavaScript the files go up as soon as they are chosen; without it the form sends them.
#[component]
fn UploadForm(project: ProjectId, folder: Option<FolderId>, uploads: Uploads) -> impl IntoView {
    let query = folder.map(|folder| format!("?folder={folder}")).unwrap_or_default();
    view! {
        <form class="upload" method="post" enctype="multipart/form-data" action=format!("/api/v1/projects/{project}/documents{query}")>
            <label class="upload__choose button button--primary">
                <Icon glyph=Glyph::Upload/>
                <span class="button__label">"Add documents"</span>
                <FileInput name="file" required=true chosen=move |files| uploads.add(files)/>
            </label>
            <button class="upload__send button" type="submit">"Upload"</button>
        </form>
    }
}
