//! What the provider refuses, and how it is told to a person: a sentence at the field where it can be mended.

use crate::fault::Fault;
use domain::Error;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

const WRONG_CODE: &str =
    "This code is wrong, used already, or too old. Check it, or wait for the next one and try again.";
const OLD_CODE: &str = "This code is wrong, used already, or too old. Check it, or ask for a new one.";
const OLD_LINK: &str = "This link has been used already or is too old. Ask for a new one.";

/// What the provider refused, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) struct Refusal {
    pub status: u16,
    /// GoTrue's `error_code`, or empty where it gave none.
    pub code: String,
    pub message: String,
    /// `length`, `characters`, `pwned`.
    pub weak_password: Vec<String>,
    pub retry_after_seconds: Option<u32>,
}

/// Why a request to the provider did not succeed.
#[derive(Debug, thiserror::Error)]
pub(in crate::auth) enum ClientError {
    #[error("refused with {} {}: {}", .0.status, .0.code, .0.message)]
    Refused(Refusal),
    /// It did not answer, or with what only a broken service or proxy says.
    #[error("no usable answer: {0}")]
    Unreachable(String),
}

impl ClientError {
    /// GoTrue's `error_code`; empty where there is none.
    pub(in crate::auth) fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.code,
            Self::Unreachable(_) => "",
        }
    }

    /// Whether the provider has decided: the session is over, and asking again will not help.
    pub(in crate::auth) fn ends_session(&self) -> bool {
        match self {
            // 409 is two refreshes at once, 429 too many: both pass. A refusal without a code is the gateway's, which
            // knows no sessions: a wrong API key must not sign everybody out.
            Self::Refused(refusal) => matches!(refusal.status, 400 | 401 | 403 | 404 | 422) && !refusal.code.is_empty(),
            Self::Unreachable(_) => false,
        }
    }

    /// For the field `code` of a form that asks for the digits of a mail.
    pub(in crate::auth) fn at_code(self) -> Error {
        match self.code() {
            "otp_expired" | "validation_failed" | "flow_state_not_found" | "user_not_found" => {
                self.logged();
                Error::invalid("code", OLD_CODE)
            }
            _ => self.into(),
        }
    }

    /// For the page that a link leads to.
    pub(in crate::auth) fn at_link(self) -> Error {
        match self.code() {
            "otp_expired"
            | "validation_failed"
            | "invalid_credentials"
            | "user_not_found"
            | "session_not_found"
            | "session_expired"
            | "refresh_token_not_found"
            | "refresh_token_already_used"
            | "bad_jwt" => {
                self.logged();
                Error::invalid("link", OLD_LINK)
            }
            "email_exists" => {
                self.logged();
                Error::invalid("link", "Another account has this address by now. Choose another one in your account.")
            }
            "user_banned" => {
                self.logged();
                Error::invalid("link", "This account is suspended. Ask your administrator.")
            }
            _ => self.into(),
        }
    }

    /// For the field `current` of a form that asks for the password until now.
    pub(in crate::auth) fn at_current(self) -> Error {
        match self.code() {
            "invalid_credentials" | "invalid_grant" | "validation_failed" => {
                self.logged();
                Error::invalid("current", "This is not your present password. Check it, or reset it by mail.")
            }
            _ => self.into(),
        }
    }

    /// Every code reaches the log, whatever the person reads. Not the message: it may name an address.
    fn logged(&self) {
        if let Self::Refused(Refusal { status, code, .. }) = self {
            tracing::info!(status, code, "the identity provider refused");
        }
    }
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(describe(&error.without_url()))
    }
}

/// An error with its causes; reqwest's own text leaves them out.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

pub(super) async fn refused(response: reqwest::Response) -> ClientError {
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.text().await.unwrap_or_default();
    refusal(status, &headers, &body)
}

/// Reads every shape of error there is: with and without `X-Supabase-Api-Version`, OAuth's, and the gateway's.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &str) -> ClientError {
    let json: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    if status.is_server_error() || !json.is_object() {
        return ClientError::Unreachable(format!("{status}"));
    }
    let text = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("error_code")
        .or_else(|| text("code"))
        .or_else(|| header("x-sb-error-code"))
        .or_else(|| text("error"))
        .unwrap_or_default();
    let message = text("msg").or_else(|| text("message")).or_else(|| text("error_description")).unwrap_or_default();
    let reasons = json.pointer("/weak_password/reasons").and_then(Value::as_array);
    ClientError::Refused(Refusal {
        status: status.as_u16(),
        code: code.to_owned(),
        message: message.to_owned(),
        weak_password: reasons.into_iter().flatten().filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
        retry_after_seconds: header("retry-after").and_then(|seconds| seconds.parse().ok()),
    })
}

impl From<ClientError> for Error {
    /// In a person's words, at the field where it can be mended. What only the operator can mend is logged.
    fn from(error: ClientError) -> Self {
        error.logged();
        let refusal = match error {
            ClientError::Refused(refusal) => refusal,
            ClientError::Unreachable(_) => return Fault::Identity(error.into()).into(),
        };
        at_a_field(&refusal)
            .or_else(|| of_the_account(&refusal))
            .unwrap_or_else(|| Fault::Identity(ClientError::Refused(refusal).into()).into())
    }
}

