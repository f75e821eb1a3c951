//! The second factor.

use super::*;
use totp_rs::{Builder, Secret, Totp};

struct App {
    id: String,
    totp: Totp,
}

impl App {
    /// The code of a step before or after the present one: each counts once.
    fn code(&self, steps: i64) -> String {
        let now = OffsetDateTime::now_utc().unix_timestamp() + steps * 30;
        self.totp.generate(now.unsigned_abs()).to_string()
    }
}

async fn enrol(gotrue: &Gotrue, session: &Value, name: &str) -> App {
    let body = json!({ "factor_type": "totp", "friendly_name": name });
    let made = gotrue.send_as(session, Method::POST, "/factors", &body).await.ok();
    assert_eq!((&made["type"], &made["friendly_name"]), (&json!("totp"), &json!(name)));
    let totp = &made["totp"];
    let (image, secret, uri) =
        (totp["qr_code"].as_str().unwrap(), totp["secret"].as_str().unwrap(), totp["uri"].as_str().unwrap());
    assert!(image.contains("<svg") && image.contains("</svg>"));
    assert!(uri.starts_with("otpauth://totp/127.0.0.1:") && uri.contains(&format!("secret={secret}")), "{uri}");
    let totp = Builder::new()
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .with_account_name("ada")
        .build()
        .expect("at least 128 bits, as RFC 6238 wants");
    App { id: made["id"].as_str().unwrap().to_owned(), totp }
}

async fn challenge(gotrue: &Gotrue, session: &Value, app: &App) -> Value {
    let made = gotrue.send_as(session, Method::POST, &format!("/factors/{}/challenge", app.id), &json!({})).await.ok();
    assert_eq!(made["type"], "totp");
    assert!(made["expires_at"].as_i64().unwrap() > OffsetDateTime::now_utc().unix_timestamp());
    made["id"].clone()
}

async fn answer(gotrue: &Gotrue, session: &Value, app: &App, challenge: &Value, code: &str) -> Answer {
    let body = json!({ "challenge_id": challenge, "code": code });
    gotrue.send_as(session, Method::POST, &format!("/factors/{}/verify", app.id), &body).await
}

fn claims(session: &Value) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let token = session["access_token"].as_str().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_factor_is_enrolled_asked_for_and_removed() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let elsewhere = gotrue.sign_in("ada@example.com").await.ok();
    assert!(session["user"].get("factors").is_none());
    let app = enrol(&gotrue, &session, "Telephone").await;
    let listed = gotrue.user(&session).await.ok()["factors"].clone();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["status"], &listed[0]["factor_type"]),
        (&json!(app.id), &json!("unverified"), &json!("totp"))
    );
    assert!(listed[0].get("secret").is_none());

    let first = challenge(&gotrue, &session, &app).await;
    let code = app.code(-1);
    let raised = answer(&gotrue, &session, &app, &first, &code).await.ok();
    let seen = claims(&raised);
    assert_eq!(
        (&seen["aal"], &seen["amr"][0]["method"], &seen["amr"][1]["method"]),
        (&json!("aal2"), &json!("totp"), &json!("password"))
    );
    assert_eq!(seen["session_id"], claims(&session)["session_id"]);
    assert_eq!(raised["user"]["factors"][0]["status"], "verified");
    // The session goes on raised, and nothing from before leads there.
    assert_eq!(claims(&gotrue.refresh(&raised["refresh_token"]).await.ok())["aal"], "aal2");
    gotrue.refresh(&session["refresh_token"]).await.is_error(400, "refresh_token_not_found");
    gotrue.user(&elsewhere).await.is_error(403, "session_not_found");

    // A new sign-in waits for a code; the one that was used does not count again.
    let low = gotrue.sign_in("ada@example.com").await.ok();
    assert_eq!(claims(&low)["aal"], "aal1");
    let second = challenge(&gotrue, &low, &app).await;
    answer(&gotrue, &low, &app, &second, &code).await.is_error(422, "mfa_verification_failed");
    let path = format!("/factors/{}", app.id);
    gotrue.send_as(&low, Method::DELETE, &path, &Value::Null).await.is_error(422, "insufficient_aal");
    let more = json!({ "factor_type": "totp", "friendly_name": "Another" });
    gotrue.send_as(&low, Method::POST, "/factors", &more).await.is_error(403, "insufficient_aal");
    for change in [json!({ "password": "a new password" }), json!({ "email": "new@example.com" })] {
        gotrue.send_as(&low, Method::PUT, "/user", &change).await.is_error(401, "insufficient_aal");
    }
    gotrue.send_as(&low, Method::PUT, "/user", &json!({ "data": { "a": 1 } })).await.ok();
    let high = answer(&gotrue, &low, &app, &second, &app.code(0)).await.ok();
    gotrue.send_as(&high, Method::PUT, "/user", &json!({ "password": "a new password" })).await.ok();
    assert_eq!(gotrue.send_as(&high, Method::DELETE, &path, &Value::Null).await.ok()["id"], json!(app.id));
    let lowered = gotrue.refresh(&high["refresh_token"]).await.ok();
    assert_eq!((&claims(&lowered)["aal"], &claims(&lowered)["amr"][0]["method"]), (&json!("aal1"), &json!("password")));
    assert!(lowered["user"].get("factors").is_none());
}

