use super::super::outcome::Outcome;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Why a provider, or a link that it made, led to nothing. Known by the protocol's `error_code`; what stands in
/// `error_description` is never shown, because anybody can write a link with any words in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    Cancelled,
    Spent,
    OtherBrowser,
    NotEnabled,
    SignUpClosed,
    AddressTaken,
    Banned,
    NotConfirmed,
    TooOften,
    Nothing,
    Unknown,
}

impl Reason {
    /// From the parameters of a query or a fragment, if they tell of an error.
    pub(super) fn of(parameter: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let error = parameter("error").filter(|text| !text.is_empty());
        let code = parameter("error_code").filter(|text| !text.is_empty());
        if error.is_none() && code.is_none() && parameter("error_description").is_none() {
            return None;
        }
        Some(Self::parse(code.as_deref(), error.as_deref()))
    }

    fn parse(code: Option<&str>, error: Option<&str>) -> Self {
        match code {
            Some("otp_expired") => Self::Spent,
            Some(
                "flow_state_not_found"
                | "flow_state_expired"
                | "bad_code_verifier"
                | "bad_oauth_state"
                | "bad_oauth_callback",
            ) => Self::OtherBrowser,
            Some("provider_disabled" | "oauth_provider_not_supported" | "otp_disabled" | "email_provider_disabled") => {
                Self::NotEnabled
            }
            Some("signup_disabled") => Self::SignUpClosed,
            Some(
                "email_exists"
                | "user_already_exists"
                | "identity_already_exists"
                | "email_conflict_identity_not_deletable",
            ) => Self::AddressTaken,
            Some("user_banned") => Self::Banned,
            Some("email_not_confirmed" | "provider_email_needs_verification") => Self::NotConfirmed,
            Some("over_request_rate_limit" | "over_email_send_rate_limit") => Self::TooOften,
            // What OAuth providers answer when the person says no (RFC 6749, 4.1.2.1).
            None if error == Some("access_denied") => Self::Cancelled,
            _ => Self::Unknown,
        }
    }
}

type Way = (&'static str, &'static str);

const SIGN_IN: Way = ("/login", "Back to sign in");

/// What happened, what to do, and the ways there.
const fn told(reason: Reason) -> (&'static str, &'static str, Way, Option<Way>) {
    match reason {
        Reason::Cancelled => {
            ("Sign-in was cancelled", "Nothing has changed. Sign in again, or choose another way.", SIGN_IN, None)
        }
        Reason::Spent => (
            "This link has been used or is too old",
            "A link counts once, within an hour, and a newer one replaces it.",
            ("/login/link", "Email me a link to sign in"),
            Some(("/forgot", "Choose a new password instead")),
        ),
        Reason::OtherBrowser => (
            "This sign-in cannot be finished here",
            "It was begun in another browser or too long ago. If you opened a link of a mail, your address may be confirmed all the same: sign in, or have a new link mailed to you.",
            SIGN_IN,
            Some(("/login/link", "Email me a link instead")),
        ),
        Reason::NotEnabled => (
            "This way to sign in is switched off",
            "Choose another way, or ask an administrator of this server.",
            SIGN_IN,
            None,
        ),
        Reason::SignUpClosed => (
            "New accounts are by invitation here",
            "There is no account with that address. Ask an administrator of this server for an invitation.",
            SIGN_IN,
            None,
        ),
        Reason::AddressTaken => (
            "There is already an account with that address",
            "Sign in the way you did before. Have a link mailed to you if you do not remember which.",
            SIGN_IN,
            Some(("/login/link", "Email me a link instead")),
        ),
        Reason::Banned => ("This account is blocked", "Ask an administrator of this server what to do.", SIGN_IN, None),
        Reason::NotConfirmed => (
            "Your address is not confirmed yet",
            "Open the link in the mail that we sent you, then sign in.",
            SIGN_IN,
            Some(("/login/link", "Email me a new link")),
        ),
        Reason::TooOften => ("Too many tries", "Wait a few minutes, then try again.", SIGN_IN, None),
        Reason::Nothing => (
            "Nothing to go on with",
            "The address holds no sign-in. Open the link in the mail once more, or sign in.",
            SIGN_IN,
            Some(("/login/link", "Email me a link instead")),
        ),
        Reason::Unknown => (
            "Signing in did not work",
            "The identity provider reported an error. Try again; if it happens again, tell an administrator of this server.",
            SIGN_IN,
            None,
        ),
    }
}

#[component]
pub(super) fn ReasonView(reason: Reason) -> impl IntoView {
    let (heading, text, action, other) = told(reason);
    view! { <Outcome heading text action other/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parameters: &[(&str, &str)]) -> Option<Reason> {
        Reason::of(|name| parameters.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_code_decides_and_the_description_never_does() {
        let expired = [("error", "access_denied"), ("error_code", "otp_expired"), ("error_description", "Call 555")];
        assert_eq!(of(&expired), Some(Reason::Spent));
        assert_eq!(of(&[("error", "access_denied")]), Some(Reason::Cancelled));
        assert_eq!(of(&[("error", "server_error"), ("error_code", "unexpected_failure")]), Some(Reason::Unknown));
        assert_eq!(of(&[("error_description", "Call 555")]), Some(Reason::Unknown));
        assert_eq!(of(&[("code", "x")]), None);
    }
}
