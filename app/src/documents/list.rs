//! The documents of one page of the list, kept current.

use super::live::Change;
use domain::{Cursor, DocumentId, FolderId, Page, documents::Document};
use leptos::prelude::*;

/// One row. Its place in the list is kept while its document changes.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub id: DocumentId,
    pub document: RwSignal<Document>,
}

#[derive(Clone, Copy)]
pub(super) struct DocumentList {
    rows: RwSignal<Vec<Listed>>,
    next: RwSignal<Option<Cursor>>,
    /// The folder whose documents these are; none at the top of the project.
    folder: Option<FolderId>,
    /// Whether the list begins with the newest document, so that new ones belong at its head.
    from_newest: bool,
    /// Taken off here: until that is told too, what is told of them comes too late.
    taken: StoredValue<Vec<DocumentId>>,
    /// Of the rows: they live as long as the list, not as whatever put them on it.
    owner: StoredValue<Owner>,
}

impl DocumentList {
    pub fn new(page: Page<Document>, folder: Option<FolderId>, from_newest: bool) -> Self {
        let list = Self {
            rows: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            folder,
            from_newest,
            taken: StoredValue::new(Vec::new()),
            owner: StoredValue::new(Owner::current().unwrap_or_default()),
        };
        list.append(page);
        list
    }

    /// As [`crate::folders::FolderList::here`].
    pub fn rows(self) -> Vec<Listed> {
        self.rows.try_get().unwrap_or_default()
    }

    pub fn is_empty(self) -> bool {
        self.rows.try_with(Vec::is_empty).unwrap_or(true)
    }

    pub fn next(self) -> Signal<Option<Cursor>> {
        self.next.into()
    }

    /// Adds the next page of the list.
    pub fn append(self, page: Page<Document>) {
        let known: Vec<DocumentId> = self.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
        let new = page.items.into_iter().filter(|document| !known.contains(&document.id));
        let new: Vec<Listed> = new.map(|document| self.listed(document)).collect();
        self.rows.update(|rows| rows.extend(new));
        self.next.set(page.next);
    }

    /// A document that is new or has changed.
    pub fn put(self, document: Document) {
        if document.folder_id != self.folder {
            // Moved away, by whomever.
            self.untake(document.id);
            self.drop_row(document.id);
            return;
        }
        if self.taken.with_value(|taken| taken.contains(&document.id)) {
            return;
        }
        let row = self.rows.with_untracked(|rows| rows.iter().find(|row| row.id == document.id).copied());
        match row {
            Some(row) => {
                let is_older = row.document.with_untracked(|known| document.updated_at < known.updated_at);
                if !is_older && row.document.with_untracked(|known| *known != document) {
                    row.document.set(document);
                }
            }
            None if self.from_newest => self.insert(document),
            // It is on another page of the list.
            None => {}
        }
    }

    /// In its place by age: of files that go up together the first is not always the first to arrive. One that is older
    /// than all that are listed is on a page that is not.
    fn insert(self, document: Document) {
        let has_more = self.next.with_untracked(Option::is_some);
        self.rows.update(|rows| match rows.iter().position(|row| row.id < document.id) {
            Some(place) => rows.insert(place, self.listed(document)),
            None if !has_more => rows.push(self.listed(document)),
            None => {}
        });
    }

    /// Takes documents off the list, and returns those that were on it.
    pub fn take(self, ids: &[DocumentId]) -> Vec<Document> {
        let taken: Vec<Document> = ids.iter().filter_map(|id| self.drop_row(*id)).collect();
        self.taken.update_value(|known| known.extend(taken.iter().map(|document| document.id)));
        taken
    }

    /// Puts back what was taken off.
    pub fn put_back(self, documents: Vec<Document>) {
        for document in documents {
            self.untake(document.id);
            let is_there = self.rows.with_untracked(|rows| rows.iter().any(|row| row.id == document.id));
            if !is_there {
                self.insert(document);
            }
        }
    }

    fn drop_row(self, id: DocumentId) -> Option<Document> {
        let row = self.rows.with_untracked(|rows| rows.iter().find(|row| row.id == id).copied())?;
        let document = row.document.get_untracked();
        self.rows.update(|rows| rows.retain(|row| row.id != id));
        Some(document)
    }

    fn listed(self, document: Document) -> Listed {
        Listed { id: document.id, document: self.owner.get_value().with(|| RwSignal::new(document)) }
    }

    fn untake(self, id: DocumentId) {
        self.taken.update_value(|taken| taken.retain(|known| *known != id));
    }

    pub fn apply(self, change: Change) {
        match change {
            Change::Changed(document) => self.put(*document),
            Change::Deleted(id) => {
                self.untake(id);
                drop(self.drop_row(id));
            }
        }
    }
}
