//! Files that come with a question: chosen, dropped or pasted at the composer, and shown on the question.

use crate::{
    documents::{
        DropZone, FileInput, UploadProgress, files_of, kind,
        live::{self, Change},
        request::{self, Trouble},
        upload::{Place, Upload, UploadState, Uploads},
    },
    draft,
    ui::{Button, Glyph, Icon, IconButton, Toast, Toasts, use_toasts},
    workspaces::count,
};
use domain::{
    DocumentId, ProjectId,
    attachments::{Attachment, AttachmentState, MAX_ATTACHMENTS},
    documents::Document,
    uploads::Upload as Kept,
};
use leptos::{ev::ClipboardEvent, prelude::*, task::spawn_local};
use web_sys::File;

/// What is to come with the next question. Cheap to copy: handles.
#[derive(Clone, Copy)]
pub(super) struct Attaching {
    project: ProjectId,
    uploads: Uploads,
    /// Those that are on their way up, or could not go.
    uploading: Signal<Vec<Upload>>,
    /// Those that are documents by now.
    documents: RwSignal<Vec<Document>>,
    /// Those on their way with a question.
    sent: RwSignal<Vec<Document>>,
    /// Of an earlier visit, and not found again yet.
    missing: RwSignal<Vec<String>>,
    /// What an earlier visit left has been looked for.
    is_restored: RwSignal<bool>,
    draft_key: StoredValue<String>,
    toasts: Toasts,
}

impl Attaching {
    /// `id` is of what is asked in: a conversation, or a project for a new one.
    pub fn new(project: ProjectId, id: &str) -> Self {
        let uploads = Uploads::new();
        let attaching = Self {
            project,
            uploads,
            uploading: uploads.list(),
            documents: RwSignal::new(Vec::new()),
            sent: RwSignal::new(Vec::new()),
            missing: RwSignal::new(Vec::new()),
            is_restored: RwSignal::new(false),
            draft_key: StoredValue::new(format!("attached:{id}")),
            toasts: use_toasts(),
        };
        let stored = Callback::new(move |document| attaching.documents.update(|documents| documents.push(document)));
        uploads.show(Place::Attachments(project), Vec::new(), stored);
        attaching.keep_draft();
        attaching
    }

    /// What is attached outlives a reload and a session: its paths in the API are kept in this browser.
    fn keep_draft(self) {
        Effect::new(move |ran: Option<()>| {
            if ran.is_none() {
                let kept = self.draft_key.with_value(|key| draft::read_all(key));
                spawn_local(async move { self.restore(kept.into_values().collect()).await });
            }
        });
        let now = Memo::new(move |_| {
            let uploads = self.uploading.get();
            let uploads = uploads.into_iter().filter_map(|upload| {
                upload.state.track();
                upload.id()
            });
            let of_documents = [self.sent.get(), self.documents.get()].concat();
            let documents = of_documents.into_iter().map(|document| format!("documents/{}", document.id));
            let uploads = uploads.map(|id| format!("uploads/{id}"));
            documents.chain(uploads).chain(self.missing.get()).collect::<Vec<_>>()
        });
        Effect::new(move |_| {
            let now = now.get();
            if self.is_restored.get() {
                // Two digits, so that their order is that of the names.
                let kept = now.into_iter().enumerate().map(|(place, path)| (format!("{place:02}"), path));
                self.draft_key.with_value(|key| draft::keep_all(key, &kept.collect()));
            }
        });
    }

    async fn restore(self, paths: Vec<String>) {
        for path in paths {
            match self.find(&path).await {
                // Deleted meanwhile, or run out.
                Ok(()) | Err(Trouble::Gone(_)) => {}
                Err(_) => {
                    let _ = self.missing.try_update(|missing| missing.push(path));
                }
            }
        }
        // Gone with its page.
        let _ = self.is_restored.try_set(true);
    }

    async fn find(self, path: &str) -> Result<(), Trouble> {
        let document = match path.starts_with("uploads/") {
            true => {
                let kept: Kept = request::get(path).await?;
                match kept.document_id {
                    Some(id) => format!("documents/{id}"),
                    None => {
                        self.uploads.restore(kept);
                        return Ok(());
                    }
                }
            }
            false => path.to_owned(),
        };
        let document: Document = request::get(&document).await?;
        let _ = self.documents.try_update(|documents| documents.push(document));
        Ok(())
    }

    /// Begins to send these files, as far as a question takes them.
    pub fn add(self, files: Vec<File>) {
        let room = MAX_ATTACHMENTS.saturating_sub(self.count());
        if files.len() > room {
            let most = format!("A question takes {MAX_ATTACHMENTS} files. Ask about the others in the next one.");
            self.toasts.push(Toast::bad(most));
        }
        self.uploads.add(files.into_iter().take(room).collect());
    }

