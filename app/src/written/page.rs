use super::{
    api::{self, KeepText, SetStatus},
    conflict::ConflictPanel,
    editor::{Editor, SaveState},
    export::ExportMenu,
    reading::WrittenArticle,
    save_line::SaveLine,
    status::StatusMenu,
    toolbar::{Toolbar, pressed},
};
use crate::{
    call::{FormAction, ServerForm},
    documents::api::RetryDocument,
    error::ApiError,
    loaded::loaded,
    routes::path_id,
    ui::{
        Button, Crumb, Failure, FormError, Glyph, LinkButton, Page, Skeleton, Variant, area_text, error_on_arrival,
        form_error,
    },
};
use domain::{
    DocumentId, Error,
    documents::{Document, is_worth_retrying},
    workspaces::Role,
    written::WrittenText,
};
use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

/// Where a document is written.
#[component]
pub fn EditorPage() -> impl IntoView {
    let id = path_id::<DocumentId>("document");
    let opened = Resource::new_blocking(id, |id| async move { api::open_editor(id?).await });
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(opened).await) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Document" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <Skeleton rows=1/>
            <Skeleton rows=12 shape="skeleton--line"/>
        </Page>
    }
}

fn content(opened: Result<WrittenText, ApiError>) -> AnyView {
    let may_write = |written: &WrittenText| written.document.role >= Role::Member;
    let written = match opened {
        Ok(written) if may_write(&written) => written,
        other => {
            let error = other.err().unwrap_or_else(|| Error::Forbidden.into());
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not here")];
            return view! { <Page title="Not here" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let Document { id, project, name, .. } = written.document.clone();
    let crumbs = vec![
        Crumb::link(project.name, format!("/projects/{}", project.id)),
        Crumb::link("Documents", format!("/projects/{}/documents", project.id)),
        Crumb::here(name.clone()),
    ];
    let view_action = move || {
        view! { <LinkButton href=format!("/documents/{id}") icon=Glyph::BookOpen>"Read"</LinkButton> }
    };
    view! {
        <Page title=name.clone() crumbs action=view_action>
            <h1 class="visually-hidden">"Edit " {name}</h1>
            <Workbench written/>
        </Page>
    }
    .into_any()
}

#[component]
fn Workbench(written: WrittenText) -> impl IntoView {
    let Document { id, role, .. } = written.document;
    let failure = written.failure.clone();
    let editor = Editor::new(&written);
    let status_action = FormAction::<SetStatus>::new();
    let settled = Signal::derive(move || editor.state.with(|state| matches!(state, SaveState::Saved { .. })));
    // On a phone one of the two is seen at a time.
    let previews = RwSignal::new(false);
    view! {
        <div class="editor" data-view=move || if previews.get() { "preview" } else { "write" }>
            <div class="editor__bar">
                <Toolbar editor/>
                <div class="editor__views segments needs-script" role="group" aria-label="View">
                    <button type="button" class="segment" aria-pressed=move || (!previews.get()).to_string() on:click=move |_| previews.set(false)>"Write"</button>
                    <button type="button" class="segment" aria-pressed=move || previews.get().to_string() on:click=move |_| previews.set(true)>"Preview"</button>
                </div>
                <SaveLine editor/>
                <div class="editor__menus">
                    <StatusMenu id role action=status_action status=editor.status revision=editor.revision settled/>
                    <LinkButton href=format!("/documents/{id}/history") variant=Variant::Quiet small=true icon=Glyph::History>"History"</LinkButton>
                    <ExportMenu id/>
                </div>
            </div>
            <FormError error=error_on_arrival(status_action)/>
            {failure.map(|reason| view! { <NotAnswered id reason/> })}
            <ConflictPanel editor/>
            <Restored editor/>
            <WritingForm editor written/>
            <section class="editor__preview" aria-label="Preview">
                <WrittenArticle text=editor.text/>
            </section>
        </div>
    }
}

/// The fields. Without JavaScript they are a form like any other.
#[component]
fn WritingForm(editor: Editor, written: WrittenText) -> impl IntoView {
    let keep = FormAction::<KeepText>::new();
    let error = form_error(move || keep.value().get(), &[]);
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        editor.save();
    };
    let WrittenText { document, text, .. } = written;
    view! {
        <form class="editor__form" method="post" action=KeepText::url() on:submit=submitted autocomplete="off">
            <FormError error/>
            <input type="hidden" name="id" value=document.id.to_string()/>
            <input type="hidden" name="revision" value=move || editor.revision.get().to_string()/>
            <label class="visually-hidden" for="written-title">"Title"</label>
            <input
                class="editor__title" id="written-title" name="title" type="text" value=document.name maxlength="120"
                placeholder="Untitled" autocomplete="off" node_ref=editor.title on:input=move |_| editor.typed()
            />
            <label class="visually-hidden" for="written-text">"Text, in Markdown"</label>
            <textarea
                class="editor__text" id="written-text" name="text" rows="24" placeholder="Write in Markdown" autocomplete="off"
                node_ref=editor.area on:input=move |_| editor.typed() on:keydown=move |event| pressed(editor, &event)
                on:blur=move |_| editor.save()
            >
                {area_text(text.into())}
            </textarea>
            <div class="without-script"><Button variant=Variant::Primary>"Save"</Button></div>
        </form>
    }
}

/// Says that what an earlier visit could not save was put back.
#[component]
fn Restored(editor: Editor) -> impl IntoView {
    view! {
        <p class="draft editor__note" role="status">
            {move || editor.restored.get().then_some("Restored what you had typed.")}
        </p>
    }
}

/// Answers are still given from an older text, and why.
#[component]
fn NotAnswered(id: DocumentId, reason: String) -> impl IntoView {
    let retry = FormAction::<RetryDocument>::new();
    let may_retry = is_worth_retrying(&reason, false);
    let done = move || matches!(retry.value().get(), Some(Ok(_)));
    let error = form_error(move || retry.value().get(), &[]);
    view! {
        <FormError error/>
        <div class="failure-line editor__note" hidden=done>
            <p>"Answers are still given from an older text. " {reason}</p>
            {may_retry.then(|| view! {
                <ServerForm action=retry>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button small=true variant=Variant::Secondary icon=Glyph::RotateCcw pending=retry.pending()>"Try again"</Button>
                </ServerForm>
            })}
        </div>
    }
}
