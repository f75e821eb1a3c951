//! What a person changes about the account, and what the operator closes or ends.

use super::*;

async fn put(gotrue: &Gotrue, session: &Value, body: Value) -> Answer {
    gotrue.send_as(session, Method::PUT, "/user", &body).await
}

#[tokio::test]
async fn a_new_password_ends_everything_that_was_begun_under_the_old_one() {
    let gotrue = Gotrue::start().await;
    let here = gotrue.sign_up("ada@example.com").await;
    let there = gotrue.sign_in("ada@example.com").await.ok();
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    let link = gotrue.letter("ada@example.com", 1).await;

    put(&gotrue, &here, json!({ "password": "short" })).await.is_error(422, "weak_password");
    put(&gotrue, &here, json!({ "password": PASSWORD })).await.is_error(422, "same_password");
    let wrong = json!({ "password": "a new password", "current_password": "not the password" });
    put(&gotrue, &here, wrong).await.is_error(400, "current_password_invalid");
    gotrue.sign_in("ada@example.com").await.ok();

    let user = put(&gotrue, &here, json!({ "password": "a new password", "current_password": PASSWORD })).await.ok();
    assert_eq!(user["id"], here["user"]["id"]);
    gotrue.user(&here).await.ok();
    gotrue.refresh(&here["refresh_token"]).await.ok();
    gotrue.user(&there).await.is_error(403, "session_not_found");
    gotrue.refresh(&there["refresh_token"]).await.is_error(400, "refresh_token_not_found");
    gotrue.verify(&link.token_hash()).await.is_error(403, "otp_expired");
    gotrue.sign_in("ada@example.com").await.is_error(400, "invalid_credentials");
}

#[tokio::test]
async fn a_mailed_nonce_is_checked_and_counts_once() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    assert_eq!(gotrue.get_as(&session, "/reauthenticate").await.ok(), json!({}));
    gotrue.get_as(&session, "/reauthenticate").await.is_error(429, "over_email_send_rate_limit");
    let code = gotrue.letter("ada@example.com", 1).await.code;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let with = |nonce: &str, password: &str| json!({ "password": password, "nonce": nonce });
    put(&gotrue, &session, with(wrong, "a new password")).await.is_error(422, "reauthentication_not_valid");
    put(&gotrue, &session, with(&code, "a new password")).await.ok();
    put(&gotrue, &session, with(&code, "another password")).await.is_error(422, "reauthentication_not_valid");
    // It is no code to sign in with.
    let gotrue = gotrue.restarted().await;
    gotrue.get_as(&session, "/reauthenticate").await.ok();
    let code = gotrue.letter("ada@example.com", 1).await.code;
    for kind in ["email", "signup", "recovery", "email_change"] {
        gotrue
            .verify(&json!({ "type": kind, "email": "ada@example.com", "token": code }))
            .await
            .is_error(403, "otp_expired");
    }
    let unknown = gotrue.request(Method::GET, "/reauthenticate").send().await.unwrap();
    Answer::of(unknown).await.is_error(401, "no_authorization");
}