/// What is wrong with something that was typed in, or with the link that was followed.
fn at_a_field(refusal: &Refusal) -> Option<Error> {
    let (field, sentence) = match refusal.code.as_str() {
        "invalid_credentials" | "invalid_grant" => {
            ("password", "Email and password do not match. Check both, or reset your password.")
        }
        "same_password" => ("password", "This is your password already. Choose another one."),
        "weak_password" => return Some(Error::invalid("password", weak_password(refusal))),
        "validation_failed" if refusal.message.to_lowercase().contains("password") => {
            ("password", "Use a password of 8 to 72 characters.")
        }
        "current_password_required" => ("current", "Enter your present password."),
        "current_password_invalid" => ("current", "This is not your present password. Check it, or reset it by mail."),
        "email_not_confirmed" => ("email", "Confirm this address first: open the link in the mail we sent to it."),
        "user_banned" => ("email", "This account is suspended. Ask your administrator."),
        "user_already_exists" | "email_exists" => {
            ("email", "There is already an account with this address. Sign in, or reset your password.")
        }
        "email_address_invalid" | "email_address_not_authorized" => {
            ("email", "This address is not accepted. Check it, or use another one.")
        }
        "validation_failed" | "email_address_not_provided" => {
            ("email", "Enter an email address, like name@example.com.")
        }
        "signup_disabled" | "email_provider_disabled" => {
            ("email", "Sign-up is closed here. Ask your administrator for an account.")
        }
        "otp_disabled" => ("email", "Links and codes by mail are switched off here. Sign in with your password."),
        "otp_expired" | "flow_state_not_found" | "flow_state_expired" | "flow_state_already_used" => ("link", OLD_LINK),
        "bad_code_verifier" => ("link", super::OTHER_BROWSER),
        "provider_disabled" | "oauth_provider_not_supported" => {
            ("provider", "This way of signing in is not enabled here. Choose another one.")
        }
        "bad_oauth_state" | "bad_oauth_callback" | "provider_email_needs_verification" => {
            ("provider", "Signing in there did not succeed. Start again, or choose another way.")
        }
        "mfa_verification_failed" | "mfa_verification_rejected" => ("code", WRONG_CODE),
        "mfa_challenge_expired" | "mfa_ip_address_mismatch" => {
            ("code", "That took too long. Enter the code that the app shows now.")
        }
        "mfa_factor_name_conflict" => ("name", "You have a second factor of this name. Choose another name."),
        _ => return None,
    };
    Some(Error::invalid(field, sentence))
}

/// What is wrong with the session, the account, or the way in which the project is set up.
fn of_the_account(refusal: &Refusal) -> Option<Error> {
    let sentence = match refusal.code.as_str() {
        "session_not_found"
        | "session_expired"
        | "refresh_token_not_found"
        | "refresh_token_already_used"
        | "bad_jwt"
        | "no_authorization"
        | "user_not_found"
        // A second factor was enrolled a moment ago, on another device.
        | "insufficient_aal" => return Some(Error::Unauthenticated),
        "reauthentication_needed" | "reauthentication_not_valid" => {
            "Your sign-in is too long ago for this. Sign out, sign in again, and then change it."
        }
        "user_sso_managed" => "Your organisation's sign-on manages this account. Change it there.",
        "mfa_factor_not_found" => "This second factor is not there any more. Reload the page to see those that are.",
        "too_many_enrolled_mfa_factors" => "You have as many second factors as are allowed. Remove one first.",
        "mfa_totp_enroll_not_enabled" | "mfa_totp_verify_not_enabled" => {
            "Second factors are switched off here. Ask your administrator."
        }
        "conflict" => "Something else is changing this account at the moment. Try again.",
        "captcha_failed" => {
            "This needs a captcha, which this site does not show. Ask your administrator to switch it off."
        }
        _ if refusal.status == 429 => {
            let retry_after_seconds = refusal.retry_after_seconds.or_else(|| seconds(&refusal.message)).unwrap_or(60);
            return Some(Error::RateLimited { retry_after_seconds });
        }
        _ => return None,
    };
    Some(Error::conflict(sentence))
}

/// GoTrue: "For security purposes, you can only request this after 37 seconds."
fn seconds(message: &str) -> Option<u32> {
    let (before, _) = message.split_once(" second")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// GoTrue's reasons in words.
fn weak_password(refusal: &Refusal) -> String {
    let sentences: Vec<String> = refusal
        .weak_password
        .iter()
        .filter_map(|reason| match reason.as_str() {
            "length" => {
                // The project sets the least length; only the message knows it.
                let least = refusal
                    .message
                    .split(|c: char| !c.is_ascii_digit())
                    .find_map(|digits| digits.parse::<u32>().ok())
                    .unwrap_or(8);
                Some(format!("Use at least {least} characters."))
            }
            "characters" => Some("Mix lower-case and upper-case letters, digits and symbols.".to_owned()),
            "pwned" => Some("This password is known from data leaks; choose another one.".to_owned()),
            _ => None,
        })
        .collect();
    if sentences.is_empty() {
        "This password is too easy to guess. Use a longer one.".to_owned()
    } else {
        sentences.join(" ")
    }
}
