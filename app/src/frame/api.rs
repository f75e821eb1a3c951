use crate::call::Call;
use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::session::session;
#[cfg(feature = "ssr")]
use domain::Error;
use domain::navigation::{Navigation, Place};
use leptos::prelude::*;

/// What the frame around a page shows. For a place that is not there it is the frame of home: the page itself says
/// that it was not found.
#[server(protocol = Call)]
pub async fn get_navigation(place: Place) -> Result<Navigation, ApiError> {
    let session = session()?;
    match session.navigation(place).await {
        Err(Error::NotFound) => Ok(session.navigation(Place::Home).await?),
        answer => Ok(answer?),
    }
}
