//! Server functions of publications. Whether there is one comes with the shares of the same dialog.

use crate::call::Call;
use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::session::session;
use domain::{DocumentId, publications::Publication};
use leptos::prelude::*;

#[server(protocol = Call)]
pub async fn publish(document: DocumentId) -> Result<Publication, ApiError> {
    Ok(session()?.publish(document).await?)
}

#[server(protocol = Call)]
pub async fn unpublish(document: DocumentId) -> Result<(), ApiError> {
    Ok(session()?.unpublish(document).await?)
}
