#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    auth::AuthUser,
    mail::tests::smtp_peer,
    session::UserSession,
    testing::{Client, TestApp, count_queries},
    workspaces::tests::all_pages,
};
use domain::{
    Page, PageRequest,
    members::{Invitation, InvitationState, Invited, Letterbox, Member, Members},
    workspaces::{Role, Workspace, Workspaces},
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Ada owns a workspace.
struct Studio {
    app: TestApp,
    ada: Client,
    workspace: Uuid,
}

impl Studio {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        Self { app, ada, workspace }
    }

    /// Signs up `name` and makes them a member.
    async fn member(&self, name: &str, role: &str) -> (Client, Uuid) {
        let person = self.app.user(name).await;
        let membership = self.ada.add_member(self.workspace, &person, name, role).await;
        (person, membership)
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.workspace)
    }

    async fn members(&self) -> Vec<Member> {
        self.ada.get(&self.path("/members")).await.json::<Page<Member>>(200).items
    }

    async fn own(&self, client: &Client) -> Uuid {
        let user = client.user_id();
        let members: Page<Member> = client.get(&self.path("/members")).await.json(200);
        members.items.iter().find(|member| Uuid::from(member.user_id) == user).unwrap().id.into()
    }

    async fn invite(&self, email: &str, role: &str) -> Invited {
        self.ada.post(&self.path("/invitations"), &json!({ "email": email, "role": role })).await.json(201)
    }

    async fn invitations(&self) -> Vec<Invitation> {
        self.ada.get(&self.path("/invitations")).await.json::<Page<Invitation>>(200).items
    }

    async fn state(&self, invited: &Invited) -> InvitationState {
        let letterbox = super::OpenLetterbox(self.app.state.clone());
        letterbox.received_invitation(token(invited)).await.unwrap().state
    }

    /// Adds `person-1@example.com` and those after, without signing them up.
    async fn add_many(&self, count: i32) {
        sqlx::query(
            "with people as (
                 insert into users (id, email, display_name)
                 select gen_random_uuid(), 'person-' || n || '@example.com', 'Person ' || n from generate_series(1, $2) n
                 returning id
             )
             insert into members (workspace_id, user_id, role) select $1, id, 'member' from people",
        )
        .bind(self.workspace)
        .bind(count)
        .execute(&mut self.app.sql().await)
        .await
        .unwrap();
    }

    /// Invites `guest-1@example.com` and those after, without mails.
    async fn invite_many(&self, count: i32) {
        sqlx::query(
            "insert into invitations (id, workspace_id, email, role, token_hash, invited_by, expires_at)
             select gen_random_uuid(), $1, 'guest-' || n || '@example.com', 'member', sha256(n::text::bytea), $2,
                 now() + interval '1 day'
             from generate_series(1, $3) n",
        )
        .bind(self.workspace)
        .bind(self.ada.user_id())
        .bind(count)
        .execute(&mut self.app.sql().await)
        .await
        .unwrap();
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.app.sql().await).await.unwrap();
    }
}

fn token(invited: &Invited) -> &str {
    invited.link.rsplit('/').next().unwrap()
}

async fn accept(client: &Client, invited: &Invited) -> crate::testing::Answer {
    client.post("/api/v1/invitations/accept", &json!({ "token": token(invited) })).await
}

async fn set_role(client: &Client, member: Uuid, role: &str) -> crate::testing::Answer {
    client.patch(&format!("/api/v1/members/{member}"), &json!({ "role": role })).await
}

async fn remove(client: &Client, member: Uuid) -> crate::testing::Answer {
    client.delete(&format!("/api/v1/members/{member}")).await
}

#[tokio::test]
async fn an_invitation_is_mailed_and_makes_a_member_of_whoever_it_is_for() {
    let studio = Studio::open().await;
    let eve = studio.app.user("eve").await;
    let invited = studio.invite(" Eve@Example.com ", "member").await;
    assert!(invited.mailed);
    assert!(invited.link.starts_with(&format!("{}invite/", studio.app.url)), "{}", invited.link);
    assert!(token(&invited).len() >= 43, "256 bits");
    let week = invited.invitation.expires_at - invited.invitation.created_at;
    assert_eq!(week, time::Duration::days(7));
    assert!(!format!("{invited:?}").contains(token(&invited)));

    let kept = studio.app.state.mailer.outbox();
    assert_eq!(kept[0].mail.to, "eve@example.com");
    assert_eq!(kept[0].mail.subject, "ada invites you to Nord");
    assert!(kept[0].mail.text.contains(&invited.link) && kept[0].mail.text.contains("as a member"));

    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from invitations").fetch_all(&mut studio.app.sql().await).await.unwrap();
    assert_eq!(stored, [crate::secret::hash(token(&invited))], "the token itself is nowhere");

    let accepted: Value = accept(&eve, &invited).await.json(200);
    assert_eq!(accepted["name"], "Nord");
    let seen: Workspace = eve.get(&studio.path("")).await.json(200);
    assert_eq!((seen.role, seen.member_count), (Role::Member, 2));
    assert_eq!(studio.invitations().await, []);
}

