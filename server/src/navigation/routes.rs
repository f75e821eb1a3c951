//! `/api/v1/me`.

use crate::{
    AppState,
    http::error::{Json, Problems},
    session::UserSession,
};
use domain::{Session, accounts::User};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me))
}

/// You
///
/// The person that the token or the cookie belongs to.
#[utoipa::path(get, path = "/me", operation_id = "get_me", tag = "You", responses((status = OK, body = User), Problems))]
async fn me(session: UserSession) -> Json<User> {
    Json(session.user().clone())
}
