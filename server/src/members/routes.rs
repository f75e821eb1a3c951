//! Members and invitations: `/api/v1/workspaces/{id}/members` and `/invitations`, `/api/v1/members/{id}`,
//! `/api/v1/invitations/{id}`.

use crate::{
    AppState,
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        page::PageQuery,
    },
    session::UserSession,
};
use axum::http::StatusCode;
use domain::{
    InvitationId, MemberId, Page, WorkspaceId,
    members::{Invitation, Invited, Member, Members, NewInvitation},
    workspaces::{Role, WorkspaceLink},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Members";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(change, remove))
        .routes(routes!(transfer))
        .routes(routes!(invitations, invite))
        .routes(routes!(withdraw))
        .routes(routes!(accept))
}

/// What to change.
#[derive(Debug, Deserialize, ToSchema)]
struct MemberChange {
    role: Role,
}

/// The secret part of an invitation's link.
#[derive(Deserialize, ToSchema)]
struct Acceptance {
    token: String,
}

/// A workspace's members
///
/// Ordered by address.
#[utoipa::path(get, path = "/workspaces/{id}/members", operation_id = "list_members", tag = TAG,
    params(("id" = WorkspaceId, Path), PageQuery), responses((status = OK, body = Page<Member>), Problems))]
async fn list(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Member>>, HttpError> {
    Ok(Json(session.list_members(id, page.into()).await?))
}

/// Change a member's role
///
/// Needs the role admin; to change an owner or to make one, owner. The last owner stays one.
#[utoipa::path(patch, path = "/members/{id}", operation_id = "change_member", tag = TAG, params(("id" = MemberId, Path)),
    request_body = MemberChange, responses((status = OK, body = Member), Problems))]
async fn change(
    session: UserSession,
    Path(id): Path<MemberId>,
    Json(change): Json<MemberChange>,
) -> Result<Json<Member>, HttpError> {
    Ok(Json(session.change_role(id, change.role).await?))
}

/// Remove a member, or leave
///
/// The person's API keys and open invitations of the workspace end too. Needs the role admin, for an owner's membership
/// owner; everybody may end their own. The last owner cannot go.
#[utoipa::path(delete, path = "/members/{id}", operation_id = "delete_member", tag = TAG, params(("id" = MemberId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn remove(session: UserSession, Path(id): Path<MemberId>) -> Result<StatusCode, HttpError> {
    session.remove_member(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hand the workspace over
///
/// Makes the member an owner and you an admin. Needs the role owner.
#[utoipa::path(post, path = "/members/{id}/ownership", operation_id = "transfer_ownership", tag = TAG,
    params(("id" = MemberId, Path)), responses((status = OK, body = Member), Problems))]
async fn transfer(session: UserSession, Path(id): Path<MemberId>) -> Result<Json<Member>, HttpError> {
    Ok(Json(session.transfer_ownership(id).await?))
}

/// A workspace's open invitations
///
/// Those that nobody has accepted, expired ones too, ordered by address. Needs the role admin.
#[utoipa::path(get, path = "/workspaces/{id}/invitations", operation_id = "list_invitations", tag = TAG,
    params(("id" = WorkspaceId, Path), PageQuery), responses((status = OK, body = Page<Invitation>), Problems))]
async fn invitations(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>, HttpError> {
    Ok(Json(session.list_invitations(id, page.into()).await?))
}

/// Invite somebody
///
/// By a link that works once and for that address only; it is mailed, and shown in this answer alone. An earlier
/// invitation to the address is replaced. Needs the role admin, to invite an owner owner.
#[utoipa::path(post, path = "/workspaces/{id}/invitations", operation_id = "create_invitation", tag = TAG,
    params(("id" = WorkspaceId, Path)), request_body = NewInvitation,
    responses((status = CREATED, body = Invited), Problems))]
async fn invite(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Json(new): Json<NewInvitation>,
) -> Result<(StatusCode, Json<Invited>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.invite(id, new).await?)))
}

/// Withdraw an invitation
///
/// Its link no longer works. Needs the role admin, for an owner's invitation owner.
#[utoipa::path(delete, path = "/invitations/{id}", operation_id = "delete_invitation", tag = TAG,
    params(("id" = InvitationId, Path)), responses((status = NO_CONTENT), Problems))]
async fn withdraw(session: UserSession, Path(id): Path<InvitationId>) -> Result<StatusCode, HttpError> {
    session.withdraw_invitation(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accept an invitation
///
/// With the account of the address that it was sent to.
#[utoipa::path(post, path = "/invitations/accept", operation_id = "accept_invitation", tag = TAG,
    request_body = Acceptance, responses((status = OK, body = WorkspaceLink), Problems))]
async fn accept(session: UserSession, Json(acceptance): Json<Acceptance>) -> Result<Json<WorkspaceLink>, HttpError> {
    Ok(Json(session.accept_invitation(&acceptance.token).await?))
}
