//! Server functions of the account page.

use crate::call::Call;
#[cfg(feature = "ssr")]
use crate::{auth::api::digits, cookie, flash, redirect, session};
use crate::{error::ApiError, flash::Notice};
use domain::accounts::Account;
#[cfg(feature = "ssr")]
use domain::{
    Error, FieldError,
    accounts::{Accounts, Enrolment, PasswordChange, SignOutScope},
    text::{Email, Name},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountHome {
    pub account: Account,
    /// What was done by the form that led here.
    pub notice: Option<Notice>,
}

/// An authenticator app that is being added: what its owner needs to set it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    pub factor_id: String,
    /// The secret in groups of four, for typing it in.
    pub secret: String,
    pub uri: String,
    /// An SVG element.
    pub qr: Option<String>,
}

/// The enrolment that is under way, for [`get_setup`] and the form after it, whether or not scripts run.
#[cfg(feature = "ssr")]
const ENROLMENT: &str = "atelier_enrolment";
/// The provider forgets an enrolment that is not finished, GoTrue after 5 minutes.
#[cfg(feature = "ssr")]
const ENROLMENT_SECONDS: u32 = 600;

/// The accounts of somebody who is signed in; whoever is not is sent to do so.
#[cfg(feature = "ssr")]
fn own_account() -> Result<Arc<dyn Accounts>, ApiError> {
    session::session()?;
    session::accounts()
}

/// A session that has ended at the provider before its token does leads to the login page too.
#[cfg(feature = "ssr")]
fn settled<T>(answer: Result<T, Error>) -> Result<T, ApiError> {
    if matches!(answer, Err(Error::Unauthenticated)) {
        redirect::to_login();
    }
    Ok(answer?)
}

#[server(protocol = Call)]
pub async fn get_account() -> Result<AccountHome, ApiError> {
    let account = settled(own_account()?.account().await)?;
    Ok(AccountHome { account, notice: flash::take() })
}

/// Answers the name as it is kept.
#[server(protocol = Call)]
pub async fn save_name(name: String) -> Result<String, ApiError> {
    let name = Name::parse("name", &name)?;
    settled(own_account()?.change_display_name(name.clone()).await)?;
    flash::leave_for_plain_form(Notice::NameSaved);
    Ok(name.into())
}

/// `current` is left out by whoever has no password yet.
#[server(protocol = Call)]
pub async fn save_password(current: Option<String>, password: String) -> Result<(), ApiError> {
    if password.chars().count() < 8 {
        return Err(FieldError::new("password", "Use at least 8 characters.").into());
    }
    settled(own_account()?.change_password(PasswordChange { current, new: password }).await)?;
    flash::leave_for_plain_form(Notice::PasswordChanged);
    Ok(())
}

/// Answers the address that waits for its confirmation.
#[server(protocol = Call)]
pub async fn save_email(email: String) -> Result<String, ApiError> {
    let email = Email::parse("email", &email)?;
    settled(own_account()?.change_email(email.clone()).await)?;
    flash::leave_for_plain_form(Notice::EmailAsked);
    Ok(email.into())
}

/// Begins to add an authenticator app, and goes to the page that shows how.
#[server(protocol = Call)]
pub async fn enrol_factor(name: String) -> Result<(), ApiError> {
    let name = Name::parse("name", &name)?;
    let enrolment = settled(own_account()?.enrol_second_factor(name.as_str()).await)?;
    let kept = [&enrolment.factor_id, &enrolment.secret, &enrolment.uri];
    cookie::keep(ENROLMENT, &serde_json::to_string(&kept).unwrap_or_default(), ENROLMENT_SECONDS);
    redirect::to("/account/second-factor");
    Ok(())
}

/// The enrolment that is under way in this browser.
#[cfg(feature = "ssr")]
fn enrolment() -> Option<Enrolment> {
    let (factor_id, secret, uri) = cookie::kept(ENROLMENT).and_then(|text| serde_json::from_str(&text).ok())?;
    Some(Enrolment { factor_id, secret, uri, qr_svg: String::new() })
}

#[server(protocol = Call)]
pub async fn get_setup() -> Result<Option<Setup>, ApiError> {
    session::session()?;
    Ok(enrolment().map(|Enrolment { factor_id, secret, uri, .. }| Setup {
        factor_id,
        secret: in_fours(&secret),
        qr: qr_code(&uri),
        uri,
    }))
}

#[server(protocol = Call)]
pub async fn confirm_factor(factor_id: String, code: String) -> Result<(), ApiError> {
    settled(own_account()?.confirm_second_factor(&factor_id, &digits(&code)?).await)?;
    cookie::forget(ENROLMENT);
    flash::leave(Notice::FactorAdded);
    redirect::to("/account#second-factor");
    Ok(())
}

#[server(protocol = Call)]
pub async fn remove_factor(factor_id: String, code: String) -> Result<(), ApiError> {
    settled(own_account()?.remove_second_factor(&factor_id, &digits(&code)?).await)?;
    flash::leave_for_plain_form(Notice::FactorRemoved);
    Ok(())
}

#[server(protocol = Call)]
pub async fn sign_out_others() -> Result<(), ApiError> {
    settled(own_account()?.sign_out(SignOutScope::Others).await)?;
    flash::leave_for_plain_form(Notice::OthersSignedOut);
    Ok(())
}

#[server(protocol = Call)]
pub async fn sign_out_everywhere() -> Result<(), ApiError> {
    settled(own_account()?.sign_out(SignOutScope::Global).await)?;
    flash::leave(Notice::SignedOutEverywhere);
    redirect::to("/login");
    Ok(())
}

/// `confirmation`: the account's address, typed in.
#[server(protocol = Call)]
pub async fn delete_account(confirmation: String) -> Result<(), ApiError> {
    settled(own_account()?.delete_account(confirmation.trim()).await)?;
    flash::leave(Notice::AccountDeleted);
    redirect::to("/login");
    Ok(())
}

#[cfg(feature = "ssr")]
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().filter(|letter| !letter.is_whitespace()).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Nothing of the text becomes markup: a code is squares. The quiet zone is the page's padding.
#[cfg(feature = "ssr")]
fn qr_code(uri: &str) -> Option<String> {
    use qrcode::{EcLevel, QrCode, render::svg};

    let code = QrCode::with_error_correction_level(uri, EcLevel::M).ok()?;
    let image = code.render::<svg::Color<'_>>().quiet_zone(false).min_dimensions(168, 168).build();
    // Without the XML declaration, which is no part of an element.
    image.find("<svg").map(|start| image[start..].to_owned())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_read_in_groups_of_four() {
        assert_eq!(in_fours("JBSWY3DPEHPK3PXP"), "JBSW Y3DP EHPK 3PXP");
        assert_eq!(in_fours("ABCDE"), "ABCD E");
    }

    #[test]
    fn a_qr_code_is_an_svg_element_without_the_text_in_it() {
        let image = qr_code("otpauth://totp/x?secret=A&issuer=<script>").unwrap_or_default();
        assert!(image.starts_with("<svg") && image.ends_with("</svg>"), "{image:.80}");
        assert!(!image.contains("script"));
    }
}