    /// Takes the files of the clipboard. What has a text too, as from a table, is pasted as text.
    pub fn paste(self, event: &ClipboardEvent) {
        let Some(data) = event.clipboard_data() else { return };
        let is_text = data.types().iter().any(|kind| kind == "text/plain");
        if let Some(files) = data.files().filter(|files| files.length() > 0 && !is_text) {
            event.prevent_default();
            self.add(files_of(&files));
        }
    }

    fn count(self) -> usize {
        self.documents.with_untracked(Vec::len) + self.uploading.with_untracked(Vec::len)
    }

    /// A question waits for files on their way.
    pub fn is_busy(self) -> bool {
        self.uploading.with(|list| list.iter().any(|upload| upload.state.with(UploadState::is_coming)))
    }

    /// Those that go with the question that is sent now. What could not be uploaded stays.
    pub fn take(self) -> Vec<DocumentId> {
        let documents = self.documents.try_update(std::mem::take).unwrap_or_default();
        let ids = documents.iter().map(|document| document.id).collect();
        self.sent.set(documents);
        ids
    }

    /// Hears whether the question has arrived; what came with one that has not is put back.
    pub fn hear(self, has_arrived: impl Fn() -> Option<bool> + 'static) {
        Effect::new(move |_| match has_arrived() {
            Some(true) => {
                self.sent.update(Vec::clear);
                // At once: its page may be left before any effect runs.
                if self.count() == 0 {
                    self.draft_key.with_value(|key| draft::forget(key));
                }
            }
            Some(false) => {
                let sent = self.sent.try_update(std::mem::take).unwrap_or_default();
                self.documents.update(|documents| drop(documents.splice(0..0, sent)));
            }
            None => {}
        });
    }

    fn remove(self, id: DocumentId) {
        self.documents.update(|documents| documents.retain(|document| document.id != id));
    }
}

/// Opens the file picker. In the composer's form, of which it is no field.
#[component]
pub(super) fn AttachButton(attaching: Attaching) -> impl IntoView {
    view! {
        <label class="composer__attach" title="Attach files">
            <Icon glyph=Glyph::Paperclip size=20/>
            <span class="visually-hidden">"Attach files"</span>
            <FileInput chosen=move |files| attaching.add(files)/>
        </label>
        <DropZone words="Drop to attach" dropped=move |files| attaching.add(files)/>
    }
}

/// What is to come with the question, above the field that it is typed in.
#[component]
pub(super) fn ToAttach(attaching: Attaching) -> impl IntoView {
    let Attaching { project, uploads, uploading, documents, .. } = attaching;
    let is_empty = Memo::new(move |_| documents.with(Vec::is_empty) && uploading.with(Vec::is_empty));
    let is_reading =
        Memo::new(move |_| documents.with(|documents| documents.iter().any(|document| document.state.is_working())));
    let heard = Callback::new(move |changed: Document| {
        documents.update(|documents| {
            if let Some(known) = documents.iter_mut().find(|known| known.id == changed.id) {
                *known = changed;
            }
        });
    });
    let said = move || {
        if attaching.is_busy() {
            return "Uploading. The question can be sent when its files are there.".to_owned();
        }
        match documents.with(Vec::len) {
            0 => String::new(),
            files => format!("{} attached", count(u32::try_from(files).unwrap_or(u32::MAX), "file")),
        }
    };
    view! {
        <Show when=move || !is_empty.get()>
            <ul class="attachments attachments--composer" aria-label="Attached files">
                <For each=move || documents.get() key=|document| (document.id, document.updated_at) let:document>
                    <Chosen document attaching/>
                </For>
                <For each=move || uploading.get() key=|upload| upload.key let:upload>
                    <Uploading upload uploads/>
                </For>
            </ul>
        </Show>
        <p class=move || if attaching.is_busy() { "attachments__said" } else { "visually-hidden" } role="status">{said}</p>
        <Show when=move || is_reading.get()>
            <Following project heard/>
        </Show>
    }
}

/// A document that is to come with the question.
#[component]
fn Chosen(document: Document, attaching: Attaching) -> impl IntoView {
    let (id, label) = (document.id, format!("Take {} off", document.name));
    view! {
        <li class="attachment">
            <Chip attachment=Attachment::from(&document)/>
            <IconButton glyph=Glyph::X label on:click=move |_| attaching.remove(id)/>
        </li>
    }
}

