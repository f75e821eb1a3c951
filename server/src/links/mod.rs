//! Links: documents that are of a page of the web. Adding one makes its row; the worker fetches the page as the first
//! step of reading the document ([`fetch`]).

pub(crate) mod fetch;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;
mod title;

use crate::{
    access::ProjectAccess,
    db::Scope,
    documents::{repo as documents, upload::make_replacement},
    events::{self, Notice},
    fault::Fault,
    folders, jobs,
    projects::repo::touch,
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error, FolderId, ProjectId,
    documents::{Document, DocumentState},
    links::{Links, NewLink},
    workspaces::Role,
};
use url::Url;
use uuid::Uuid;

/// Deliveries of a fetch that fails for a reason that may pass, within half a minute: a person waits for the page.
pub(crate) const MAX_ATTEMPTS: i16 = 4;

/// Pages of a workspace that may wait at once: what people add, not what a program floods a site with.
const MAX_UNFETCHED: i64 = 50;

#[async_trait]
impl Links for UserSession {
    async fn add_link(&self, project: ProjectId, new: NewLink) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Member).await?;
        let url = self.state.web.check(new.url.as_str()).map_err(|error| Error::invalid("url", error.to_string()))?;
        folders::repo::path(scope.conn(), project, new.folder_id).await?;
        let folder = folders::repo::hold(scope.conn(), project, new.folder_id).await?;
        let old = repo::of_page(&mut scope, &access, &url).await?;
        let document = insert(&mut scope, &access, folder, &url, old).await?;
        scope.commit().await?;
        Ok(document)
    }

    async fn fetch_again(&self, document: DocumentId) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(document, Role::Member).await?;
        let old = documents::find(&mut scope, &access).await?;
        let Some(source) = &old.source_url else {
            return Err(Error::conflict("This document is a file, not a link. Upload a new version of it instead."));
        };
        if old.trashed_at.is_some() {
            return Err(Error::conflict("This document is in the trash. Restore it first."));
        }
        if old.state != DocumentState::Ready || old.replaces.is_some() {
            return Err(Error::conflict("This page is being fetched, or could not be. Wait for it, or try it again."));
        }
        let url = Url::parse(source).map_err(Fault::while_doing("read a link's address"))?;
        let version = insert(&mut scope, &access.project(), old.folder_id, &url, Some(document.into())).await?;
        scope.commit().await?;
        Ok(version)
    }

    async fn next_version(&self, document: DocumentId) -> Result<Option<Document>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(document, Role::Viewer).await?;
        Ok(documents::next_version(&mut scope, &access).await?)
    }
}

/// The row, its job and its notice; with `old`, the next version of that.
async fn insert(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    url: &Url,
    old: Option<Uuid>,
) -> Result<Document, Fault> {
    if repo::unfetched(scope, access).await? >= MAX_UNFETCHED {
        let sentence =
            format!("{MAX_UNFETCHED} pages of this workspace are still to be fetched. Wait for some of them.");
        return Err(Error::conflict(sentence).into());
    }
    let id = DocumentId::from(Uuid::now_v7());
    repo::insert(scope, access, id, folder, url, &title::of_address(url)).await?;
    if let Some(old) = old {
        make_replacement(scope, access, old, id).await?;
    }
    jobs::enqueue_ingest(scope.conn(), id).await?;
    events::notify(scope.conn(), &Notice::Document { project: access.id(), document: id }).await?;
    touch(scope.conn(), access).await?;
    Ok(documents::find_all(scope, access, &[id.into()]).await?.pop().ok_or(Error::NotFound)?)
}
