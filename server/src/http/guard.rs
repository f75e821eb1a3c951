//! Deny by default: a route that is not on the list of [`public`] needs a login, whatever its handler forgets.

use super::{public, transport::Caller};
use crate::{
    AppState,
    auth::{AuthUser, Unsettled},
};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use domain::Error;

/// For `Router::route_layer`, inside [`crate::auth::session_layer`]: it runs for every registered route. What no route
/// takes is a file of the site or not found, which is the same for everybody.
pub async fn require_login(
    State(state): State<AppState>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    if public::is_public(route.as_str()) || request.extensions().get::<AuthUser>().is_some() {
        return next.run(request).await;
    }
    let caller = Caller::of(&request);
    match request.extensions().get::<Unsettled>() {
        // In the page's own frame, with a way to try again. Its ports refuse for the same reason.
        Some(_) if caller.is_page() => next.run(request).await,
        Some(Unsettled(error)) => caller.refuse(&state.site, error.clone()),
        None => caller.refuse(&state.site, Error::Unauthenticated),
    }
}
