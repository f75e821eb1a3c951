//! Server functions of links.

use crate::call::Call;
use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::session::session;
#[cfg(feature = "ssr")]
use domain::links::{NewLink, WebAddress};
use domain::{DocumentId, FolderId, ProjectId, documents::Document};
use leptos::prelude::*;

#[server(protocol = Call)]
pub async fn add_link(project: ProjectId, folder: Option<FolderId>, url: String) -> Result<Document, ApiError> {
    let url = WebAddress::parse("url", &url)?;
    Ok(session()?.add_link(project, NewLink { url, folder_id: folder }).await?)
}

/// The version in the making.
#[server(protocol = Call)]
pub async fn fetch_again(id: DocumentId) -> Result<Document, ApiError> {
    Ok(session()?.fetch_again(id).await?)
}
