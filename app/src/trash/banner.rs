use super::api::{DeleteFromTrash, RestoreFromTrash};
use crate::{
    call::{FormAction, ServerForm},
    folders::ItemFields,
    ui::{Button, ConfirmActions, FormError, Glyph, Icon, Popover, form_error},
};
use domain::{documents::Document, folders::Item, workspaces::Role};
use leptos::prelude::*;

/// On a document's page: says that it is in the trash, and offers the ways out.
#[component]
pub(crate) fn TrashedBanner(document: Document, restored: Callback<()>) -> impl IntoView {
    let project = document.project.id;
    let item = Item::Document(document.id);
    let may_write = document.role >= Role::Member;
    let restore = FormAction::<RestoreFromTrash>::new();
    let delete = FormAction::<DeleteFromTrash>::new();
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
                    <ServerForm action=restore>
                        <ItemFields project item/>
                        <Button small=true icon=Glyph::RotateCcw pending=restore.pending()>"Restore"</Button>
                    </ServerForm>
                    <button type="button" class="button button--quiet button--small" popovertarget="delete-forever">
                        <span class="button__label">"Delete for good"</span>
                    </button>
                </div>
                <Popover id="delete-forever" title=|| "Delete for good?">
                    <p>"The file and its text go. Answers keep their words, but lose what they cite from it."</p>
                    <ServerForm action=delete>
                        <ItemFields project item/>
                        <input type="hidden" name="leave" value="true"/>
                        <ConfirmActions popover="delete-forever" verb="Delete for good" keep="Keep it" pending=delete.pending()/>
                    </ServerForm>
                </Popover>
            })}
        </section>
        <FormError error=Signal::derive(move || failed.get().or_else(|| not_deleted.get()))/>
    }
}
