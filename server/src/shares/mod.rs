//! Shares: a document opened to whoever has the link, until it expires or is revoked. The link carries 256 random bits, of
//! which the database has a hash. It opens that document alone: its text here, its file in [`file`].

pub mod file;
mod repo;
pub mod routes;
#[cfg(test)]
mod tests;

use crate::{
    AppState, documents::repo as documents, fault::Fault, rag::extract::media_types, secret, session::UserSession,
};
use async_trait::async_trait;
use domain::{
    DocumentId, Error, Page, PageRequest, ShareId,
    shares::{MadeShare, NewShare, OpenShares, Share, SharedDocument, SharedText, Shares},
    workspaces::Role,
};
use time::{Duration, OffsetDateTime};

/// Most pages of one answer.
const MAX_PAGES: u32 = 50;

/// A Markdown file up to this size is shown as it was written, a larger one by the pages of its text.
const MAX_MARKDOWN_BYTES: u64 = 512 * 1024;

#[async_trait]
impl Shares for UserSession {
    async fn list_shares(&self, document: DocumentId, page: PageRequest) -> Result<Page<Share>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.document(document, Role::Member).await?;
        Ok(repo::list(&mut scope, &access, &page).await?)
    }

    async fn share(&self, document: DocumentId, new: NewShare) -> Result<MadeShare, Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.document(document, Role::Member).await?;
        let expires_at = end(&new, OffsetDateTime::now_utc())?;
        documents::find(&mut scope, &access).await?.may_leave()?;
        let token = secret::new()?;
        let share = repo::insert(&mut scope, &access, expires_at, &secret::hash(&token)).await?;
        scope.commit().await?;
        // From the configured address, never from the request's Host, which whoever sends the request may invent.
        Ok(MadeShare { share, link: format!("{}shared/{token}", self.state.config.site.public_url) })
    }

    async fn revoke_share(&self, id: ShareId) -> Result<(), Error> {
        let mut scope = self.persons_scope().await?;
        let access = scope.share(id, Role::Viewer).await?;
        if access.user_id() != scope.user_id() && access.workspace().role() < Role::Admin {
            return Err(Error::Forbidden);
        }
        repo::delete(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(())
    }
}

/// When the share ends.
fn end(new: &NewShare, now: OffsetDateTime) -> Result<OffsetDateTime, Error> {
    const DAYS: u16 = NewShare::MAX_DAYS;
    match (new.expires_in_days, new.expires_at) {
        (Some(_), Some(_)) => Err(Error::invalid("expires_at", "Give the days or the time, not both.")),
        (Some(days), None) if !(1..=DAYS).contains(&days) => {
            Err(Error::invalid("expires_in_days", format!("Use 1 to {DAYS} days.")))
        }
        (Some(days), None) => Ok(now + Duration::days(days.into())),
        (None, Some(at)) if at <= now => Err(Error::invalid("expires_at", "Choose a day that is not past.")),
        (None, Some(at)) if at > now + Duration::days(DAYS.into()) => {
            Err(Error::invalid("expires_at", format!("Choose a day within {DAYS} days. A new link can be made then.")))
        }
        (None, Some(at)) => Ok(at),
        (None, None) => Ok(now + Duration::days(NewShare::DEFAULT_DAYS.into())),
    }
}

/// The shares that stand open to everybody: who has a link may read its document.
#[derive(Clone, Debug)]
pub struct SharesByToken(pub AppState);

#[async_trait]
impl OpenShares for SharesByToken {
    async fn open_share(&self, token: &str, from: u32, limit: u32) -> Result<SharedDocument, Error> {
        let mut tx = self.0.db.system().await?;
        let opened = repo::open(&self.0, tx.conn(), token).await?;
        let pages = documents::pages_of(tx.conn(), opened.document, from, limit.clamp(1, MAX_PAGES)).await?;
        if from <= 1 {
            repo::count_opening(tx.conn(), &opened).await?;
        }
        // The connection goes back before the file is read.
        tx.commit().await?;
        let text = match self.markdown(&opened).await? {
            Some(markdown) => SharedText::Markdown(markdown),
            None => SharedText::Pages(pages),
        };
        let file = opened.file;
        Ok(SharedDocument {
            name: file.name,
            media_type: file.media_type,
            size_bytes: file.size,
            page_count: opened.page_count,
            shared_by: opened.shared_by,
            expires_at: opened.expires_at,
            text,
        })
    }
}

impl SharesByToken {
    async fn markdown(&self, opened: &repo::Opened) -> Result<Option<String>, Fault> {
        let file = &opened.file;
        if file.media_type != media_types::MARKDOWN || file.size > MAX_MARKDOWN_BYTES {
            return Ok(None);
        }
        let bytes = self.0.store.get_bytes(file.key, MAX_MARKDOWN_BYTES).await?;
        Ok(String::from_utf8(bytes.into()).ok())
    }
}
