//! Workspaces: the list, a workspace's home with its projects, its settings, and the forms that make both.

pub mod api;
mod forms;
mod home;
mod list;
mod settings;

pub use forms::{NewProjectPage, NewWorkspacePage};
pub use home::WorkspacePage;
pub use list::WorkspacesPage;
pub use settings::SettingsPage;

use domain::{WorkspaceId, workspaces::Role};

/// A role in a word.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Member => "Member",
        Role::Admin => "Admin",
        Role::Owner => "Owner",
    }
}

/// The address of a workspace's settings.
pub(crate) fn settings_path(workspace: WorkspaceId) -> String {
    format!("/workspaces/{workspace}/settings")
}

/// `1 project`, `3 projects`.
pub(crate) fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