#[tokio::test]
async fn what_a_factor_refuses_says_why() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let other = gotrue.sign_up("bo@example.com").await;
    let post = async |path: &str, body: Value| gotrue.send_as(&session, Method::POST, path, &body).await;
    post("/factors", json!({ "factor_type": "phone" })).await.is_error(422, "mfa_phone_enroll_not_enabled");
    post("/factors", json!({ "factor_type": "webauthn" })).await.is_error(422, "mfa_webauthn_enroll_not_enabled");
    post("/factors", json!({})).await.is_error(400, "validation_failed");
    post("/factors", json!({ "factor_type": "totp", "friendly_name": "x".repeat(101) }))
        .await
        .is_error(400, "validation_failed");
    let app = enrol(&gotrue, &session, "Telephone").await;
    post("/factors", json!({ "factor_type": "totp", "friendly_name": "Telephone" }))
        .await
        .is_error(422, "mfa_factor_name_conflict");
    post("/factors/nonsense/challenge", json!({})).await.is_error(404, "validation_failed");
    post(&format!("/factors/{}/challenge", uuid::Uuid::new_v4()), json!({}))
        .await
        .is_error(404, "mfa_factor_not_found");
    // Another person's factor is none.
    let path = format!("/factors/{}", app.id);
    gotrue
        .send_as(&other, Method::POST, &format!("{path}/challenge"), &json!({}))
        .await
        .is_error(404, "mfa_factor_not_found");
    gotrue.send_as(&other, Method::DELETE, &path, &Value::Null).await.is_error(404, "mfa_factor_not_found");

    let made = challenge(&gotrue, &session, &app).await;
    answer(&gotrue, &session, &app, &made, "").await.is_error(400, "validation_failed");
    answer(&gotrue, &session, &app, &made, "abcdef").await.is_error(422, "mfa_verification_failed");
    answer(&gotrue, &session, &app, &made, &app.code(-20)).await.is_error(422, "mfa_verification_failed");
    answer(&gotrue, &session, &app, &json!(uuid::Uuid::new_v4()), &app.code(0))
        .await
        .is_error(422, "mfa_factor_not_found");
    gotrue.execute("update auth.mfa_challenges set created_at = now() - interval '6 minutes'").await;
    answer(&gotrue, &session, &app, &made, &app.code(0)).await.is_error(422, "mfa_challenge_expired");
    // One that was never finished can be removed without a code.
    gotrue.send_as(&session, Method::DELETE, &path, &Value::Null).await.ok();
    for number in 0..10 {
        enrol(&gotrue, &session, &format!("App {number}")).await;
    }
    post("/factors", json!({ "factor_type": "totp" })).await.is_error(422, "too_many_enrolled_mfa_factors");
    gotrue.execute("update auth.mfa_factors set created_at = now() - interval '6 minutes'").await;
    enrol(&gotrue, &session, "Forgotten ones make room").await;
}

#[tokio::test]
async fn of_one_code_at_once_one_counts_and_guesses_are_limited() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let app = enrol(&gotrue, &session, "").await;
    let made = challenge(&gotrue, &session, &app).await;
    let code = app.code(0);
    let answers = futures::future::join_all((0..5).map(|_| answer(&gotrue, &session, &app, &made, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    let raised = answers.into_iter().find(|answer| answer.status == 200).unwrap().body;
    let made = challenge(&gotrue, &raised, &app).await;
    let guesses = futures::future::join_all((0..20).map(|_| answer(&gotrue, &raised, &app, &made, "000000"))).await;
    let limited: Vec<_> = guesses.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(limited.len(), 5);
    limited.iter().for_each(|answer| answer.is_error(429, "over_request_rate_limit"));
}
