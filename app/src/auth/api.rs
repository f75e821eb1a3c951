//! Signing up, in and out. On success the server sets the session's cookies and redirects.

#[cfg(feature = "ssr")]
use super::found::AGAIN;
use crate::call::Call;
use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::{
    cookie,
    flash::{self, Notice},
    redirect, session,
};
use domain::accounts::LinkKind;
#[cfg(feature = "ssr")]
use domain::{
    FieldError,
    accounts::{Arrival, Credentials, PasswordChange, SignOutScope, SignedUp},
    text::Email,
};
use leptos::prelude::*;

/// Keeps the typed address for the next page: not in the URL, which ends up in logs.
#[cfg(feature = "ssr")]
pub(super) const TYPED_EMAIL: &str = "atelier_typed_email";
/// For a form that comes back with an error.
#[cfg(feature = "ssr")]
pub(crate) const WHILE_TYPING: u32 = 120;
/// As long as a link or a code counts that was mailed there.
#[cfg(feature = "ssr")]
const WHILE_A_MAIL_COUNTS: u32 = 3600;

/// Where OAuth leads on a form without JavaScript; see [`start_oauth`].
#[cfg(feature = "ssr")]
pub(super) const PROVIDER_PAGE: &str = "atelier_provider_page";

/// `next`: the path to go to afterwards; what is not of this site is ignored.
#[server(protocol = Call)]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email, WHILE_TYPING);
    let credentials = Credentials { email: Email::parse("email", &email)?, password };
    let arrival = session::accounts()?.sign_in(credentials).await?;
    arrive(arrival, next.as_deref());
    Ok(())
}

#[server(protocol = Call)]
pub async fn sign_up(email: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email, WHILE_TYPING);
    let address = Email::parse("email", &email)?;
    if password.chars().count() < 8 {
        return Err(FieldError::new("password", "Use at least 8 characters.").into());
    }
    match session::accounts()?.sign_up(Credentials { email: address, password }, next.as_deref()).await? {
        SignedUp::SignedIn => arrive(Arrival::SignedIn, next.as_deref()),
        SignedUp::ConfirmEmail => {
            keep_typed(&email, WHILE_A_MAIL_COUNTS);
            redirect::to(&sent_page("/register", false, next.as_deref()));
        }
    }
    Ok(())
}

#[server(protocol = Call)]
pub async fn sign_out() -> Result<(), ApiError> {
    session::accounts()?.sign_out(SignOutScope::Local).await?;
    redirect::to("/login");
    Ok(())
}

/// `again`: asked for on the page that says that it was sent.
#[server(protocol = Call)]
pub async fn send_sign_in_link(email: String, next: Option<String>, again: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email, WHILE_A_MAIL_COUNTS);
    session::accounts()?.send_sign_in_link(Email::parse("email", &email)?, next.as_deref()).await?;
    redirect::to(&sent_page("/login/link", again.is_some(), next.as_deref()));
    Ok(())
}

#[server(protocol = Call)]
pub async fn resend_confirmation(email: String, next: Option<String>, again: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email, WHILE_A_MAIL_COUNTS);
    session::accounts()?.resend_confirmation(Email::parse("email", &email)?, next.as_deref()).await?;
    redirect::to(&sent_page("/register", again.is_some(), next.as_deref()));
    Ok(())
}

#[server(protocol = Call)]
pub async fn send_recovery(email: String, again: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email, WHILE_A_MAIL_COUNTS);
    session::accounts()?.send_recovery(Email::parse("email", &email)?).await?;
    redirect::to(&sent_page("/forgot", again.is_some(), None));
    Ok(())
}

/// The code of a mail, typed in.
#[server(protocol = Call)]
pub async fn verify_code(email: String, code: String, next: Option<String>) -> Result<(), ApiError> {
    let email = Email::parse("email", &email)?;
    let arrival = session::accounts()?.verify_code(email, &digits(&code)?).await?;
    arrive(arrival, next.as_deref());
    Ok(())
}

/// The button of the page that a link of a mail leads to.
#[server(protocol = Call)]
pub async fn confirm_link(token_hash: String, kind: LinkKind, next: Option<String>) -> Result<(), ApiError> {
    let arrival = session::accounts()?.verify_link(&token_hash, kind).await?;
    let next = next.as_deref().filter(|next| !next.is_empty());
    if arrival == Arrival::SignedIn && kind == LinkKind::EmailChange {
        flash::leave(Notice::EmailChanged);
        arrive(arrival, next.or(Some("/account")));
    } else {
        arrive(arrival, after_second_factor(arrival, Some(kind)).or(next));
    }
    Ok(())
}

