use super::api::{DeleteFromTrash, RestoreFromTrash};
use crate::{
    folders::ItemFields,
    ui::{Button, FormError, Glyph, Icon, Variant, form_error},
};
use domain::{documents::Document, folders::Item, workspaces::Role};
use leptos::prelude::*;

/// On a document's page: says that it is in the trash, and offers the ways out.
#[component]
pub(crate) fn TrashedBanner(document: Document, restored: Callback<()>) -> impl IntoView {
    let project = document.project.id;
    let item = Item::Document(document.id);
    let may_write = document.role >= Role::Member;
    let restore = ServerAction::<RestoreFromTrash>::new();
    let delete = ServerAction::<DeleteFromTrash>::new();
    Effect::new(move |_| {
        if let Some(Ok(_)) = restore.value().get() {
            restored.run(());
        }
    });
    let failed = form_error(move || restore.value().get(), &[]);
    let not_deleted = form_error(move || delete.value().get(), &[]);
    view! {
        <section class="trashed" aria-label="In the trash">
            <Icon glyph=Glyph::Trash2/>
            <p>
                "This document is in the "
                <a href=format!("/projects/{project}/trash")>"trash"</a>
                ". Answers that cite it can still be checked; no new answer uses it."
            </p>
            {may_write.then(|| view! {
                <div class="trashed__actions">
                    <ActionForm action=restore>
                        <ItemFields project item/>
                        <Button small=true icon=Glyph::RotateCcw pending=restore.pending()>"Restore"</Button>
                    </ActionForm>
                    <button type="button" class="button button--quiet button--small" popovertarget="delete-forever">
                        <span class="button__label">"Delete for good"</span>
                    </button>
                </div>
                <div class="confirm" id="delete-forever" popover="auto" role="dialog" aria-labelledby="delete-forever-title">
                    <h2 class="confirm__title" id="delete-forever-title">"Delete for good?"</h2>
                    <p>"The file and its text go. Answers keep their words, but lose what they cite from it."</p>
                    <ActionForm action=delete>
                        <ItemFields project item/>
                        <input type="hidden" name="leave" value="true"/>
                        <div class="confirm__actions">
                            <button
                                type="button" class="button button--quiet" popovertarget="delete-forever"
                                popovertargetaction="hide" autofocus=true
                            >
                                <span class="button__label">"Keep it"</span>
                            </button>
                            <Button variant=Variant::Danger pending=delete.pending()>"Delete for good"</Button>
                        </div>
                    </ActionForm>
                </div>
            })}
        </section>
        <FormError error=Signal::derive(move || failed.get().or_else(|| not_deleted.get()))/>
    }
}
