//! What the server finds for these pages.

use crate::flash::Notice;
#[cfg(feature = "ssr")]
use crate::{
    auth::api::{PROVIDER_PAGE, TYPED_EMAIL},
    cookie,
    entrance::Asked,
    error::ApiError,
    flash, session,
};
use domain::accounts::SignInOptions;
use serde::{Deserialize, Serialize};

/// What the pages of this folder need.
#[derive(Serialize, Deserialize)]
pub struct SignInPage {
    pub options: SignInOptions,
    /// The address that was typed last: into a form that came back with an error, or to have a mail sent there.
    pub email: String,
    pub notice: Option<Notice>,
    /// Where the person wanted to go.
    pub next: Option<String>,
    pub sent: Option<Sent>,
}

/// Whether the mail, which the page tells of, was asked for there once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sent {
    Once,
    Again,
}

/// The parameter `sent` of a page whose mail was sent once more.
#[cfg(feature = "ssr")]
pub(super) const AGAIN: &str = "again";

/// While the identity provider does not say what it allows, the plain form is offered.
#[cfg(feature = "ssr")]
pub(crate) async fn sign_in_page(asked: &Asked) -> SignInPage {
    let sent = asked.parameter("sent").map(|sent| if sent == AGAIN { Sent::Again } else { Sent::Once });
    SignInPage {
        options: options().await.unwrap_or_else(|_| SignInOptions { email: true, ..SignInOptions::default() }),
        email: cookie::kept(TYPED_EMAIL).unwrap_or_default(),
        notice: flash::take(),
        next: asked.parameter("next"),
        sent,
    }
}

#[cfg(feature = "ssr")]
async fn options() -> Result<SignInOptions, ApiError> {
    Ok(session::accounts()?.options().await?)
}

/// The provider's page that [`super::api::start_oauth`] asked for.
#[cfg(feature = "ssr")]
pub(crate) fn provider_page() -> Option<String> {
    cookie::kept(PROVIDER_PAGE).filter(|page| page.starts_with("https://") || page.starts_with("http://"))
}