/// Goes to the provider's page. A browser takes `form-action 'self'` of the content security policy for the redirects
/// after a form too, so without JavaScript it goes there by a page of ours.
#[server(protocol = Call)]
pub async fn start_oauth(provider: String, next: Option<String>) -> Result<(), ApiError> {
    let page = session::accounts()?.start_oauth(&provider, next.as_deref()).await?;
    let is_plain =
        use_context::<http::request::Parts>().is_some_and(|request| crate::status::accepts_html(&request.headers));
    if is_plain {
        cookie::keep(PROVIDER_PAGE, &page, 60);
        redirect::to("/auth/leave");
    } else {
        redirect::to(&page);
    }
    Ok(())
}

/// The code that the provider came back with.
#[server(protocol = Call)]
pub async fn finish_code(code: String) -> Result<(), ApiError> {
    let (arrival, next) = session::accounts()?.finish_code(&code).await?;
    arrive(arrival, next.as_deref());
    Ok(())
}

/// The tokens of a redirect's fragment, which the server cannot see.
#[server(protocol = Call)]
pub async fn accept_tokens(access: String, refresh: String, kind: Option<LinkKind>) -> Result<(), ApiError> {
    let arrival = session::accounts()?.accept_tokens(&access, &refresh, kind).await?;
    arrive(arrival, after_second_factor(arrival, kind));
    Ok(())
}

#[server(protocol = Call)]
pub async fn answer_second_factor(code: String, next: Option<String>) -> Result<(), ApiError> {
    session::accounts()?.answer_second_factor(&digits(&code)?).await?;
    arrive(Arrival::SignedIn, next.as_deref());
    Ok(())
}

/// After a recovery link.
#[server(protocol = Call)]
pub async fn choose_password(password: String) -> Result<(), ApiError> {
    if password.chars().count() < 8 {
        return Err(FieldError::new("password", "Use at least 8 characters.").into());
    }
    session::accounts()?.change_password(PasswordChange { current: None, new: password }).await?;
    redirect::to("/reset?done=1");
    Ok(())
}

/// Whoever came to choose a password does so once the code is given.
#[cfg(feature = "ssr")]
fn after_second_factor(arrival: Arrival, kind: Option<LinkKind>) -> Option<&'static str> {
    let chooses_password = matches!(kind, Some(LinkKind::Recovery | LinkKind::Invite));
    (arrival == Arrival::SecondFactor && chooses_password).then_some("/reset")
}

/// Sends whoever has proved who they are to what comes next.
#[cfg(feature = "ssr")]
fn arrive(arrival: Arrival, next: Option<&str>) {
    cookie::forget(TYPED_EMAIL);
    match arrival {
        Arrival::SignedIn => redirect::to(&redirect::after_sign_in(next)),
        Arrival::SecondFactor => redirect::to(&super::with_next("/login/second-factor", next)),
        Arrival::ChoosePassword => redirect::to("/reset"),
        Arrival::EmailHalfChanged => redirect::to("/auth/confirm?half=1"),
    }
}

/// The digits of a code, which people type with spaces as the app shows it.
#[cfg(feature = "ssr")]
pub(crate) fn digits(code: &str) -> Result<String, FieldError> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FieldError::new("code", "Enter the digits of the code."));
    }
    Ok(digits)
}

#[cfg(feature = "ssr")]
fn sent_page(path: &str, again: bool, next: Option<&str>) -> String {
    let sent = format!("{path}?sent={}", if again { AGAIN } else { "1" });
    match next.and_then(domain::redirect::safe_next) {
        Some(next) => format!("{sent}&next={}", redirect::encode(next)),
        None => sent,
    }
}

#[cfg(feature = "ssr")]
pub(crate) fn keep_typed(email: &str, seconds: u32) {
    if email.len() <= 254 {
        cookie::keep(TYPED_EMAIL, email, seconds);
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn a_code_is_typed_with_spaces_or_without() {
        assert_eq!(digits(" 123 456 ").unwrap(), "123456");
        assert_eq!(digits("123-456").unwrap(), "123456");
        for bad in ["", "12a456", "12345678901", "\u{661}23456"] {
            assert!(digits(bad).is_err(), "{bad:?}");
        }
    }
}
