use super::{
    actions::DocumentActions,
    api::{self, DocumentsHome},
    list::DocumentList,
    live,
    row::{DocumentRow, UploadRow},
    upload::Uploads,
};
use crate::{
    error::ApiError,
    routes::{path_id, query_param},
    search::IndexLine,
    ui::{Crumb, Failure, FormError, Glyph, Icon, LinkButton, Page, Pager, Skeleton, Toast, Variant, use_toasts},
    written::NewDocumentForm,
};
use domain::{Cursor, ProjectId, projects::Project, workspaces::Role};
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};
use web_sys::{DragEvent, Event, HtmlInputElement};

/// What the file picker offers; the server decides by the bytes.
const ACCEPTED: &str =
    ".pdf,.docx,.pptx,.xlsx,.epub,.csv,.tsv,.md,.markdown,.txt,.html,.htm,.png,.jpg,.jpeg,.webp,.gif";

/// A project's documents.
#[component]
pub fn DocumentsPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let cursor = query_param("cursor");
    let home = Resource::new_blocking(
        move || (id(), cursor().map(Cursor)),
        |(id, cursor)| async move { api::open_documents(id?, cursor).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || {
                let from_newest = cursor().is_none();
                Suspend::new(async move { content(home.await, from_newest) })
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

fn content(home: Result<DocumentsHome, ApiError>, from_newest: bool) -> AnyView {
    let DocumentsHome { project, documents, unfinished, index } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let Project { id, name, workspace, role, .. } = project;
    let may_write = role >= Role::Member;
    let list = DocumentList::new(documents, from_newest);
    let uploads = Uploads::new(
        id,
        if may_write { unfinished } else { Vec::new() },
        Callback::new(move |document| list.put(document)),
    );
    let toasts = use_toasts();
    let actions = DocumentActions::new(
        move |document| list.put(document),
        move |id| {
            let name = list.remove(id).unwrap_or_else(|| "The document".to_owned());
            toasts.push(Toast::ok(format!("{name} is deleted.")));
        },
    );
    live::follow(id, move |change| list.apply(change));

    let crumbs = vec![
        Crumb::link(workspace.name, format!("/workspaces/{}", workspace.id)),
        Crumb::link(name.clone(), format!("/projects/{id}")),
        Crumb::here("Documents"),
    ];
    let is_empty = move || list.is_empty() && uploads.list().with(Vec::is_empty);
    view! {
        <Page title=format!("Documents \u{b7} {name}") crumbs action=move || may_write.then(|| view! { <NewDocumentForm project=id/><UploadForm project=id uploads/> })>
            <div class="page__head">
                <h1>"Documents"</h1>
                <LinkButton href=format!("/projects/{id}/search") variant=Variant::Quiet icon=Glyph::Search>"Search"</LinkButton>
            </div>
            <IndexLine index/>
            <FormError error=actions.error()/>
            <Show when=move || !is_empty() fallback=move || view! { <NoDocuments may_write/> }>
                <DocumentTable list uploads actions/>
            </Show>
            <More project=id list/>
            {may_write.then(|| view! { <DropZone uploads/> })}
        </Page>
    }
    .into_any()
}

#[component]
fn DocumentTable(list: DocumentList, uploads: Uploads, actions: DocumentActions) -> impl IntoView {
    // The newest on top, also among those on their way.
    let in_flight = move || uploads.list().get().into_iter().rev().collect::<Vec<_>>();
    view! {
        <table class="documents" role="table" aria-label="Documents">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col" class="document__pages">"Pages"</th>
                    <th role="columnheader" scope="col" class="document__size">"Size"</th>
                    <th role="columnheader" scope="col" class="document__by">"Added by"</th>
                    <th role="columnheader" scope="col" class="document__at">"Added"</th>
                    <th role="columnheader" scope="col" class="document__actions"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=in_flight key=|upload| upload.key let:upload>
                    <UploadRow upload uploads/>
                </For>
                <For each=move || list.rows() key=|row| row.id let:listed>
                    <DocumentRow listed actions/>
                </For>
            </tbody>
        </table>
    }
}

/// The way to older documents: a link, or in place with JavaScript.
#[component]
fn More(project: ProjectId, list: DocumentList) -> impl IntoView {
    let toasts = use_toasts();
    let more = Action::new(move |cursor: &Cursor| {
        let cursor = cursor.clone();
        async move {
            match api::list_documents(project, Some(cursor)).await {
                Ok(page) => list.append(page),
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        }
    });
    view! {
        <Pager
            next=list.next() path=format!("/projects/{project}/documents")
            on_more=Callback::new(move |cursor| { more.dispatch(cursor); }) pending=more.pending()
        />
    }
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
            <p class="documents-empty__kinds">"PDF, Markdown, HTML and plain text"</p>
        </section>
    }
}

/// The page's main action. With JavaScript the files go up as soon as they are chosen; without it the form sends them.
#[component]
fn UploadForm(project: ProjectId, uploads: Uploads) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let take = move |input: &HtmlInputElement| {
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            uploads.add(&files);
            // So that the same file can be chosen again.
            input.set_value("");
        }
    };
    // Chosen before the page came alive.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            take(&input);
        }
    });
    let changed = move |event: Event| {
        if let Some(input) = event.target().and_then(|target| target.dyn_into().ok()) {
            take(&input);
        }
    };
    view! {
        <form class="upload" method="post" enctype="multipart/form-data" action=format!("/api/v1/projects/{project}/documents")>
            <label class="upload__choose button button--primary">
                <Icon glyph=Glyph::Upload/>
                <span class="button__label">"Add documents"</span>
                <input
                    class="upload__input" type="file" name="file" multiple=true required=true accept=ACCEPTED node_ref=input
                    on:change=changed
                />
            </label>
            <button class="upload__send button" type="submit">"Upload"</button>
        </form>
    }
}

/// Takes files that are dropped anywhere on the page.
#[component]
fn DropZone(uploads: Uploads) -> impl IntoView {
    // Entering a child is told before leaving its parent: count both.
    let depth = RwSignal::new(0_i32);
    let entered = window_event_listener(ev::dragenter, move |event: DragEvent| {
        if carries_files(&event) {
            depth.update(|depth| *depth += 1);
        }
    });
    let left = window_event_listener(ev::dragleave, move |event: DragEvent| {
        if carries_files(&event) {
            depth.update(|depth| *depth = (*depth - 1).max(0));
        }
    });
    // Without this the browser opens what is dropped.
    let over = window_event_listener(ev::dragover, move |event: DragEvent| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    let dropped = window_event_listener(ev::drop, move |event: DragEvent| {
        depth.set(0);
        if let Some(files) = event.data_transfer().and_then(|data| data.files()).filter(|files| files.length() > 0) {
            event.prevent_default();
            uploads.add(&files);
        }
    });
    on_cleanup(move || {
        for listener in [entered, left, over, dropped] {
            listener.remove();
        }
    });
    view! {
        <div class="drop-zone" data-over=move || (depth.get() > 0).then_some("") aria-hidden="true">
            <p><Icon glyph=Glyph::Upload size=20/>"Drop to add"</p>
        </div>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().iter().any(|kind| kind == "Files"))
}
