use crate::call::Call;
use crate::error::ApiError;
use leptos::prelude::*;

/// Whether the reader is signed in already.
#[server(protocol = Call)]
pub async fn signed_in() -> Result<bool, ApiError> {
    Ok(crate::session::is_signed_in())
}
