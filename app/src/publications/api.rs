//! Server functions of publications. Whether there is one comes with the shares of the same dialog.

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::session::session;
use domain::{DocumentId, publications::Publication};
use leptos::prelude::*;

#[server]
pub async fn publish(document: DocumentId) -> Result<Publication, ApiError> {
    Ok(session()?.publish(document).await?)
}

#[server]
pub async fn unpublish(document: DocumentId) -> Result<(), ApiError> {
    Ok(session()?.unpublish(document).await?)
}
