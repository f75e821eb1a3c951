//! The first step of a link: its page becomes the document's file. Each fetch is stored under a key of its own, so that
//! what the row says of a file is true of that file, whoever else has fetched the page meanwhile.

use super::{Interruption, scope};
use crate::{
    AppState,
    documents::remove_files,
    events,
    fault::Fault,
    jobs::lease::ClaimedDocument,
    links::fetch::{self, Fetched},
};
use uuid::Uuid;

/// Returns the claim as it is with the file.
pub(super) async fn fetch(
    state: &AppState,
    claimed: &ClaimedDocument,
    address: &str,
) -> Result<ClaimedDocument, Interruption> {
    let Some(_place) = state.web.place() else { return Err(Interruption::Waits) };
    let fetched = fetch::fetch(state, claimed.workspace(), address).await.map_err(|fault| match fault {
        Fault::Web(error) if !error.may_pass() => Interruption::Failed(error.to_string()),
        fault => Interruption::Fault(fault),
    })?;
    match store(state, claimed, &fetched).await {
        Ok(()) => {
            // What an earlier fetch has stored; nothing, for the first.
            remove_files(&state.store, vec![claimed.file()]).await;
            Ok(claimed.fetched(fetched.key, fetched.name, fetched.media_type.to_owned()))
        }
        Err(interruption) => {
            if matches!(interruption, Interruption::LeaseLost) {
                remove_files(&state.store, vec![fetched.key]).await;
            }
            Err(interruption)
        }
    }
}

async fn store(state: &AppState, claimed: &ClaimedDocument, fetched: &Fetched) -> Result<(), Interruption> {
    let mut scope = scope(state, claimed).await?;
    sqlx::query!(
        "update documents
         set name = $2, media_type = $3, size_bytes = $4, sha256 = $5, object_key = $6, fetched_at = now(), updated_at = now()
         where id = $1",
        Uuid::from(claimed.id()),
        fetched.name,
        fetched.media_type,
        i64::try_from(fetched.stored.size).unwrap_or(i64::MAX),
        fetched.stored.sha256.as_slice(),
        fetched.key.to_string()
    )
    .execute(scope.conn())
    .await?;
    events::notify(scope.conn(), &claimed.notice()).await?;
    scope.commit().await?;
    Ok(())
}
