//! Who asks: tokens verified, sessions kept in cookies, the identity provider behind one port.

use domain::{UserId, accounts::User};

/// A person whose token has been verified. Its fields are private: only this module makes one.
#[derive(Clone, Debug)]
pub struct AuthUser {
    id: UserId,
    email: String,
    display_name: String,
}

impl AuthUser {
    pub const fn id(&self) -> UserId {
        self.id
    }

    pub fn to_user(&self) -> User {
        User { id: self.id, email: self.email.clone(), display_name: self.display_name.clone() }
    }
}
