//! The folders of the place in view, kept current.

use super::api::{self, ProjectFolders};
use crate::ui::{Toast, use_toasts};
use domain::{
    FolderId, ProjectId,
    folders::{Folder, FolderLink},
};
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub(crate) struct FolderList {
    pub project: ProjectId,
    /// The folder in view; none at the top of the project.
    pub place: Option<FolderId>,
    here: RwSignal<Vec<Folder>>,
    all: RwSignal<Vec<FolderLink>>,
    read: Action<(), ()>,
}

impl FolderList {
    pub fn new(project: ProjectId, place: Option<FolderId>, folders: ProjectFolders) -> Self {
        let (here, all) = (RwSignal::new(folders.here), RwSignal::new(folders.all));
        let toasts = use_toasts();
        let read = Action::new(move |()| async move {
            match api::list_folders(project, place).await {
                Ok(folders) => {
                    // Nothing to set where the folder has been left meanwhile.
                    here.try_set(folders.here);
                    all.try_set(folders.all);
                }
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        });
        Self { project, place, here, all, read }
    }

    /// Uploads outlive the folder in view: what they change may be looked at once more when it has been left, and then
    /// there is nothing in it.
    pub fn here(self) -> Vec<Folder> {
        self.here.try_get().unwrap_or_default()
    }

    /// As [`Self::here`].
    pub fn is_empty(self) -> bool {
        self.here.try_with(Vec::is_empty).unwrap_or(true)
    }

    pub fn all(self) -> Vec<FolderLink> {
        self.all.try_get().unwrap_or_default()
    }

    /// Whether `folder` is this one or around it.
    pub fn is_within(self, folder: FolderId, around: FolderId) -> bool {
        self.all.with(|all| {
            let mut at = Some(folder);
            while let Some(id) = at {
                if id == around {
                    return true;
                }
                at = all.iter().find(|known| known.id == id).and_then(|known| known.parent_id);
            }
            false
        })
    }

    /// Reads them anew, after one has changed.
    pub fn reload(self) {
        self.read.dispatch(());
    }
}
