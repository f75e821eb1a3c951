//! Signing up, in and out, and what a person changes about their account. Tokens never appear here: the server keeps
//! them in HttpOnly cookies.

use crate::{Error, UserId, text::Email};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    pub email: String,
    /// What others see; the part of the address before the `@` until the person sets one.
    pub display_name: String,
}

/// An address and a password. `Debug` leaves the password out.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    pub email: Email,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What follows from a sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedUp {
    /// The session's cookies are set.
    SignedIn,
    /// A confirmation mail is under way (or, so that nobody can probe for addresses, seems to be).
    ConfirmEmail,
}

/// What follows from proving who one is, by whatever way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// The session's cookies are set.
    SignedIn,
    /// The session's cookies are set, but count only once a code of the second factor is given
    /// ([`Accounts::answer_second_factor`]).
    SecondFactor,
    /// Signed in by a recovery link: a new password is to be chosen next.
    ChoosePassword,
    /// The new address is confirmed; the link in the mail to the other address is still to be opened.
    EmailHalfChanged,
}

/// What a link in a mail is for, by the names of the protocol's parameter `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    Signup,
    Invite,
    Magiclink,
    Recovery,
    EmailChange,
    /// A sign-up or a magic link, for providers that do not tell which.
    Email,
}

impl LinkKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Invite => "invite",
            Self::Magiclink => "magiclink",
            Self::Recovery => "recovery",
            Self::EmailChange => "email_change",
            Self::Email => "email",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Signup, Self::Invite, Self::Magiclink, Self::Recovery, Self::EmailChange, Self::Email]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Whose sessions end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignOutScope {
    /// This device's.
    #[default]
    Local,
    /// Those of all other devices.
    Others,
    /// All of the person's, this one too.
    Global,
}

impl SignOutScope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Others => "others",
            Self::Global => "global",
        }
    }
}

/// What the identity provider allows, for the login and register pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOptions {
    pub sign_up_open: bool,
    /// Whether addresses and passwords serve at all, and links and codes by mail with them.
    pub email: bool,
    /// OAuth providers that are enabled, by their GoTrue names (`google`, `github`, …).
    pub oauth: Vec<String>,
}

/// A second factor: an authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The provider's id of it.
    pub id: String,
    pub name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A second factor that is being enrolled: it counts after the first code from it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    pub factor_id: String,
    /// The QR code as an SVG document, drawn by our server from `uri`.
    pub qr_svg: String,
    /// Base32, for typing it in.
    pub secret: String,
    /// `otpauth://totp/…`.
    pub uri: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").field("factor_id", &self.factor_id).finish_non_exhaustive()
    }
}

/// What the account page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub user: User,
    /// An address that is asked for and not yet confirmed.
    #[serde(default)]
    pub new_email: Option<String>,
    /// How the person can sign in: `email`, `google`, ….
    pub providers: Vec<String>,
    /// Those that count.
    pub second_factors: Vec<SecondFactor>,
}

/// A change of password. `Debug` shows none of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordChange {
    /// Not needed after a recovery link.
    #[serde(default)]
    pub current: Option<String>,
    pub new: String,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordChange(…)")
    }
}

/// Port to the identity provider, for one request: what it changes in the session reaches the browser as cookies of
/// that request's response.
///
/// Mails are answered alike for known and unknown addresses, so that nobody can probe for accounts. `next` is a path of
/// this site ([`crate::redirect::safe_next`]) to go to in the end; what is none is ignored.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn options(&self) -> Result<SignInOptions, Error>;
    /// # Errors
    /// `Invalid` with field `email` (taken, refused) or `password` (too weak).
    async fn sign_up(&self, new: Credentials, next: Option<&str>) -> Result<SignedUp, Error>;
    /// # Errors
    /// `Invalid` with field `password` when address and password do not match an account, with field `email` when the
    /// address is not confirmed.
    async fn sign_in(&self, credentials: Credentials) -> Result<Arrival, Error>;
    /// Signing out without a session is no error.
    async fn sign_out(&self, scope: SignOutScope) -> Result<(), Error>;

    /// Mails a link and a code to sign in with.
    async fn send_sign_in_link(&self, email: Email, next: Option<&str>) -> Result<(), Error>;
    /// Mails a link to choose a new password.
    async fn send_recovery(&self, email: Email) -> Result<(), Error>;
    /// Mails the confirmation of a sign-up again.
    async fn resend_confirmation(&self, email: Email, next: Option<&str>) -> Result<(), Error>;
    /// # Errors
    /// `Invalid` with field `code` when it is wrong, used or too old.
    async fn verify_code(&self, email: Email, code: &str) -> Result<Arrival, Error>;
    /// Consumes a link of a mail: only ever on a person's click.
    ///
    /// # Errors
    /// `Invalid` with field `link` when it is used or too old.
    async fn verify_link(&self, token_hash: &str, kind: LinkKind) -> Result<Arrival, Error>;

    /// The address of the provider's page to send the browser to; remembers the PKCE verifier and `next` in a cookie.
    ///
    /// # Errors
    /// `Invalid` with field `provider` when that one is not enabled.
    async fn start_oauth(&self, provider: &str, next: Option<&str>) -> Result<String, Error>;
    /// Exchanges the code that the provider came back with; returns where to go, if that was asked for.
    ///
    /// # Errors
    /// `Invalid` with field `link` when it is used, too old, or was asked for in another browser.
    async fn finish_code(&self, code: &str) -> Result<(Arrival, Option<String>), Error>;
    /// Takes over the tokens of an implicit redirect's fragment, after verifying them.
    ///
    /// # Errors
    /// `Invalid` with field `link`.
    async fn accept_tokens(&self, access: &str, refresh: &str, kind: Option<LinkKind>) -> Result<Arrival, Error>;

    /// Gives the code of the second factor that a sign-in waits for.
    ///
    /// # Errors
    /// `Invalid` with field `code`.
    async fn answer_second_factor(&self, code: &str) -> Result<(), Error>;

    /// Everything below needs a session that the provider still knows.
    ///
    /// # Errors
    /// `Unauthenticated` when it has ended, also before its token does.
    async fn account(&self) -> Result<Account, Error>;
    /// Ends the person's other sessions.
    ///
    /// # Errors
    /// `Invalid` with field `password` (too weak, the same as before) or `current` (wrong).
    async fn change_password(&self, change: PasswordChange) -> Result<(), Error>;
    /// Mails a confirmation to the new address, and to the present one if the provider wants both.
    ///
    /// # Errors
    /// `Invalid` with field `email`.
    async fn change_email(&self, email: Email) -> Result<(), Error>;
    async fn change_display_name(&self, name: crate::text::Name) -> Result<(), Error>;
    async fn enrol_second_factor(&self, name: &str) -> Result<Enrolment, Error>;
    /// # Errors
    /// `Invalid` with field `code`.
    async fn confirm_second_factor(&self, factor_id: &str, code: &str) -> Result<(), Error>;
    /// # Errors
    /// `Invalid` with field `code`: removing a factor takes a code of one.
    async fn remove_second_factor(&self, factor_id: &str, code: &str) -> Result<(), Error>;
    /// Deletes the account, the workspaces in which the person is alone, and the person's memberships.
    ///
    /// # Errors
    /// `Invalid` with field `email` when it is not the account's own address; `Conflict` while the person is the last
    /// owner of a workspace with other members.
    async fn delete_account(&self, confirmation: &str) -> Result<(), Error>;
}
