//! Signing up, in and out. On success the server sets the session's cookies and redirects.

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::{cookie, redirect, session};
use domain::accounts::SignInOptions;
#[cfg(feature = "ssr")]
use domain::{
    FieldError,
    accounts::{Credentials, SignOutScope, SignedUp},
    text::Email,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the login and register pages need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInPage {
    pub options: SignInOptions,
    /// The address typed into a form that came back with an error, without JavaScript.
    pub email: String,
}

/// Keeps the typed address through the redirect of a plain form: not in the URL, which ends up in logs.
#[cfg(feature = "ssr")]
const TYPED_EMAIL: &str = "atelier_typed_email";

#[server]
pub async fn get_sign_in_page() -> Result<SignInPage, ApiError> {
    let email = use_context::<http::request::Parts>()
        .and_then(|request| cookie::read(&request.headers, TYPED_EMAIL))
        .and_then(|typed| redirect::decode(&typed))
        .unwrap_or_default();
    Ok(SignInPage { options: session::accounts()?.options().await?, email })
}

/// `next`: the path to go to afterwards; what is not of this site is ignored.
#[server]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    keep_typed(&email);
    let credentials = Credentials { email: Email::parse("email", &email)?, password };
    session::accounts()?.sign_in(credentials).await?;
    forget_typed();
    redirect::to(&redirect::after_sign_in(next.as_deref()));
    Ok(())
}

/// Answers whether a confirmation mail is on its way; otherwise the person is signed in and sent on.
#[server]
pub async fn sign_up(email: String, password: String, next: Option<String>) -> Result<bool, ApiError> {
    keep_typed(&email);
    let email = Email::parse("email", &email)?;
    if password.chars().count() < 8 {
        return Err(FieldError::new("password", "Use at least 8 characters.").into());
    }
    let signed_up = session::accounts()?.sign_up(Credentials { email, password }, next.as_deref()).await?;
    forget_typed();
    match signed_up {
        SignedUp::SignedIn => {
            redirect::to(&redirect::after_sign_in(next.as_deref()));
            Ok(false)
        }
        SignedUp::ConfirmEmail => {
            redirect::to("/register?sent=1");
            Ok(true)
        }
    }
}

#[server]
pub async fn sign_out() -> Result<(), ApiError> {
    session::accounts()?.sign_out(SignOutScope::Local).await?;
    redirect::to("/login");
    Ok(())
}

#[cfg(feature = "ssr")]
pub(crate) fn keep_typed(email: &str) {
    if email.len() <= 254 {
        let typed = redirect::encode(email);
        cookie::set(&format!("{TYPED_EMAIL}={typed}; Path=/; Max-Age=120; HttpOnly; SameSite=Lax"));
    }
}

#[cfg(feature = "ssr")]
fn forget_typed() {
    cookie::set(&format!("{TYPED_EMAIL}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
}
