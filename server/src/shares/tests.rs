#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::testing::{Client, Operation, TestApp};
use domain::{
    Page,
    shares::{MadeShare, Share},
};
use reqwest::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Ada owns a workspace with a document; Mia is a member of it.
struct Studio {
    app: TestApp,
    ada: Client,
    mia: Client,
    anyone: Client,
    workspace: Uuid,
    /// Mia's.
    membership: Uuid,
    project: Uuid,
    document: Uuid,
}

const TEXT: &str = "# Launch\n\nOn the *third* of May.\n";

impl Studio {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let (ada, mia, anyone) = (app.user("ada").await, app.user("mia").await, app.anonymous());
        let workspace = ada.new_workspace("Nord").await;
        let membership = ada.add_member(workspace, &mia, "mia", "member").await;
        let project = ada.new_project(workspace, "Launch").await;
        let document = ada.new_document(project, "brief.md", TEXT).await;
        Self { app, ada, mia, anyone, workspace, membership, project, document }
    }

    fn shares(&self) -> String {
        format!("/api/v1/documents/{}/shares", self.document)
    }

    async fn page(&self, link: &str) -> crate::testing::Answer {
        self.anyone.send(self.anyone.request(Method::GET, link).header("accept", "text/html")).await
    }

    /// The page and the file are gone, and say the same as of a link that never was.
    async fn assert_ended(&self, link: &str, why: &str) {
        let page = self.page(link).await;
        assert_eq!(page.status, 404, "{why}");
        assert!(page.text().contains("This link opens nothing"), "{why}: {}", page.text());
        let file = self.anyone.get(&format!("{link}/file")).await;
        assert_eq!(file.status, 404, "{why}");
        assert_eq!(file.text(), self.anyone.get("/shared/never-was/file").await.text(), "{why}");
        for answer in [&page, &file] {
            assert!(!answer.text().contains("brief.md") && !answer.text().contains("third"), "{why}");
            assert_private(answer);
        }
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.app.sql().await).await.unwrap();
    }
}

fn assert_private(answer: &crate::testing::Answer) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.header("x-robots-tag").contains("noindex"));
}

#[tokio::test]
async fn whoever_has_the_link_reads_the_document_and_its_file() {
    let studio = Studio::open().await;
    let made: MadeShare = studio.mia.post(&studio.shares(), &json!({})).await.json(201);
    let link = url::Url::parse(&made.link).unwrap().path().to_owned();
    assert!(link.strip_prefix("/shared/").is_some_and(|token| token.len() == 43), "256 bits: {link}");
    let lasts = made.share.expires_at - made.share.created_at;
    assert!((lasts - Duration::days(7)).abs() < Duration::minutes(1), "{lasts}");
    assert_eq!((made.share.user_name.as_str(), made.share.opened_count), ("mia", 0));
    assert!(!format!("{made:?}").contains(&made.link));

    let page = studio.page(&link).await;
    assert_eq!(page.status, 200, "{}", page.text());
    for shown in ["brief.md", "<em>third", "mia", "name=\"robots\" content=\"noindex"] {
        assert!(page.text().contains(shown), "{shown} is not in {}", page.text());
    }
    for hidden in ["Nord", "/projects/", "/workspaces/", &studio.document.to_string(), "mia@example.com"] {
        assert!(!page.text().contains(hidden), "{hidden} is in {}", page.text());
    }
    assert_private(&page);
    let file = studio.anyone.get(&format!("{link}/file")).await;
    assert_eq!(file.expect(200).text(), TEXT);
    assert_private(&file);
    assert!(file.header("content-disposition").contains("brief.md"));
    assert!(file.header("content-security-policy").contains("sandbox"));
    let part = studio.anyone.request(Method::GET, &format!("{link}/file")).header("range", "bytes=0-7");
    assert_eq!(studio.anyone.send(part).await.expect(206).text(), "# Launch");

    let listed: Page<Share> = studio.ada.get(&studio.shares()).await.json(200);
    let [share] = listed.items.as_slice() else { panic!("{listed:?}") };
    assert_eq!((share.opened_count, share.expired), (1, false));
    assert!(share.last_opened_at.is_some());
    assert!(!studio.ada.get(&studio.shares()).await.text().contains(&link["/shared/".len()..]));
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from shares").fetch_all(&mut studio.app.sql().await).await.unwrap();
    assert_eq!(stored, [crate::secret::hash(&link["/shared/".len()..])]);
}

