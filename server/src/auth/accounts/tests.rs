//! The port, on the real embedded provider: what a person does, from one browser or two.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::{
    auth::cookie::{ReceivedFlows, ReceivedTokens},
    testing::TestApp,
};
use domain::workspaces::Workspace;
use serde_json::json;
use std::time::Duration;
use totp_rs::{Builder, Secret};
use url::Url;

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "another horse battery";

/// A browser whose cookies are kept from one call to the next.
fn browser(app: &TestApp) -> RequestAccounts {
    let jar = SessionJar::new(ReceivedTokens::default(), ReceivedFlows::default());
    RequestAccounts::new(app.state.clone(), jar, None, None)
}

fn email(text: &str) -> Email {
    Email::parse("email", text).unwrap()
}

fn credentials(address: &str, password: &str) -> Credentials {
    Credentials { email: email(address), password: password.to_owned() }
}

async fn signed_up(app: &TestApp, address: &str) -> RequestAccounts {
    let browser = browser(app);
    assert_eq!(browser.sign_up(credentials(address, PASSWORD), None).await.unwrap(), SignedUp::SignedIn);
    browser
}

async fn signed_in(app: &TestApp, address: &str, password: &str) -> Result<RequestAccounts, Error> {
    let browser = browser(app);
    assert_eq!(browser.sign_in(credentials(address, password)).await?, Arrival::SignedIn);
    Ok(browser)
}

/// The newest mail to `address`, sent after so many others: its link and its code.
async fn mail(app: &TestApp, address: &str, after: usize) -> (Url, String) {
    for _ in 0..250 {
        let mails: Vec<_> = app.state.mailer.outbox().into_iter().filter(|kept| kept.mail.to == address).collect();
        if mails.len() > after {
            let text = &mails[0].mail.text;
            let link = text.lines().find(|line| line.starts_with("http")).unwrap();
            let code = text.split("code: ").nth(1).unwrap().chars().take(6).collect();
            return (Url::parse(link).unwrap(), code);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no mail to {address}");
}

async fn open(browser: &RequestAccounts, link: &Url) -> Result<Arrival, Error> {
    let parameter = |name: &str| link.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    browser.verify_link(&parameter("token_hash"), LinkKind::parse(&parameter("type")).unwrap()).await
}

/// The code of the app, so many steps of 30 seconds from now: no step counts twice.
fn code(secret: &str, steps: i64) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build_noncompliant();
    let now = time::OffsetDateTime::now_utc().unix_timestamp() + 30 * steps;
    totp.generate(now.unsigned_abs()).to_string()
}

/// How a token of this browser is answered by the JSON API.
async fn me(app: &TestApp, browser: &RequestAccounts) -> crate::testing::Answer {
    app.anonymous().with_token(&browser.token().unwrap()).get("/api/v1/me").await
}

#[tokio::test]
async fn a_person_sees_their_account_and_gives_it_a_name() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let account = ada.account().await.unwrap();
    assert_eq!((account.user.email.as_str(), account.user.display_name.as_str()), ("ada@example.com", "ada"));
    assert_eq!(
        (account.providers, account.second_factors.len(), account.new_email),
        (vec!["email".to_owned()], 0, None)
    );
    ada.change_display_name(Name::parse("name", "Ada Lovelace").unwrap()).await.unwrap();
    assert_eq!(ada.account().await.unwrap().user.display_name, "Ada Lovelace");
    assert_eq!(browser(&app).account().await.unwrap_err(), Error::Unauthenticated);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let asking = browser(&app);
    asking.send_recovery(email("ada@example.com")).await.unwrap();
    asking.send_recovery(email("nobody@example.com")).await.expect("nobody is told who has an account");
    let (link, _) = mail(&app, "ada@example.com", 0).await;
    assert_eq!(link.path(), "/auth/confirm");
    // On another device: the link needs no proof of the browser that asked.
    let phone = browser(&app);
    assert_eq!(open(&phone, &link).await.unwrap(), Arrival::ChoosePassword);
    assert!(open(&phone, &link).await.unwrap_err().for_field("link").is_some(), "once");

    let weak = phone.change_password(PasswordChange { current: None, new: "short".to_owned() }).await.unwrap_err();
    assert!(weak.for_field("password").is_some(), "{weak:?}");
    let same = phone.change_password(PasswordChange { current: None, new: PASSWORD.to_owned() }).await.unwrap_err();
    assert!(same.for_field("password").unwrap().contains("already"), "{same:?}");
    phone.change_password(PasswordChange { current: None, new: OTHER.to_owned() }).await.unwrap();

    assert_eq!(ada.account().await.unwrap_err(), Error::Unauthenticated, "other sessions end");
    assert!(phone.account().await.is_ok());
    assert!(signed_in(&app, "ada@example.com", PASSWORD).await.unwrap_err().for_field("password").is_some());
    assert!(signed_in(&app, "ada@example.com", OTHER).await.is_ok());
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let change = |current: Option<&str>| PasswordChange { current: current.map(str::to_owned), new: OTHER.to_owned() };
    for current in [None, Some(""), Some("not it at all")] {
        let error = ada.change_password(change(current)).await.unwrap_err();
        assert!(error.for_field("current").is_some(), "{current:?}: {error:?}");
    }
    ada.change_password(change(Some(PASSWORD))).await.unwrap();
    assert!(signed_in(&app, "ada@example.com", OTHER).await.is_ok());
    let sessions: i64 =
        sqlx::query_scalar("select count(*) from auth.sessions").fetch_one(&mut app.sql().await).await.unwrap();
    assert_eq!(sessions, 2, "the one that checked the password is gone");
}

