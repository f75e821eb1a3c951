use super::{
    api::{CreateFolder, MoveItems, RenameFolder},
    bulk::MOVE_DIALOG,
    list::FolderList,
    selection::Selection,
};
use crate::{
    error::ApiError,
    trash::api::{MoveToTrash, RestoreFromTrash},
    ui::{Glyph, Icon, Toast, Toasts, close_popover, error_on_arrival, use_toasts},
    workspaces::count,
};
use domain::{
    DocumentId, FolderId, ProjectId,
    documents::Document,
    folders::{Item, Items, Move},
};
use leptos::prelude::*;

/// How the documents in view are taken off it, and put back.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub take: Callback<Vec<DocumentId>, Vec<Document>>,
    pub put_back: Callback<Vec<Document>>,
}

/// What can be done to folders and documents: one of each for a page, however many it lists.
#[derive(Clone, Copy)]
pub(crate) struct ItemActions {
    pub folders: FolderList,
    pub selection: Selection,
    pub trash: ServerAction<MoveToTrash>,
    pub relocate: ServerAction<MoveItems>,
    pub create: ServerAction<CreateFolder>,
    pub rename: ServerAction<RenameFolder>,
    restore: ServerAction<RestoreFromTrash>,
    shown: Shown,
    /// What went from view, should it be taken back.
    taken: StoredValue<Vec<Document>>,
    toasts: Toasts,
}

impl ItemActions {
    pub fn new(folders: FolderList, selection: Selection, shown: Shown) -> Self {
        let actions = Self {
            folders,
            selection,
            trash: ServerAction::new(),
            relocate: ServerAction::new(),
            create: ServerAction::new(),
            rename: ServerAction::new(),
            restore: ServerAction::new(),
            shown,
            taken: StoredValue::new(Vec::new()),
            toasts: use_toasts(),
        };
        Effect::new(move |_| actions.hear(actions.trash.value().get(), |items| actions.trashed(items)));
        Effect::new(move |_| actions.hear(actions.relocate.value().get(), |moved| actions.moved(moved)));
        Effect::new(move |_| actions.hear(actions.restore.value().get(), |items| actions.restored(&items)));
        // What these fail with stands in their forms.
        Effect::new(move |_| {
            if let Some(Ok(_)) = actions.create.value().get() {
                close_popover("new-folder");
                crate::ui::clear_field("new-folder-name");
                folders.reload();
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(folder)) = actions.rename.value().get() {
                close_popover(&super::row::rename_dialog(folder.id));
                folders.reload();
            }
        });
        actions
    }

    fn hear<T>(self, answer: Option<Result<T, ApiError>>, done: impl FnOnce(T)) {
        match answer {
            Some(Ok(answer)) => done(answer),
            Some(Err(error)) => self.toasts.push(Toast::bad(error.to_string())),
            None => {}
        }
    }

    fn take(self, documents: &[DocumentId]) {
        let taken = self.shown.take.run(documents.to_vec());
        self.taken.update_value(|all| all.extend(taken));
        self.selection.clear();
        self.folders.reload();
    }

    fn put_back(self, documents: &[DocumentId]) {
        let back = self.taken.try_update_value(|all| {
            let (back, rest) = std::mem::take(all).into_iter().partition(|document| documents.contains(&document.id));
            *all = rest;
            back
        });
        self.shown.put_back.run(back.unwrap_or_default());
        self.folders.reload();
    }

    fn trashed(self, items: Items) {
        let text = format!("{} in the trash.", is_or_are(&items));
        self.take(&items.documents);
        let project = self.folders.project;
        let undo = Callback::new(move |()| {
            let Items { folders, documents } = items.clone();
            self.restore.dispatch(RestoreFromTrash { project, folders, documents });
        });
        self.toasts.push(Toast::ok(text).with_undo(undo));
    }

    fn restored(self, items: &Items) {
        self.put_back(&items.documents);
    }

    fn moved(self, moved: Move) {
        close_popover(MOVE_DIALOG);
        let (project, place) = (self.folders.project, self.folders.place);
        if moved.into == place {
            self.selection.clear();
            self.put_back(&moved.documents);
            return;
        }
        self.take(&moved.documents);
        let items = Items { folders: moved.folders, documents: moved.documents };
        let text = format!("{} moved to {}.", is_or_are(&items), self.name_of(moved.into));
        let undo = Callback::new(move |()| {
            let Items { folders, documents } = items.clone();
            self.relocate.dispatch(MoveItems { project, folders, documents, into: place });
        });
        self.toasts.push(Toast::ok(text).with_undo(undo));
    }

    fn name_of(self, folder: Option<FolderId>) -> String {
        let all = untrack(|| self.folders.all());
        let found = folder.and_then(|id| all.into_iter().find(|known| known.id == id));
        found.map_or_else(|| "the top of the project".to_owned(), |folder| format!("“{}”", folder.name))
    }

    /// What a form without JavaScript came back with. Those that are sent by script tell it where they stand.
    pub fn error(self) -> Signal<Option<String>> {
        let trash = error_on_arrival(self.trash);
        let relocate = error_on_arrival(self.relocate);
        let create = error_on_arrival(self.create);
        let rename = error_on_arrival(self.rename);
        Signal::derive(move || [trash, relocate, create, rename].into_iter().find_map(|error| error.get()))
    }
}

fn is_or_are(items: &Items) -> String {
    match items.count() {
        1 => "It is".to_owned(),
        number => format!("{} are", several(number)),
    }
}

/// `1 item`, `3 items`.
pub(crate) fn several(number: usize) -> String {
    count(u32::try_from(number).unwrap_or(u32::MAX), "item")
}

/// Names one item in a form of the server functions on them.
#[component]
pub(crate) fn ItemFields(project: ProjectId, item: Item) -> impl IntoView {
    let (name, id) = match item {
        Item::Folder(id) => ("folders[0]", id.to_string()),
        Item::Document(id) => ("documents[0]", id.to_string()),
    };
    view! {
        <input type="hidden" name="project" value=project.to_string()/>
        <input type="hidden" name=name value=id/>
    }
}

/// Puts one item into the trash, from its menu.
#[component]
pub(crate) fn TrashButton(item: Item, actions: ItemActions) -> impl IntoView {
    view! {
        <ActionForm action=actions.trash>
            <ItemFields project=actions.folders.project item/>
            <button class="menu__item menu__item--danger" type="submit">
                <Icon glyph=Glyph::Trash2/>
                "Move to trash"
            </button>
        </ActionForm>
    }
}

/// Opens the dialog of places for one item. Without JavaScript its checkbox and the bar below do the same.
#[component]
pub(crate) fn MoveButton(item: Item, actions: ItemActions) -> impl IntoView {
    view! {
        <button
            class="menu__item with-script" type="button" popovertarget=MOVE_DIALOG
            on:click=move |_| actions.selection.replace(vec![item])
        >
            <Icon glyph=Glyph::Folder/>
            "Move"
        </button>
    }
}