#[tokio::test]
async fn a_new_address_is_confirmed_by_both() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("old@example.com").await;
    gotrue.sign_up("bo@example.com").await;
    put(&gotrue, &session, json!({ "email": "no address" })).await.is_error(400, "validation_failed");
    let user = put(&gotrue, &session, json!({ "email": "New@example.com" })).await.ok();
    assert_eq!((&user["email"], &user["new_email"]), (&json!("old@example.com"), &json!("new@example.com")));
    assert!(user["email_change_sent_at"].is_string());
    put(&gotrue, &session, json!({ "email": "third@example.com" })).await.is_error(429, "over_email_send_rate_limit");
    let old = gotrue.letter("old@example.com", 1).await;
    let new = gotrue.letter("new@example.com", 1).await;
    assert_eq!(
        (old.parameter("type").as_str(), new.subject.as_str()),
        ("email_change", "Confirm the change of your address")
    );

    let half = gotrue.verify(&new.token_hash()).await.ok();
    assert_eq!(half["code"], "200");
    assert!(half["msg"].as_str().unwrap().contains("other email") && half.get("access_token").is_none());
    assert_eq!(gotrue.user(&session).await.ok()["email"], "old@example.com");
    gotrue.verify(&new.token_hash()).await.is_error(403, "otp_expired");
    let by_code = json!({ "type": "email_change", "email": "old@example.com", "token": old.code });
    let done = gotrue.verify(&by_code).await.ok();
    assert_eq!(done["user"]["email"], "new@example.com");
    assert!(done["user"].get("new_email").is_none());
    assert_eq!(done["user"]["identities"][0]["identity_data"]["email"], "new@example.com");
    gotrue.sign_in("new@example.com").await.ok();
    gotrue.sign_in("old@example.com").await.is_error(400, "invalid_credentials");
    let mut sql = gotrue.app.sql().await;
    let known: Vec<String> =
        sqlx::query_scalar("select email from public.users order by 1").fetch_all(&mut sql).await.unwrap();
    assert_eq!(known, ["bo@example.com", "new@example.com"], "the app's row follows");
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_then_and_later() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    gotrue.sign_up("bo@example.com").await;
    put(&gotrue, &session, json!({ "email": "bo@example.com" })).await.is_error(422, "email_exists");
    let gotrue = gotrue.restarted().await;
    put(&gotrue, &session, json!({ "email": "cy@example.com" })).await.ok();
    let (here, there) = (gotrue.letter("ada@example.com", 1).await, gotrue.letter("cy@example.com", 1).await);
    gotrue.sign_up("cy@example.com").await;
    gotrue.verify(&here.token_hash()).await.ok();
    gotrue.verify(&there.token_hash()).await.is_error(422, "email_exists");
}

#[tokio::test]
async fn both_halves_at_once_make_one_change() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("old@example.com").await;
    put(&gotrue, &session, json!({ "email": "new@example.com" })).await.ok();
    let (old, new) = (gotrue.letter("old@example.com", 1).await, gotrue.letter("new@example.com", 1).await);
    let (old, new) = (old.token_hash(), new.token_hash());
    let (a, b) = tokio::join!(gotrue.verify(&old), gotrue.verify(&new));
    let (a, b) = (a.ok(), b.ok());
    assert_eq!([&a, &b].iter().filter(|answer| answer["code"] == "200").count(), 1, "{a} {b}");
    gotrue.sign_in("new@example.com").await.ok();
}

#[tokio::test]
async fn the_mails_of_a_change_are_sent_again() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("old@example.com").await;
    put(&gotrue, &session, json!({ "email": "new@example.com" })).await.ok();
    let lost = gotrue.letter("new@example.com", 1).await;
    let gotrue = gotrue.restarted().await;
    for email in ["old@example.com", "nobody@example.com"] {
        assert_eq!(gotrue.post("/resend", &json!({ "type": "email_change", "email": email })).await.ok(), json!({}));
    }
    let (old, new) = (gotrue.letter("old@example.com", 1).await, gotrue.letter("new@example.com", 1).await);
    gotrue.verify(&lost.token_hash()).await.is_error(403, "otp_expired");
    gotrue.verify(&old.token_hash()).await.ok();
    gotrue.verify(&new.token_hash()).await.ok();
    gotrue.sign_in("new@example.com").await.ok();
    gotrue.no_mail("nobody@example.com").await;
}

#[tokio::test]
async fn metadata_is_merged_and_only_the_persons_own() {
    let gotrue = Gotrue::start().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "data": { "name": "Ada", "town": "Oslo" } });
    let session = gotrue.post("/signup", &body).await.ok();
    let user = put(&gotrue, &session, json!({ "data": { "town": null, "pets": [{ "a": null }] } })).await.ok();
    let data = &user["user_metadata"];
    assert_eq!((&data["name"], &data["pets"]), (&json!("Ada"), &json!([{ "a": null }])));
    assert!(data.get("town").is_none());
    put(&gotrue, &session, json!({ "data": { "a": "\u{0}" } })).await.is_error(400, "validation_failed");
    put(&gotrue, &session, json!({ "app_metadata": { "role": "admin" } })).await.is_error(403, "not_admin");
    put(&gotrue, &session, json!({ "phone": "4712345678" })).await.is_error(400, "phone_provider_disabled");
    put(&gotrue, &session, json!({ "data": 1 })).await.is_error(400, "bad_json");
    let nobody = gotrue.request(Method::PUT, "/user").json(&json!({})).send().await.unwrap();
    Answer::of(nobody).await.is_error(401, "no_authorization");
}