#[tokio::test]
async fn a_link_by_mail_is_no_way_around_the_password_for_long() {
    let app = TestApp::start().await;
    signed_up(&app, "ada@example.com").await;
    let ada = browser(&app);
    ada.send_sign_in_link(email("ada@example.com"), Some("/projects/1")).await.unwrap();
    let (link, code) = mail(&app, "ada@example.com", 0).await;
    assert!(link.query().unwrap().contains("next=%2Fprojects%2F1"), "{link}");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let error = ada.verify_code(email("ada@example.com"), wrong).await.unwrap_err();
    assert!(error.for_field("code").is_some(), "{error:?}");
    assert_eq!(
        ada.verify_code(email("ada@example.com"), &format!("{} {}", &code[..3], &code[3..])).await.unwrap(),
        Arrival::SignedIn
    );
    let old = r#"update auth.sessions set amr = '[{"method":"otp","timestamp":1}]'"#;
    sqlx::query(old).execute(&mut app.sql().await).await.unwrap();
    let (_, refresh) = ada.jar.current();
    let renewed = app.state.identity.client().refresh(&refresh.unwrap(), None).await.unwrap();
    ada.jar.set(renewed);
    let change = PasswordChange { current: None, new: OTHER.to_owned() };
    assert!(ada.change_password(change).await.unwrap_err().for_field("current").is_some());
}

#[tokio::test]
async fn a_sign_up_is_confirmed_by_mail() {
    let app = TestApp::start_with(&[("ATELIER_CONFIRM_EMAIL", "true")]).await;
    let ada = browser(&app);
    assert_eq!(
        ada.sign_up(credentials("ada@example.com", PASSWORD), Some("/invite/x")).await.unwrap(),
        SignedUp::ConfirmEmail
    );
    assert!(ada.token().is_none());
    assert_eq!(ada.jar.flows()[0].next.as_deref(), Some("/invite/x"));
    assert!(signed_in(&app, "ada@example.com", PASSWORD).await.unwrap_err().for_field("email").is_some());
    let (link, _) = mail(&app, "ada@example.com", 0).await;
    assert_eq!(open(&ada, &link).await.unwrap(), Arrival::SignedIn);
    assert!(ada.account().await.is_ok());
    ada.resend_confirmation(email("nobody@example.com"), None).await.unwrap();
    // Under another address: of each kind an account has one mail a minute.
    sqlx::query("update auth.users set email = 'bo@example.com' where email = 'ada@example.com'")
        .execute(&mut app.sql().await)
        .await
        .unwrap();
    assert_eq!(
        browser(&app).sign_up(credentials("bo@example.com", OTHER), None).await.unwrap(),
        SignedUp::ConfirmEmail,
        "nobody learns that the address is taken"
    );
}

#[tokio::test]
async fn a_new_address_is_confirmed_from_both() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let bo = signed_up(&app, "bo@example.com").await;
    assert!(ada.change_email(email("ada@example.com")).await.unwrap_err().for_field("email").is_some());
    assert!(bo.change_email(email("ada@example.com")).await.unwrap_err().for_field("email").is_some());
    ada.change_email(email("lovelace@example.com")).await.unwrap();
    assert_eq!(ada.account().await.unwrap().new_email.as_deref(), Some("lovelace@example.com"));
    let (new, _) = mail(&app, "lovelace@example.com", 0).await;
    let (old, _) = mail(&app, "ada@example.com", 0).await;
    assert_eq!(open(&ada, &new).await.unwrap(), Arrival::EmailHalfChanged);
    assert_eq!(open(&ada, &old).await.unwrap(), Arrival::SignedIn);
    assert_eq!(ada.account().await.unwrap().user.email, "lovelace@example.com");
}

