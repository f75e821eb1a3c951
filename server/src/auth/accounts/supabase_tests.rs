//! The port, against answers of Supabase itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::{
    auth::{
        cookie::{ReceivedFlows, ReceivedTokens},
        recorded::{self, answer, bare_user, external, refusal, session, supabase, supabase_with, token, token_with},
    },
    testing::TestApp,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use url::Url;
use wiremock::{MockServer, Request, Respond, ResponseTemplate};

fn browser(app: &TestApp) -> RequestAccounts {
    let jar = SessionJar::new(ReceivedTokens::default(), ReceivedFlows::default());
    RequestAccounts::new(app.state.clone(), jar, None, None)
}

fn ada() -> Email {
    Email::parse("email", "ada@example.com").unwrap()
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The provider's end of PKCE: it gives the session to whoever has the proof of `challenge`.
struct Exchange {
    challenge: String,
    session: Value,
}

impl Respond for Exchange {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let verifier = body["code_verifier"].as_str().unwrap();
        if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == self.challenge {
            return ok(self.session.clone());
        }
        refusal(400, "bad_code_verifier", "code challenge does not match previously saved code verifier")
    }
}

async fn exchange(server: &MockServer, challenge: &str) {
    let session = session(&token(server, 3600));
    server.reset().await;
    wiremock::Mock::given(wiremock::matchers::query_param("grant_type", "pkce"))
        .respond_with(Exchange { challenge: challenge.to_owned(), session })
        .mount(server)
        .await;
}

