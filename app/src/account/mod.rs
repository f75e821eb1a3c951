//! What a person changes about their account: one page, and one for adding an authenticator app.

pub mod api;
mod delete;
mod email;
mod enrol;
mod factors;
mod page;
mod password;
mod profile;
mod sessions;

pub use enrol::EnrolPage;
pub use page::AccountPage;