#[tokio::test]
async fn text_that_is_not_markdown_is_shown_by_pages() {
    let studio = Studio::open().await;
    let document = studio.ada.new_document(studio.project, "notes.txt", "Never mind <script>alert(1)</script>").await;
    let (_, link) = studio.ada.new_share(document).await;
    let page = studio.page(&link).await;
    assert!(page.text().contains("There is no text to show"), "it has not been read: {}", page.text());
    let mut sql = studio.app.sql().await;
    for number in 1..=7 {
        sqlx::query("insert into document_pages (document_id, workspace_id, number, text) values ($1, $2, $3, $4)")
            .bind(document)
            .bind(studio.workspace)
            .bind(number)
            .bind(format!("This is page {number} <b>of</b> it."))
            .execute(&mut sql)
            .await
            .unwrap();
    }
    studio.execute("update documents set page_count = 7").await;
    let first = studio.page(&link).await.text();
    assert!(first.contains("This is page 5 &lt;b&gt;") && !first.contains("This is page 6"), "{first}");
    let second = studio.page(&format!("{link}?page=6")).await;
    assert!(second.text().contains("This is page 7") && !second.text().contains("This is page 5"));
    let counted: i64 = sqlx::query_scalar("select opened_count from shares").fetch_one(&mut sql).await.unwrap();
    assert_eq!(counted, 2, "turning the page is no opening");
    assert!(studio.page(&format!("{link}?page=99")).await.text().contains("There is no such page"));
}

#[tokio::test]
async fn a_share_ends_by_time_by_hand_with_its_document_and_with_its_maker() {
    let studio = Studio::open().await;
    studio.assert_ended("/shared/guessed", "never made").await;
    studio.assert_ended("/shared/%00", "no text").await;

    let (id, link) = studio.mia.new_share(studio.document).await;
    studio.page(&link).await.expect(200);
    studio.mia.delete(&format!("/api/v1/shares/{id}")).await.expect(204);
    studio.assert_ended(&link, "revoked").await;
    studio.mia.delete(&format!("/api/v1/shares/{id}")).await.problem(404);

    let (_, link) = studio.mia.new_share(studio.document).await;
    studio.execute("update shares set expires_at = now() - interval '1 second'").await;
    studio.assert_ended(&link, "expired").await;
    let listed: Page<Share> = studio.mia.get(&studio.shares()).await.json(200);
    assert!(listed.items[0].expired);

    let (_, link) = studio.mia.new_share(studio.document).await;
    studio.execute("update members set role = 'viewer' where role = 'member'").await;
    studio.assert_ended(&link, "its maker may not share any more").await;
    studio.execute("update members set role = 'member' where role = 'viewer'").await;
    studio.page(&link).await.expect(200);
    studio.ada.delete(&format!("/api/v1/members/{}", studio.membership)).await.expect(204);
    studio.assert_ended(&link, "its maker has left").await;

    let (_, link) = studio.ada.new_share(studio.document).await;
    studio.execute("update auth.users set banned_until = now() + interval '1 day'").await;
    studio.assert_ended(&link, "its maker is banned").await;
    studio.execute("update auth.users set banned_until = null").await;
    studio.page(&link).await.expect(200);
    studio.ada.delete(&format!("/api/v1/documents/{}", studio.document)).await.expect(204);
    studio.assert_ended(&link, "its document is deleted").await;
}

#[tokio::test]
async fn a_shares_token_opens_nothing_else() {
    let studio = Studio::open().await;
    let other = studio.ada.new_document(studio.project, "secret.md", "Nobody shared this.").await;
    let (share, link) = studio.ada.new_share(studio.document).await;
    let token = link["/shared/".len()..].to_owned();
    let bearer = studio.anyone.with_token(&token);
    for operation in Operation::all() {
        for id in [other, studio.document, studio.workspace, studio.project, share] {
            let path = operation.path_with(&id.to_string());
            assert_eq!(operation.send(&bearer, &path).await.status, 401, "{}", operation.name());
            if operation.id_type().is_none() {
                break;
            }
        }
    }
    for path in [
        format!("/shared/{other}"),
        format!("/shared/{other}/file"),
        format!("/shared/{}/file", studio.document),
        format!("/shared/{share}"),
        format!("/shared/{}", token.to_lowercase()),
        format!("/shared/{token}x"),
        format!("/shared/{}", &token[..42]),
        format!("{link}/files"),
        format!("{link}/../../api/v1/documents/{other}/file"),
    ] {
        let answer = studio.page(&path).await;
        assert!(matches!(answer.status, 302 | 401 | 404), "{path}: {}", answer.status);
        assert!(!answer.text().contains("Nobody shared this"), "{path}");
    }
    for page in [format!("/documents/{}", studio.document), format!("/projects/{}/documents", studio.project)] {
        let asked = studio.anyone.request(Method::GET, &page).header("cookie", format!("atelier-access={token}"));
        assert_eq!(studio.anyone.send(asked).await.status, 302, "{page}");
    }
}

