//! Server functions of shares.

use crate::{call::Call, error::ApiError, members::api::Secret};
#[cfg(feature = "ssr")]
use crate::{members::shown_once, session::session};
use domain::{
    DocumentId, ShareId, UserId,
    publications::PublicationStatus,
    shares::{Share, SharedDocument},
};
#[cfg(feature = "ssr")]
use domain::{
    Error, FieldError, PageRequest,
    shares::{NewShare, OpenShares},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Pages of a shared document that are shown at a time.
#[cfg(feature = "ssr")]
const PAGES: u32 = 5;

/// The ways to a document from outside of its workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesView {
    /// The newest hundred.
    pub shares: Vec<Share>,
    pub publication: PublicationStatus,
    /// The reader.
    pub own: UserId,
}

#[server(protocol = Call)]
pub async fn list_shares(document: DocumentId) -> Result<SharesView, ApiError> {
    let session = session()?;
    let newest = PageRequest { cursor: None, limit: PageRequest::MAX_LIMIT };
    Ok(SharesView {
        shares: session.list_shares(document, newest).await?.items,
        publication: session.publication(document).await?,
        own: session.user().id,
    })
}

/// `expires`: a number of days, or `date` for the end of the day in `date` (`2026-12-31`).
#[server(protocol = Call)]
pub async fn create_share(document: DocumentId, expires: String, date: String) -> Result<Secret, ApiError> {
    let made = session()?.share(document, new_share(&expires, &date)?).await?;
    let secret = Secret::Share { link: made.link };
    shown_once::keep(&format!("/documents/{document}"), &secret);
    Ok(secret)
}

#[server(protocol = Call)]
pub async fn revoke_share(id: ShareId) -> Result<(), ApiError> {
    Ok(session()?.revoke_share(id).await?)
}

/// What a share's token opens, with its pages from `from` on.
#[server(protocol = Call)]
pub async fn open_share(token: String, from: u32) -> Result<SharedDocument, ApiError> {
    let shares = use_context::<std::sync::Arc<dyn OpenShares>>()
        .ok_or_else(|| Error::unavailable("Shared documents cannot be read right now. Try again in a moment."))?;
    Ok(shares.open_share(&token, from, PAGES).await?)
}

#[cfg(feature = "ssr")]
fn new_share(expires: &str, date: &str) -> Result<NewShare, FieldError> {
    use time::{Date, Time, macros::format_description};

    if expires != "date" {
        let days =
            expires.parse().map_err(|_| FieldError::new("expires_in_days", "Choose how long the link works."))?;
        return Ok(NewShare { expires_in_days: Some(days), expires_at: None });
    }
    let last_second = Time::from_hms(23, 59, 59).map_err(|_| FieldError::new("expires_at", "Choose a day."))?;
    let date = Date::parse(date.trim(), format_description!("[year]-[month]-[day]"))
        .map_err(|_| FieldError::new("expires_at", "Choose the last day on which the link works."))?;
    Ok(NewShare { expires_in_days: None, expires_at: Some(date.with_time(last_second).assume_utc()) })
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::new_share;
    use domain::shares::NewShare;
    use time::macros::datetime;

    #[test]
    fn a_share_lasts_for_days_or_to_the_end_of_one() {
        assert_eq!(new_share("30", ""), Ok(NewShare { expires_in_days: Some(30), expires_at: None }));
        let day = NewShare { expires_in_days: None, expires_at: Some(datetime!(2026-12-31 23:59:59 UTC)) };
        assert_eq!(new_share("date", "2026-12-31"), Ok(day));
        for (expires, date, field) in [
            ("", "", "expires_in_days"),
            ("-1", "", "expires_in_days"),
            ("date", "", "expires_at"),
            ("date", "31.12.", "expires_at"),
        ] {
            assert_eq!(
                new_share(expires, date).map_err(|error| error.field),
                Err(field.to_owned()),
                "{expires} {date}"
            );
        }
    }
}