/// The challenge that the last request to `path` sent.
async fn challenge(server: &MockServer, path: &str) -> String {
    let requests = recorded::received(server, path).await;
    requests.last().unwrap().body_json::<Value>().unwrap()["code_challenge"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_recovery_by_the_default_templates_comes_back_with_a_code() {
    let (server, app) = supabase().await;
    let here = browser(&app);
    answer(&server, "/recover", ok(json!({}))).await;
    here.send_recovery(ada()).await.unwrap();
    let asked = recorded::received(&server, "/recover").await;
    assert_eq!(query(&asked[0].url)["redirect_to"], format!("{}auth/callback", app.state.config.site.public_url));
    let challenge = challenge(&server, "/recover").await;
    // Something else was begun after it: the code belongs to the older flow all the same.
    recorded::also(&server, "/otp", ok(json!({}))).await;
    here.send_sign_in_link(ada(), Some("/projects/1")).await.unwrap();

    exchange(&server, &challenge).await;
    let elsewhere = browser(&app).finish_code("7f6c1c5e-8d3a-4f0e-9f3a-2f7d4b1c9a10").await.unwrap_err();
    assert!(elsewhere.for_field("link").unwrap().contains("another browser"), "{elsewhere:?}");
    assert_eq!(
        here.finish_code("7f6c1c5e-8d3a-4f0e-9f3a-2f7d4b1c9a10").await.unwrap(),
        (Arrival::ChoosePassword, None)
    );
    assert!(here.token().is_some());
    assert_eq!(here.jar.flows().len(), 1, "that flow is over, the other is not");
}

#[tokio::test]
async fn a_code_that_is_too_old_is_the_links_fault() {
    let (server, app) = supabase().await;
    for (status, code) in [(404, "flow_state_not_found"), (422, "flow_state_expired"), (400, "validation_failed")] {
        let here = browser(&app);
        answer(&server, "/otp", ok(json!({}))).await;
        here.send_sign_in_link(ada(), None).await.unwrap();
        answer(&server, "/token", refusal(status, code, "x")).await;
        assert!(here.finish_code("c").await.unwrap_err().for_field("link").is_some(), "{code}");
    }
    assert!(browser(&app).finish_code("").await.unwrap_err().for_field("link").is_some());
}

#[tokio::test]
async fn another_providers_page_is_left_for_and_come_back_from() {
    let (server, app) = supabase().await;
    let settings = json!({
        "external": external(&["github", "email"]), "disable_signup": false, "mailer_autoconfirm": false, "phone_autoconfirm": false,
        "sms_provider": "", "saml_enabled": false,
    });
    answer(&server, "/settings", ok(settings)).await;
    let here = browser(&app);
    assert_eq!(here.options().await.unwrap().oauth, ["github"]);
    assert!(here.start_oauth("google", None).await.unwrap_err().for_field("provider").is_some());
    let url = Url::parse(&here.start_oauth("github", Some("/projects/1?a=b")).await.unwrap()).unwrap();
    assert!(url.as_str().starts_with(&format!("{}/auth/v1/authorize?", server.uri())), "{url}");
    let query = query(&url);
    assert_eq!((query["provider"].as_str(), query["code_challenge_method"].as_str()), ("github", "s256"));
    assert!(query["redirect_to"].ends_with("/auth/callback?next=%2Fprojects%2F1%3Fa%3Db"), "{url}");
    exchange(&server, &query["code_challenge"]).await;
    let arrived = here.finish_code("c").await.unwrap();
    assert_eq!(arrived, (Arrival::SignedIn, Some("/projects/1?a=b".to_owned())));
}

#[tokio::test]
async fn a_next_of_another_site_is_left_out() {
    let (server, app) = supabase().await;
    answer(&server, "/otp", ok(json!({}))).await;
    let here = browser(&app);
    here.send_sign_in_link(ada(), Some("//evil.example")).await.unwrap();
    let asked = recorded::received(&server, "/otp").await;
    assert!(query(&asked[0].url)["redirect_to"].ends_with("/auth/callback"), "{}", asked[0].url);
    assert_eq!(here.jar.flows()[0].next, None);
}

#[tokio::test]
async fn a_link_of_our_templates_needs_no_proof() {
    let (server, app) = supabase().await;
    for (kind, arrival) in [
        (LinkKind::Signup, Arrival::SignedIn),
        (LinkKind::Magiclink, Arrival::SignedIn),
        (LinkKind::Email, Arrival::SignedIn),
        (LinkKind::Recovery, Arrival::ChoosePassword),
        (LinkKind::Invite, Arrival::ChoosePassword),
    ] {
        answer(&server, "/verify", ok(session(&token(&server, 3600)))).await;
        let here = browser(&app);
        assert_eq!(here.verify_link("pkce_0123", kind).await.unwrap(), arrival, "{kind:?}");
        assert!(here.token().is_some());
    }
    answer(&server, "/verify", refusal(403, "otp_expired", "Email link is invalid or has expired")).await;
    let here = browser(&app);
    assert!(here.verify_link("pkce_0123", LinkKind::Recovery).await.unwrap_err().for_field("link").is_some());
    assert!(here.verify_code(ada(), "123456").await.unwrap_err().for_field("code").is_some());
    assert!(here.verify_link("", LinkKind::Recovery).await.unwrap_err().for_field("link").is_some());
}

#[tokio::test]
async fn tokens_of_a_fragment_are_verified_and_exchanged() {
    let (server, app) = supabase().await;
    let access = token(&server, 3600);
    answer(&server, "/token", ok(session(&access))).await;
    let here = browser(&app);
    assert_eq!(here.accept_tokens(&access, "r", Some(LinkKind::Recovery)).await.unwrap(), Arrival::ChoosePassword);
    assert_eq!(here.jar.current().1.as_deref(), Some("renewed"), "what stood in the address does not serve on");
    assert_eq!(here.accept_tokens(&access, "r", None).await.unwrap(), Arrival::SignedIn);
    let refresh = recorded::received(&server, "/token").await;
    assert_eq!(refresh[0].body_json::<Value>().unwrap(), json!({ "refresh_token": "r" }));

    let here = browser(&app);
    for (access, refresh) in [("a.b.c", "r"), ("", "r"), (access.as_str(), ""), (&token(&server, -60), "r")] {
        assert!(here.accept_tokens(access, refresh, None).await.unwrap_err().for_field("link").is_some(), "{access}");
    }
    let of_another = token_with(&server, 3600, json!({ "sub": "11111111-8d3a-4f0e-9f3a-2f7d4b1c9a10" }));
    assert!(here.accept_tokens(&of_another, "r", None).await.unwrap_err().for_field("link").is_some());
    answer(&server, "/token", refusal(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")).await;
    assert!(here.accept_tokens(&access, "r", None).await.unwrap_err().for_field("link").is_some());
    assert!(here.token().is_none());
}

#[tokio::test]
async fn a_sign_up_gives_a_session_a_bare_user_or_a_fake_one() {
    let (server, app) = supabase().await;
    let credentials = || Credentials { email: ada(), password: "correct horse battery".to_owned() };
    let mut fake = bare_user();
    fake["identities"] = json!([]);
    for body in [bare_user(), fake] {
        answer(&server, "/signup", ok(body)).await;
        let here = browser(&app);
        assert_eq!(here.sign_up(credentials(), None).await.unwrap(), SignedUp::ConfirmEmail);
        assert!(here.token().is_none());
    }
    answer(&server, "/signup", ok(session(&token(&server, 3600)))).await;
    let here = browser(&app);
    assert_eq!(here.sign_up(credentials(), None).await.unwrap(), SignedUp::SignedIn);
    assert!(here.token().is_some() && here.jar.flows().is_empty());
}

#[tokio::test]
async fn a_project_that_wants_a_fresh_sign_in_says_so() {
    let (server, app) = supabase().await;
    let here = browser(&app);
    answer(&server, "/token", ok(session(&token(&server, 3600)))).await;
    here.sign_in(Credentials { email: ada(), password: "p".to_owned() }).await.unwrap();
    recorded::also(&server, "/logout", ResponseTemplate::new(204)).await;
    let needed = refusal(400, "reauthentication_needed", "Password update requires reauthentication");
    wiremock::Mock::given(wiremock::matchers::method("PUT")).respond_with(needed).mount(&server).await;
    recorded::also(&server, "/user", ok(bare_user())).await;
    let change = PasswordChange { current: Some("p".to_owned()), new: "q".repeat(10) };
    let told = here.change_password(change).await.unwrap_err();
    assert!(matches!(&told, Error::Conflict { message } if message.contains("sign in again")), "{told:?}");
}

#[tokio::test]
async fn without_the_secret_key_nothing_is_deleted() {
    let (server, app) = supabase().await;
    let here = browser(&app);
    answer(&server, "/user", ok(bare_user())).await;
    here.jar.set(SessionTokens { access: token(&server, 3600), refresh: "r".to_owned() });
    let told = here.delete_account("ada@example.com").await.unwrap_err();
    assert!(matches!(&told, Error::Unavailable { message } if message.contains("SUPABASE_SECRET_KEY")), "{told:?}");
    assert!(here.account().await.is_ok());
}

#[tokio::test]
async fn a_deletion_that_fails_in_the_middle_can_be_repeated() {
    let (server, app) = supabase_with(&[("SUPABASE_SECRET_KEY", "sb_secret_x")]).await;
    let here = browser(&app);
    here.jar.set(SessionTokens { access: token(&server, 3600), refresh: "r".to_owned() });
    let of_the_admin = format!("/admin/users/{}", recorded::USER);
    let deletes =
        |response: ResponseTemplate| wiremock::Mock::given(wiremock::matchers::method("DELETE")).respond_with(response);
    // A key that is wrong shows before anything is touched.
    answer(&server, "/user", ok(bare_user())).await;
    recorded::also(&server, &of_the_admin, refusal(403, "not_admin", "User not allowed")).await;
    assert!(matches!(here.delete_account("ada@example.com").await, Err(Error::Unavailable { .. })));
    let mut sql = app.sql().await;
    let mut rows =
        async || -> i64 { sqlx::query_scalar("select count(*) from users").fetch_one(&mut sql).await.unwrap() };
    assert_eq!(rows().await, 1);

    server.reset().await;
    deletes(ResponseTemplate::new(502)).mount(&server).await;
    recorded::also(&server, "/user", ok(bare_user())).await;
    recorded::also(&server, &of_the_admin, ok(bare_user())).await;
    let told = here.delete_account("ada@example.com").await.unwrap_err();
    assert!(matches!(&told, Error::Unavailable { message } if message.contains("once more")), "{told:?}");
    assert!(here.token().is_some(), "still signed in, to do it again");

    server.reset().await;
    deletes(ok(json!({}))).mount(&server).await;
    recorded::also(&server, "/user", ok(bare_user())).await;
    recorded::also(&server, &of_the_admin, ok(bare_user())).await;
    here.delete_account("ada@example.com").await.unwrap();
    assert!(here.token().is_none());
    assert_eq!(rows().await, 0);
}