#[tokio::test]
async fn how_long_it_lasts_is_bounded_and_never_for_good() {
    let studio = Studio::open().await;
    let now = OffsetDateTime::now_utc();
    let at = |in_days: i64| (now + Duration::days(in_days)).format(&Rfc3339).unwrap();
    for new in [
        json!({ "expires_in_days": 0 }),
        json!({ "expires_in_days": 367 }),
        json!({ "expires_at": at(-1) }),
        json!({ "expires_at": at(367) }),
        json!({ "expires_in_days": 7, "expires_at": at(7) }),
    ] {
        let problem = studio.mia.post(&studio.shares(), &new).await.problem(422);
        assert!(problem["errors"][0]["field"].as_str().unwrap().starts_with("expires_"), "{new}: {problem}");
    }
    for (new, days) in [
        (json!({ "expires_in_days": 1 }), 1),
        (json!({ "expires_in_days": 30 }), 30),
        (json!({ "expires_at": at(100) }), 100),
        (json!({ "expires_in_days": null, "expires_at": null }), 7),
    ] {
        let made: MadeShare = studio.mia.post(&studio.shares(), &new).await.json(201);
        let lasts = made.share.expires_at - now;
        assert!((lasts - Duration::days(days)).abs() < Duration::minutes(1), "{new}: {lasts}");
    }
}

#[tokio::test]
async fn members_share_and_see_all_and_revoke_their_own() {
    let studio = Studio::open().await;
    let (of_ada, ada_link) = studio.ada.new_share(studio.document).await;
    let (of_mia, mia_link) = studio.mia.new_share(studio.document).await;
    let listed: Page<Share> = studio.mia.get(&studio.shares()).await.json(200);
    let ids: Vec<Uuid> = listed.items.iter().map(|share| share.id.into()).collect();
    assert_eq!(ids, [of_mia, of_ada], "the newest first");
    studio.mia.delete(&format!("/api/v1/shares/{of_ada}")).await.problem(403);
    studio.page(&ada_link).await.expect(200);
    studio.ada.delete(&format!("/api/v1/shares/{of_mia}")).await.expect(204);
    studio.assert_ended(&mia_link, "revoked by an admin").await;

    studio.execute("update members set role = 'viewer' where role = 'member'").await;
    studio.mia.get(&studio.shares()).await.problem(403);
    studio.mia.post(&studio.shares(), &json!({})).await.problem(403);

    // A key sees the list; what it made would outlive it.
    let (_, token) = studio.ada.new_api_key(studio.workspace, "write").await;
    let key = studio.anyone.with_token(&token);
    key.get(&studio.shares()).await.expect(200);
    let refused = key.post(&studio.shares(), &json!({})).await.problem(403);
    assert!(refused["type"].as_str().is_some_and(|kind| kind.contains("problem-")), "{refused}");
    key.delete(&format!("/api/v1/shares/{of_ada}")).await.problem(403);
    let kept: Value = studio.ada.get(&studio.shares()).await.json(200);
    assert_eq!(kept["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_version_of_the_document_is_shared_with_it() {
    let studio = Studio::open().await;
    let (_, link) = studio.ada.new_share(studio.document).await;
    let version = studio.ada.new_document(studio.project, "other.md", "x").await;
    sqlx::query("update documents set replaces = $1 where id = $2")
        .bind(studio.document)
        .bind(version)
        .execute(&mut studio.app.sql().await)
        .await
        .unwrap();
    // The version in the making is shared by what it will replace.
    studio.ada.post(&format!("/api/v1/documents/{version}/shares"), &json!({})).await.problem(409);
    studio.page(&link).await.expect(200);
}