#[tokio::test]
async fn an_invitation_is_for_its_address_only() {
    let studio = Studio::open().await;
    let mallory = studio.app.user("mallory").await;
    let invited = studio.invite("eve@example.com", "admin").await;
    let problem = accept(&mallory, &invited).await.problem(403);
    assert!(problem["detail"].as_str().unwrap().contains("eve@example.com"), "{problem}");
    mallory.get(&studio.path("")).await.problem(404);
    // And is not used up by the attempt.
    let eve = studio.app.user("eve").await;
    accept(&eve, &invited).await.expect(200);
}

#[tokio::test]
async fn an_invitation_works_once_however_many_accept_at_once() {
    let studio = Studio::open().await;
    let eve = studio.app.user("eve").await;
    let invited = studio.invite("eve@example.com", "viewer").await;
    let tries = futures::future::join_all((0..8).map(|_| accept(&eve, &invited))).await;
    let mut statuses: Vec<u16> = tries.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(studio.members().await.len(), 2);
    // Nor does it bring back whoever was removed.
    remove(&studio.ada, studio.own(&eve).await).await.expect(204);
    accept(&eve, &invited).await.problem(409);
    eve.get(&studio.path("")).await.problem(404);
}

#[tokio::test]
async fn an_invitation_that_has_ended_says_how() {
    let studio = Studio::open().await;
    let eve = studio.app.user("eve").await;
    let first = studio.invite("eve@example.com", "viewer").await;
    assert_eq!(studio.state(&first).await, InvitationState::Open);
    let second = studio.invite("eve@example.com", "member").await;
    assert_eq!(studio.state(&first).await, InvitationState::Withdrawn, "inviting again replaces");
    let [listed] = studio.invitations().await.try_into().unwrap();
    assert_eq!((listed.id, listed.role), (second.invitation.id, Role::Member));

    studio.execute("update invitations set expires_at = now() - interval '1 second' where withdrawn_at is null").await;
    assert_eq!(studio.state(&second).await, InvitationState::Expired);
    for ended in [&first, &second] {
        accept(&eve, ended).await.problem(409);
    }
    assert_eq!(studio.invitations().await.len(), 1, "an expired one can be seen, and made anew");
    let third = studio.invite("eve@example.com", "member").await;
    studio.ada.delete(&format!("/api/v1/invitations/{}", third.invitation.id)).await.expect(204);
    studio.ada.delete(&format!("/api/v1/invitations/{}", third.invitation.id)).await.problem(404);
    accept(&eve, &third).await.problem(409);
    let fourth = studio.invite("eve@example.com", "member").await;
    accept(&eve, &fourth).await.expect(200);
    assert_eq!(studio.state(&fourth).await, InvitationState::Accepted);

    for nonsense in ["", "nonsense", "'", &"a".repeat(5000)] {
        eve.post("/api/v1/invitations/accept", &json!({ "token": nonsense })).await.problem(404);
    }
    // What ended long ago is forgotten when somebody is invited.
    studio
        .execute("update invitations set withdrawn_at = now() - interval '31 days' where withdrawn_at is not null")
        .await;
    studio.invite("mia@example.com", "viewer").await;
    let left: i64 =
        sqlx::query_scalar("select count(*) from invitations").fetch_one(&mut studio.app.sql().await).await.unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn who_is_invited_must_not_be_there_and_how_long_is_bounded() {
    let studio = Studio::open().await;
    studio.member("eve", "viewer").await;
    let invitations = studio.path("/invitations");
    let present = studio.ada.post(&invitations, &json!({ "email": "EVE@example.com", "role": "viewer" })).await;
    assert!(present.problem(409)["detail"].as_str().unwrap().contains("is a member of this workspace already"));
    for (days, status) in [(0, 422), (1, 201), (30, 201), (31, 422)] {
        let new = json!({ "email": "new@example.com", "role": "viewer", "expires_in_days": days });
        studio.ada.post(&invitations, &new).await.expect(status);
    }
    studio.ada.post(&invitations, &json!({ "email": "nonsense", "role": "viewer" })).await.problem(422);
}

#[tokio::test]
async fn nobody_mails_the_world_through_invitations() {
    let studio = Studio::open().await;
    let second = studio.ada.new_workspace("Süd").await;
    // With an invitation of its own.
    let (bo, _) = studio.member("bo", "admin").await;
    for number in 0..49 {
        studio.invite(&format!("guest{number}@example.com"), "viewer").await;
    }
    let more = json!({ "email": "guest50@example.com", "role": "viewer" });
    let refused = studio.ada.post(&format!("/api/v1/workspaces/{second}/invitations"), &more).await;
    refused.problem(429);
    assert!((1..=72).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    // Somebody else is not held up.
    bo.post(&studio.path("/invitations"), &more).await.expect(201);
}

#[tokio::test]
async fn an_invitation_that_cannot_be_mailed_still_stands() {
    let (address, _received) = smtp_peer().await;
    let url = format!("smtp://{address}");
    let variables = [("SMTP_URL", url.as_str()), ("MAIL_FROM", "atelier@example.com")];
    let app = TestApp::start_with(&variables).await;
    let ada = app.user("ada").await;
    let workspace = ada.new_workspace("Nord").await;
    let studio = Studio { app, ada, workspace };
    // The peer has no such mailbox.
    let invited = studio.invite("nobody@example.com", "member").await;
    assert!(!invited.mailed, "whoever invites is told to send the link");
    assert!(studio.invite("bo@example.com", "member").await.mailed);
    let nobody = studio.app.user("nobody").await;
    accept(&nobody, &invited).await.expect(200);
}

#[tokio::test]
async fn an_admin_manages_all_but_owners() {
    let studio = Studio::open().await;
    let (amy, _) = studio.member("amy", "admin").await;
    let (_, other_admin) = studio.member("bob", "admin").await;
    let (mia, member) = studio.member("mia", "member").await;
    let owner = studio.own(&studio.ada).await;

    // Nobody below an admin touches anyone but themself.
    for action in [set_role(&mia, other_admin, "viewer").await, remove(&mia, other_admin).await] {
        action.problem(403);
    }
    set_role(&mia, member, "admin").await.problem(403);

    set_role(&amy, owner, "admin").await.problem(403);
    remove(&amy, owner).await.problem(403);
    set_role(&amy, member, "owner").await.problem(403);
    amy.post(&format!("/api/v1/members/{member}/ownership"), &json!({})).await.problem(403);
    let as_owner = json!({ "email": "new@example.com", "role": "owner" });
    amy.post(&studio.path("/invitations"), &as_owner).await.problem(403);
    // Nor by way of an owner's invitation.
    let invited = studio.invite("new@example.com", "owner").await;
    let as_viewer = json!({ "email": "new@example.com", "role": "viewer" });
    amy.post(&studio.path("/invitations"), &as_viewer).await.problem(403);
    amy.delete(&format!("/api/v1/invitations/{}", invited.invitation.id)).await.problem(403);

    let changed: Member = set_role(&amy, member, "admin").await.json(200);
    assert_eq!((changed.role, changed.email.as_str()), (Role::Admin, "mia@example.com"));
    set_role(&amy, other_admin, "viewer").await.expect(200);
    remove(&amy, other_admin).await.expect(204);
    remove(&amy, other_admin).await.problem(404);
    set_role(&studio.ada, member, "owner").await.expect(200);
}

#[tokio::test]
async fn the_next_request_sees_a_change() {
    let studio = Studio::open().await;
    let (mia, member) = studio.member("mia", "member").await;
    mia.new_project(studio.workspace, "Launch").await;
    set_role(&studio.ada, member, "viewer").await.expect(200);
    mia.post(&studio.path("/projects"), &json!({ "name": "Another" })).await.problem(403);
    mia.get(&studio.path("")).await.expect(200);
    remove(&studio.ada, member).await.expect(204);
    mia.get(&studio.path("")).await.problem(404);
    let left: Page<Workspace> = mia.get("/api/v1/workspaces").await.json(200);
    assert_eq!(left.items, []);
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let studio = Studio::open().await;
    let owner = studio.own(&studio.ada).await;
    let (mia, member) = studio.member("mia", "member").await;
    let problem = remove(&studio.ada, owner).await.problem(409);
    assert_eq!(problem["detail"], "A workspace needs an owner. Make another member an owner first.");
    for role in ["viewer", "member", "admin"] {
        set_role(&studio.ada, owner, role).await.problem(409);
    }
    set_role(&studio.ada, owner, "owner").await.expect(200);

    studio.ada.post(&format!("/api/v1/members/{owner}/ownership"), &json!({})).await.problem(409);
    let new_owner: Member = studio.ada.post(&format!("/api/v1/members/{member}/ownership"), &json!({})).await.json(200);
    assert_eq!((new_owner.email.as_str(), new_owner.role), ("mia@example.com", Role::Owner));
    assert_eq!(studio.ada.get(&studio.path("")).await.json::<Workspace>(200).role, Role::Admin);
    remove(&mia, member).await.problem(409);
    remove(&studio.ada, owner).await.expect(204);
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    let studio = Studio::open().await;
    let (mia, second) = studio.member("mia", "owner").await;
    let first = studio.own(&studio.ada).await;
    for round in 0..10 {
        // Both step down, by the two ways there are; whoever did is made an owner again by the other.
        let (one, other) = if round % 2 == 0 {
            tokio::join!(set_role(&studio.ada, first, "admin"), set_role(&mia, second, "admin"))
        } else {
            tokio::join!(set_role(&studio.ada, first, "member"), set_role(&mia, second, "viewer"))
        };
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let (left, gone) = if one.status == 409 { (&studio.ada, second) } else { (&mia, first) };
        set_role(left, gone, "owner").await.expect(200);
    }
    let (one, other) = tokio::join!(remove(&studio.ada, first), remove(&mia, second));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

/// Sees to it that the test above does not pass by luck: the second waits for the first's lock.
#[tokio::test]
async fn whoever_decides_about_owners_holds_the_others_up() {
    let studio = Studio::open().await;
    let (mia, second) = studio.member("mia", "owner").await;
    let state = studio.app.state.clone();
    let session = UserSession::new(state, AuthUser::for_test(studio.ada.user_id().into(), "ada@example.com"));
    let mut scope = session.scope().await.unwrap();
    scope.member(studio.own(&studio.ada).await.into(), Role::Owner).await.unwrap();
    let leaving = tokio::spawn(async move { remove(&mia, second).await.status });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!leaving.is_finished());
    drop(scope);
    assert_eq!(leaving.await.unwrap(), 204);
}

#[tokio::test]
async fn an_invitation_is_worth_what_its_maker_is() {
    let studio = Studio::open().await;
    let (amy, member) = studio.member("amy", "owner").await;
    let invite = async |email: &str, role: &str| -> Invited {
        amy.post(&studio.path("/invitations"), &json!({ "email": email, "role": role })).await.json(201)
    };
    let (owner, viewer) = (invite("o@example.com", "owner").await, invite("v@example.com", "viewer").await);
    set_role(&studio.ada, member, "admin").await.expect(200);
    assert_eq!(studio.state(&owner).await, InvitationState::Withdrawn);
    assert_eq!(studio.state(&viewer).await, InvitationState::Open);
    set_role(&studio.ada, member, "member").await.expect(200);
    assert_eq!(studio.state(&viewer).await, InvitationState::Withdrawn);

    set_role(&studio.ada, member, "admin").await.expect(200);
    let last = invite("v@example.com", "viewer").await;
    remove(&studio.ada, member).await.expect(204);
    let guest = studio.app.user("v").await;
    accept(&guest, &last).await.problem(404);
}

#[tokio::test]
async fn pages_of_many_members_and_invitations_are_whole() {
    let studio = Studio::open().await;
    studio.add_many(120).await;
    studio.invite_many(120).await;
    let members = all_pages(&studio.ada, &studio.path("/members"), 17).await;
    let invitations = all_pages(&studio.ada, &studio.path("/invitations"), 17).await;
    assert_eq!((members.len(), invitations.len()), (121, 120));
    for items in [&members, &invitations] {
        assert!(items.is_sorted_by(|a, b| a["email"].as_str() < b["email"].as_str()));
    }
    // The page of settings, however many there are: six statements for each of four transactions at most.
    let session =
        UserSession::new(studio.app.state.clone(), AuthUser::for_test(studio.ada.user_id().into(), "ada@example.com"));
    let workspace = studio.workspace.into();
    let ((), queries) = count_queries(async {
        session.workspace(workspace).await.unwrap();
        session.membership(workspace).await.unwrap();
        session.list_members(workspace, PageRequest::first()).await.unwrap();
        session.list_invitations(workspace, PageRequest::first()).await.unwrap();
    })
    .await;
    // Two statements each, and the beginning of its transaction.
    assert!((8..=12).contains(&queries), "{queries} queries");
}

/// With many rows, what is asked at every request or by a link is found by an index.
#[tokio::test]
async fn what_grows_is_found_by_an_index() {
    let studio = Studio::open().await;
    studio.invite_many(3000).await;
    let mut sql = studio.app.sql().await;
    sqlx::query(
        "insert into api_keys (id, workspace_id, user_id, name, scope, prefix, token_hash)
         select gen_random_uuid(), $1, $2, 'Key', 'read', 'atelier_', sha256(n::text::bytea) from generate_series(1, 3000) n",
    )
    .bind(studio.workspace)
    .bind(studio.ada.user_id())
    .execute(&mut sql)
    .await
    .unwrap();
    sqlx::raw_sql("analyze").execute(&mut sql).await.unwrap();
    for (query, index) in [
        ("select 1 from invitations where token_hash = sha256('7')", "invitations_token_hash_key"),
        (
            "select 1 from invitations where workspace_id = '0190163d-8694-739b-aea5-966c26f8ad90' and accepted_at is null
                 and withdrawn_at is null and email > 'guest-5' order by email limit 51",
            "invitations_open",
        ),
        ("select 1 from api_keys where token_hash = sha256('7')", "api_keys_token_hash_key"),
        (
            "delete from api_keys where workspace_id = '0190163d-8694-739b-aea5-966c26f8ad90'
                 and user_id = '0190163d-8694-739b-aea5-966c26f8ad90'",
            "api_keys_",
        ),
        (
            "delete from invitations where workspace_id = '0190163d-8694-739b-aea5-966c26f8ad90'
                 and invited_by = '0190163d-8694-739b-aea5-966c26f8ad90'",
            "invitations_",
        ),
        (
            "select 1 from api_keys where workspace_id = (select id from workspaces) and id < 'ffffffff-ffff-ffff-ffff-ffffffffffff'
             order by id desc limit 51",
            "api_keys_newest",
        ),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {query}")))
            .fetch_all(&mut sql)
            .await
            .unwrap();
        assert!(plan.iter().any(|line| line.contains(index)), "{query}\n{}", plan.join("\n"));
    }
}

/// Follows the links to the next page of a list in the settings, whose parameter is `param`; returns the pages.
async fn settings_pages(studio: &Studio, param: &str) -> Vec<String> {
    let mut path = format!("/workspaces/{}/settings", studio.workspace);
    let mut pages = Vec::new();
    while pages.len() < 10 {
        let answer = studio.ada.get(&path).await;
        let page = answer.text();
        assert_eq!(answer.status, 200, "{path}: {page}");
        let next = page.split("href=\"").skip(1).find_map(|rest| {
            let href = rest.split(['"', '#']).next()?;
            href.contains(&format!("?{param}=")).then(|| href.replace("&amp;", "&"))
        });
        pages.push(page);
        match next {
            Some(next) => path = next,
            None => return pages,
        }
    }
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_lead_to_everybody_who_is_there_and_who_is_invited() {
    let studio = Studio::open().await;
    studio.add_many(130).await;
    studio.invite_many(120).await;
    for (param, name, people, before) in
        [("cursor", "person", 130, "<span"), ("heirs", "person", 130, "<option"), ("invited", "guest", 120, "<span")]
    {
        let pages = settings_pages(&studio, param).await;
        assert!(pages.len() > 1, "{param}");
        for number in 1..=people {
            let address = format!("{name}-{number}@example.com");
            let is_in = |page: &String| {
                page.split(before)
                    .skip(1)
                    .any(|part| part.split("</").next().is_some_and(|text| text.contains(&address)))
            };
            assert_eq!(pages.iter().filter(|page| is_in(page)).count(), 1, "{address} by {param}");
        }
    }
}