#[tokio::test]
async fn where_sign_up_is_closed_nobody_gets_in_by_any_door() {
    let gotrue = Gotrue::start_with(&[("ATELIER_SIGN_UP", "closed")]).await;
    gotrue
        .post("/signup", &json!({ "email": "ada@example.com", "password": PASSWORD }))
        .await
        .is_error(422, "signup_disabled");
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    gotrue.no_mail("ada@example.com").await;
    let mut sql = gotrue.app.sql().await;
    let (accounts,): (i64,) = sqlx::query_as("select count(*) from auth.users").fetch_one(&mut sql).await.unwrap();
    assert_eq!(accounts, 0);
    let settings = Answer::of(gotrue.request(Method::GET, "/settings").send().await.unwrap()).await.ok();
    assert_eq!(settings["disable_signup"], true);
}

#[tokio::test]
async fn only_the_secret_key_looks_up_and_deletes_accounts() {
    let gotrue = Gotrue::start().await;
    let (ada, bo) = (gotrue.sign_up("ada@example.com").await, gotrue.sign_up("bo@example.com").await);
    let secret = gotrue.secret_key().await;
    let send = async |method: Method, path: &str, key: &str, bearer: Option<&str>, body: &Value| {
        let url = gotrue.base.join(&format!("auth/v1/admin/users/{path}")).unwrap();
        let request = gotrue.http.request(method, url).header("apikey", key).json(body);
        let request = match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        };
        Answer::of(request.send().await.unwrap()).await
    };
    let id = ada["user"]["id"].as_str().unwrap();
    let none = json!({});
    for method in [Method::GET, Method::DELETE] {
        let person = ada["access_token"].as_str().unwrap();
        send(method.clone(), id, &gotrue.key, Some(person), &none).await.is_error(403, "not_admin");
        send(method.clone(), id, &secret, Some(person), &none).await.is_error(403, "not_admin");
        send(method.clone(), id, &secret, None, &none).await.is_error(401, "no_authorization");
        send(method.clone(), id, &gotrue.key, Some(&gotrue.key), &none).await.is_error(403, "bad_jwt");
        send(method.clone(), id, &gotrue.key, Some(&secret), &none).await.is_error(403, "bad_jwt");
        send(method.clone(), "nobody", &secret, Some(&secret), &none).await.is_error(404, "validation_failed");
        let unknown = uuid::Uuid::new_v4().to_string();
        send(method, &unknown, &secret, Some(&secret), &none).await.is_error(404, "user_not_found");
    }
    assert_eq!(send(Method::GET, id, &secret, Some(&secret), &none).await.ok()["email"], "ada@example.com");
    assert_eq!(send(Method::DELETE, id, &secret, Some(&secret), &none).await.ok(), json!({}));
    gotrue.user(&ada).await.is_error(403, "session_not_found");
    gotrue.refresh(&ada["refresh_token"]).await.is_error(400, "refresh_token_not_found");
    gotrue.sign_in("ada@example.com").await.is_error(400, "invalid_credentials");
    gotrue.sign_up("ada@example.com").await;

    let id = bo["user"]["id"].as_str().unwrap();
    send(Method::DELETE, id, &secret, Some(&secret), &json!({ "should_soft_delete": true })).await.ok();
    gotrue.user(&bo).await.is_error(403, "session_not_found");
    send(Method::GET, id, &secret, Some(&secret), &none).await.is_error(404, "user_not_found");
    gotrue.sign_in("bo@example.com").await.is_error(400, "invalid_credentials");
    gotrue.sign_up("bo@example.com").await;
}
