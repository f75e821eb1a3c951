//! The mails' text, and the links in them.

use super::{Provider, one_time::Issued, redirect};
use crate::mail::Mail;
use domain::redirect::safe_next;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// What a link is for, by the protocol's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Confirmation,
    SignInLink,
    Recovery,
    /// To the new address, and to the one until now.
    EmailChange,
}

impl Letter {
    const fn link_type(self) -> &'static str {
        match self {
            Self::Confirmation => "signup",
            Self::SignInLink => "magiclink",
            Self::Recovery => "recovery",
            Self::EmailChange => "email_change",
        }
    }

    const fn subject(self) -> &'static str {
        match self {
            Self::Confirmation => "Confirm your address",
            Self::SignInLink => "Your link to sign in",
            Self::Recovery => "Choose a new password",
            Self::EmailChange => "Confirm the change of your address",
        }
    }

    const fn invitation(self) -> &'static str {
        match self {
            Self::Confirmation => "Somebody signed up for Atelier with this address. If it was you, confirm it here:",
            Self::SignInLink => "Sign in to Atelier here:",
            Self::Recovery => {
                "Somebody asked for a new password for your Atelier account. If it was you, choose it here:"
            }
            Self::EmailChange => {
                "Somebody asked to change the address of an Atelier account. If it was you, confirm it here:"
            }
        }
    }
}

/// A mail with a link and a code.
pub(super) fn with_link(provider: &Provider, letter: Letter, to: &str, issued: &Issued, redirect_to: &Url) -> Mail {
    let link = link(provider, letter, &issued.token, redirect_to);
    let text = format!(
        "{}\n\n{link}\n\nOr type in this code: {}\n\nLink and code count once, within an hour. If it was not you, \
         there is nothing to do.\n",
        letter.invitation(),
        issued.code
    );
    Mail { to: to.to_owned(), subject: letter.subject().to_owned(), text }
}

/// A mail with a code alone, for somebody who is signed in.
pub(super) fn with_code(to: &str, issued: &Issued) -> Mail {
    let text = format!(
        "This code confirms that it is you: {}\n\nIt counts once, within an hour. If you have not asked for it, somebody \
         else uses your Atelier account: change your password.\n",
        issued.code
    );
    Mail { to: to.to_owned(), subject: "Confirm that it is you".to_owned(), text }
}

/// Our own page has a button that consumes the token, so that a program that only looks at links does not. To another
/// page (in development) leads the protocol's own way.
fn link(provider: &Provider, letter: Letter, token: &SecretString, redirect_to: &Url) -> Url {
    let mut link = provider.site.clone();
    if redirect::is_own(provider, redirect_to) {
        let next = redirect_to.query_pairs().find(|(name, _)| name == "next").map(|(_, next)| next.into_owned());
        link.set_path("/auth/confirm");
        let mut query = link.query_pairs_mut();
        query.append_pair("token_hash", token.expose_secret()).append_pair("type", letter.link_type());
        if let Some(next) = next.as_deref().and_then(safe_next) {
            query.append_pair("next", next);
        }
    } else {
        link.set_path("/auth/v1/verify");
        let mut query = link.query_pairs_mut();
        query.append_pair("token", token.expose_secret()).append_pair("type", letter.link_type());
        query.append_pair("redirect_to", redirect_to.as_str());
    }
    link
}