/// A file on its way.
#[component]
fn Uploading(upload: Upload, uploads: Uploads) -> impl IntoView {
    let name = upload.name.get_value();
    let label = format!("Take {name} off");
    let can_retry = upload.size > 0;
    let failure = move || match upload.state.get() {
        UploadState::Failed(reason) => Some(reason),
        _ => None,
    };
    let is_unchosen = move || upload.state.with(|state| matches!(state, UploadState::Unchosen { .. }));
    view! {
        <li class="attachment">
            <div class="attachment__body">
                <Icon glyph=Glyph::Upload/>
                <span class="attachment__name">{name.clone()}</span>
                <UploadProgress upload name=name.clone()/>
            </div>
            <IconButton glyph=Glyph::X label on:click=move |_| uploads.remove(upload)/>
            {move || failure().map(|reason| view! {
                <div class="attachment__failure" role="alert">
                    <p>{reason}</p>
                    {can_retry.then(|| view! {
                        <Button small=true kind="button" icon=Glyph::RotateCcw on:click=move |_| uploads.resume(upload)>"Try again"</Button>
                    })}
                </div>
            })}
            <Show when=is_unchosen>
                <p class="attachment__hint">"Choose the same file again, and it goes on from there."</p>
            </Show>
        </li>
    }
}

/// What came with a question.
#[component]
pub(super) fn Attachments(attachments: Vec<Attachment>, project: ProjectId) -> impl IntoView {
    let attachments = RwSignal::new(attachments);
    let is_reading = Memo::new(move |_| {
        attachments.with(|attachments| attachments.iter().any(|one| one.state == AttachmentState::Reading))
    });
    let heard = Callback::new(move |changed: Document| {
        attachments.update(|attachments| {
            if let Some(known) = attachments.iter_mut().find(|known| known.document_id == Some(changed.id)) {
                *known = Attachment::from(&changed);
            }
        });
    });
    let chips = move || {
        let chip = |attachment| view! { <li class="attachment"><Chip attachment/></li> };
        attachments.get().into_iter().map(chip).collect_view()
    };
    view! {
        <ul class="attachments" aria-label="Attached files">{chips}</ul>
        <Show when=move || is_reading.get()>
            <Following project heard/>
        </Show>
    }
}

/// Hears how the project's documents change, as long as it is in view.
#[component]
fn Following(project: ProjectId, heard: Callback<Document>) -> impl IntoView {
    live::follow(project, move |change| {
        if let Change::Changed(document) = change {
            heard.run(*document);
        }
    });
}

/// Name, kind and state, and the way to the document as long as there is one.
#[component]
fn Chip(attachment: Attachment) -> impl IntoView {
    let words = words(&attachment);
    let Attachment { document_id, name, media_type, state, failure } = attachment;
    let glyph = if media_type.is_some_and(|kind| kind.starts_with("image/")) { Glyph::Image } else { Glyph::FileText };
    let is_bad = matches!(state, AttachmentState::Empty | AttachmentState::Failed | AttachmentState::Trashed);
    let tone = is_bad.then_some("bad");
    let body = view! {
        <Icon glyph/>
        <span class="attachment__name">{name}</span>
        <span class="attachment__state" data-tone=tone>{words}</span>
    };
    let body = match document_id {
        Some(id) => view! { <a class="attachment__body" href=format!("/documents/{id}")>{body}</a> }.into_any(),
        None => view! { <span class="attachment__body">{body}</span> }.into_any(),
    };
    let failure = failure.filter(|_| state == AttachmentState::Failed);
    view! {
        {body}
        {failure.map(|reason| view! { <p class="attachment__failure">{reason}</p> })}
    }
}

fn words(attachment: &Attachment) -> String {
    match attachment.state {
        AttachmentState::Reading => "being read".to_owned(),
        AttachmentState::Ready => attachment.media_type.as_deref().map(kind).unwrap_or_default().to_owned(),
        AttachmentState::Empty => "no text in it".to_owned(),
        AttachmentState::Failed => "not read".to_owned(),
        AttachmentState::Trashed => "in the trash".to_owned(),
        AttachmentState::Deleted => "deleted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_says_what_can_be_had_of_the_file() {
        let mut attachment = Attachment {
            document_id: None,
            name: "Minutes.pdf".to_owned(),
            media_type: Some("application/pdf".to_owned()),
            state: AttachmentState::Ready,
            failure: None,
        };
        assert_eq!(words(&attachment), "PDF");
        for (state, said) in [
            (AttachmentState::Reading, "being read"),
            (AttachmentState::Trashed, "in the trash"),
            (AttachmentState::Deleted, "deleted"),
        ] {
            attachment.state = state;
            assert_eq!(words(&attachment), said);
        }
    }
}
