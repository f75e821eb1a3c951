//! People in workspaces: the members' section of the settings, and the page that an invitation's link leads to.

pub mod api;
mod invitations;
mod invite;
mod section;
#[cfg(feature = "ssr")]
pub(crate) mod shown_once;

pub use invite::InvitePage;
pub(crate) use section::MembersSection;

use crate::workspaces::role_name;
use domain::workspaces::Role;

const ROLES: [Role; 4] = [Role::Viewer, Role::Member, Role::Admin, Role::Owner];

/// The roles that `own` may give, for a `<select>`.
fn roles_to_give(own: Role) -> Vec<(String, String)> {
    let given = ROLES.into_iter().filter(|role| own.manages(*role));
    given.map(|role| (role.as_str().to_owned(), role_name(role).to_owned())).collect()
}