#[tokio::test]
async fn a_second_factor_is_enrolled_asked_for_and_removed() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let elsewhere = signed_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    assert!(me(&app, &elsewhere).await.json::<serde_json::Value>(200).is_object());
    // Begun, left, and begun again under the same name.
    ada.enrol_second_factor("Phone").await.unwrap();
    let enrolment = ada.enrol_second_factor("Phone").await.unwrap();
    assert!(enrolment.qr_svg.starts_with("<svg") && enrolment.qr_svg.ends_with("</svg>"), "{}", enrolment.qr_svg);
    assert!(enrolment.uri.starts_with("otpauth://totp/"), "{}", enrolment.uri);
    assert!(ada.account().await.unwrap().second_factors.is_empty(), "it does not count yet");
    for wrong in ["", "12345", "abcdef"] {
        let error = ada.confirm_second_factor(&enrolment.factor_id, wrong).await.unwrap_err();
        assert!(error.for_field("code").is_some(), "{error:?}");
    }
    for id in ["", "..", "../../user"] {
        assert!(matches!(ada.confirm_second_factor(id, "123456").await, Err(Error::Conflict { .. })), "{id}");
    }
    let first = code(&enrolment.secret, -1);
    ada.confirm_second_factor(&enrolment.factor_id, &first).await.unwrap();
    let factors = ada.account().await.unwrap().second_factors;
    assert_eq!(
        (factors.len(), factors[0].name.as_str(), factors[0].id.as_str()),
        (1, "Phone", enrolment.factor_id.as_str())
    );
    assert_eq!(elsewhere.account().await.unwrap_err(), Error::Unauthenticated, "it gave no code");

    let again = browser(&app);
    assert_eq!(again.sign_in(credentials("ada@example.com", PASSWORD)).await.unwrap(), Arrival::SecondFactor);
    assert_eq!(again.account().await.unwrap_err(), Error::Unauthenticated);
    assert!(matches!(again.delete_account("ada@example.com").await, Err(Error::Unauthenticated)));
    assert!(me(&app, &again).await.problem(401)["detail"].as_str().unwrap().contains("second factor"));
    let used = again.answer_second_factor(&first).await.unwrap_err();
    assert!(used.for_field("code").is_some(), "{used:?}");
    again.answer_second_factor(&code(&enrolment.secret, 0)).await.unwrap();
    assert!(again.account().await.is_ok());
    assert!(me(&app, &again).await.json::<serde_json::Value>(200).is_object());

    let refused = again.remove_second_factor(&enrolment.factor_id, "000000").await.unwrap_err();
    assert!(refused.for_field("code").is_some(), "{refused:?}");
    again.remove_second_factor(&enrolment.factor_id, &code(&enrolment.secret, 1)).await.unwrap();
    assert!(again.account().await.unwrap().second_factors.is_empty());
    assert!(signed_in(&app, "ada@example.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn other_devices_are_signed_out_and_this_one_stays() {
    let app = TestApp::start().await;
    let here = signed_up(&app, "ada@example.com").await;
    let there = signed_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    assert!(there.account().await.is_ok());
    here.sign_out(SignOutScope::Others).await.unwrap();
    assert_eq!(me(&app, &there).await.status, 401);
    assert!(here.account().await.is_ok());
    let there = signed_in(&app, "ada@example.com", PASSWORD).await.unwrap();
    here.sign_out(SignOutScope::Global).await.unwrap();
    assert_eq!(there.account().await.unwrap_err(), Error::Unauthenticated);
    assert!(here.token().is_none());
}

#[tokio::test]
async fn an_account_goes_with_what_is_its_own_and_leaves_nobody_without_an_owner() {
    let app = TestApp::start().await;
    let ada = signed_up(&app, "ada@example.com").await;
    let client = app.anonymous().with_token(&ada.token().unwrap());
    let bo = app.user("bo").await;
    bo.get("/api/v1/me").await.expect(200);
    let alone: Workspace = client.post("/api/v1/workspaces", &json!({ "name": "Alone" })).await.json(201);
    let shared: Workspace = client.post("/api/v1/workspaces", &json!({ "name": "Shared" })).await.json(201);
    let project = client.new_project(alone.id.into(), "Launch").await;
    let document = client.new_document(project, "brief.txt", "The launch is on the third of May.").await;
    let mut sql = app.sql().await;
    sqlx::query("insert into members (workspace_id, user_id, role) values ($1, $2, 'member')")
        .bind(uuid::Uuid::from(shared.id))
        .bind(bo.user_id())
        .execute(&mut sql)
        .await
        .unwrap();

    assert!(ada.delete_account("bo@example.com").await.unwrap_err().for_field("email").is_some());
    let last = ada.delete_account("Ada@Example.com ").await.unwrap_err();
    assert!(
        matches!(&last, Error::Conflict { message } if message.contains("Shared") && !message.contains("Alone")),
        "{last:?}"
    );
    assert!(ada.account().await.is_ok(), "nothing was deleted");

    sqlx::query("update members set role = 'owner' where user_id = $1")
        .bind(bo.user_id())
        .execute(&mut sql)
        .await
        .unwrap();
    ada.delete_account("ada@example.com").await.unwrap();
    assert!(ada.token().is_none());
    client.get("/api/v1/me").await.problem(401);
    assert!(signed_in(&app, "ada@example.com", PASSWORD).await.is_err());
    let mut left: Vec<String> = sqlx::query_scalar(
        "select email from public.users union all select email from auth.users union all select name from workspaces",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    left.sort();
    assert_eq!(left, ["Shared", "bo@example.com", "bo@example.com"]);
    let key = crate::storage::ObjectKey::Document { workspace: alone.id, document: document.into() };
    assert!(app.state.store.head(key).await.is_err(), "its files are gone");
}
