use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::session::session;
use domain::navigation::{Navigation, Place};
use leptos::prelude::*;

/// What the frame around a page shows.
#[server]
pub async fn get_navigation(place: Place) -> Result<Navigation, ApiError> {
    Ok(session()?.navigation(place).await?)
}
