//! Links and codes by mail: confirmation, recovery, signing in without a password, PKCE.

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::time::Instant;

/// A page of somebody else's on this machine, as supabase-js' own site would be.
const ELSEWHERE: &str = "http%3A%2F%2F127.0.0.1%3A9%2Fwelcome%3Fa%3Db";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rules-of-rfc-7636";

fn challenge() -> Value {
    json!(URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER)))
}

fn with_challenge(mut body: Value) -> Value {
    body["code_challenge"] = challenge();
    body["code_challenge_method"] = json!("s256");
    body
}

#[tokio::test]
async fn a_sign_up_with_confirmation_signs_in_only_after_the_link() {
    let gotrue = Gotrue::confirming().await;
    let user = gotrue.sign_up("ada@example.com").await;
    assert!(user.get("access_token").is_none() && user.get("session").is_none(), "{user}");
    assert_eq!((&user["email"], &user["role"]), (&json!("ada@example.com"), &json!("authenticated")));
    assert_eq!(user["identities"].as_array().unwrap().len(), 1);
    assert!(user["confirmation_sent_at"].is_string() && user.get("email_confirmed_at").is_none());
    gotrue.sign_in("ada@example.com").await.is_error(400, "email_not_confirmed");
    let wrong = json!({ "email": "ada@example.com", "password": "not the password" });
    gotrue.post("/token?grant_type=password", &wrong).await.is_error(400, "invalid_credentials");

    let letter = gotrue.letter("ada@example.com", 1).await;
    assert_eq!(letter.link.origin(), gotrue.app.url.origin());
    assert_eq!((letter.link.path(), letter.parameter("type").as_str()), ("/auth/confirm", "signup"));
    assert!(letter.parameter("token_hash").len() >= 43, "at least 128 random bits");
    let session = gotrue.verify(&letter.token_hash()).await.ok();
    assert_eq!(session["user"]["id"], user["id"]);
    assert!(session["user"]["email_confirmed_at"].is_string());
    assert_eq!(session["user"]["user_metadata"]["email_verified"], true);
    assert_eq!(session["user"]["identities"][0]["identity_data"]["email_verified"], true);
    gotrue.user(&session).await.ok();
    gotrue.sign_in("ada@example.com").await.ok();
    gotrue.verify(&letter.token_hash()).await.is_error(403, "otp_expired");
    let settings = Answer::of(gotrue.request(Method::GET, "/settings").send().await.unwrap()).await.ok();
    assert_eq!(settings["mailer_autoconfirm"], false);
}

#[tokio::test]
async fn nothing_of_a_mail_is_in_the_database_as_it_is() {
    let gotrue = Gotrue::confirming().await;
    gotrue.sign_up("ada@example.com").await;
    let letter = gotrue.letter("ada@example.com", 1).await;
    let mut sql = gotrue.app.sql().await;
    let (row,): (String,) =
        sqlx::query_as("select to_jsonb(t)::text || encode(token_hash, 'escape') from auth.one_time_tokens t")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert!(!row.contains(&letter.parameter("token_hash")) && !row.contains(&letter.code), "{row}");
}

#[tokio::test]
async fn who_signs_up_with_a_taken_address_learns_nothing() {
    let gotrue = Gotrue::confirming().await;
    let real = gotrue.sign_up("ada@example.com").await;
    gotrue.verify(&gotrue.letter("ada@example.com", 1).await.token_hash()).await.ok();
    let gotrue = gotrue.restarted().await;
    let body = json!({ "email": "Ada@example.com", "password": "another password", "data": { "name": "Eve" } });
    let fake = gotrue.post("/signup", &body).await.ok();
    assert_ne!(fake["id"], real["id"]);
    assert_eq!(fake["identities"], json!([]));
    assert_eq!((&fake["email"], &fake["user_metadata"]), (&json!("ada@example.com"), &json!({ "name": "Eve" })));
    for field in
        ["id", "aud", "app_metadata", "confirmation_sent_at", "created_at", "updated_at", "is_anonymous", "phone"]
    {
        assert!(!fake[field].is_null() && !real[field].is_null(), "{field}");
    }
    gotrue.post("/token?grant_type=password", &body).await.is_error(400, "invalid_credentials");
    gotrue.sign_in("ada@example.com").await.ok();
    gotrue.no_mail("ada@example.com").await;
}

#[tokio::test]
async fn an_unconfirmed_address_that_signs_up_again_gets_a_new_mail_which_replaces_the_old() {
    let gotrue = Gotrue::confirming().await;
    let first = gotrue.sign_up("ada@example.com").await;
    let old = gotrue.letter("ada@example.com", 1).await;
    // Within a minute there is no second one, whoever asks.
    let soon = gotrue.post("/signup", &json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    soon.is_error(429, "over_email_send_rate_limit");
    let gotrue = gotrue.restarted().await;
    let again = gotrue
        .post("/signup", &json!({ "email": "ada@example.com", "password": "another password", "data": { "a": 1 } }))
        .await
        .ok();
    assert_eq!((&again["id"], &again["user_metadata"]), (&first["id"], &json!({ "a": 1 })));
    let new = gotrue.letter("ada@example.com", 1).await;
    gotrue.verify(&old.token_hash()).await.is_error(403, "otp_expired");
    let by_old_code = json!({ "type": "signup", "email": "ada@example.com", "token": old.code });
    if old.code != new.code {
        gotrue.verify(&by_old_code).await.is_error(403, "otp_expired");
    }
    gotrue.verify(&new.token_hash()).await.ok();
    // Its password is the one of the first sign-up: nobody else sets one.
    gotrue.sign_in("ada@example.com").await.ok();
}

#[tokio::test]
async fn a_confirmation_is_sent_again_only_where_one_is_wanted_and_says_so_to_nobody() {
    let gotrue = Gotrue::confirming().await;
    gotrue.sign_up("ada@example.com").await;
    let old = gotrue.letter("ada@example.com", 1).await;
    let resend =
        async |gotrue: &Gotrue, email: &str| gotrue.post("/resend", &json!({ "type": "signup", "email": email })).await;
    resend(&gotrue, "ada@example.com").await.is_error(429, "over_email_send_rate_limit");
    let gotrue = gotrue.restarted().await;
    assert_eq!(resend(&gotrue, "ada@example.com").await.ok(), json!({}));
    let new = gotrue.letter("ada@example.com", 1).await;
    assert_eq!(new.parameter("type"), "signup");
    gotrue.verify(&old.token_hash()).await.is_error(403, "otp_expired");
    gotrue.verify(&new.token_hash()).await.ok();
    let gotrue = gotrue.restarted().await;
    // Confirmed, and unknown: the same answer, the same limit, and no mail.
    for email in ["ada@example.com", "nobody@example.com"] {
        assert_eq!(resend(&gotrue, email).await.ok(), json!({}));
        let limited = resend(&gotrue, email).await;
        limited.is_error(429, "over_email_send_rate_limit");
        assert!((1..=60).contains(&limited.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap()));
        gotrue.no_mail(email).await;
    }
    for (body, code) in [
        (json!({ "type": "recovery", "email": "a@example.com" }), "validation_failed"),
        (json!({ "type": "signup" }), "validation_failed"),
        (json!({ "type": "signup", "email": "no address" }), "validation_failed"),
        (json!({ "type": "sms", "phone": "4712345678" }), "phone_provider_disabled"),
    ] {
        gotrue.post("/resend", &body).await.is_error(400, code);
    }
}

#[tokio::test]
async fn a_recovery_link_leads_to_a_new_password_once() {
    let gotrue = Gotrue::start().await;
    let elsewhere = gotrue.sign_up("ada@example.com").await;
    assert_eq!(gotrue.post("/recover", &json!({ "email": "Ada@example.com" })).await.ok(), json!({}));
    let letter = gotrue.letter("ada@example.com", 1).await;
    assert_eq!(letter.parameter("type"), "recovery");
    let session = gotrue.verify(&letter.token_hash()).await.ok();
    gotrue.verify(&letter.token_hash()).await.is_error(403, "otp_expired");
    let new = json!({ "password": "a new password" });
    gotrue.send_as(&session, Method::PUT, "/user", &new).await.ok();
    gotrue.sign_in("ada@example.com").await.is_error(400, "invalid_credentials");
    let body = json!({ "email": "ada@example.com", "password": "a new password" });
    gotrue.post("/token?grant_type=password", &body).await.ok();
    gotrue.user(&session).await.ok();
    gotrue.user(&elsewhere).await.is_error(403, "session_not_found");
}

#[tokio::test]
async fn asking_for_a_recovery_tells_nothing_about_accounts() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    let mut answers = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        let body = json!({ "email": email });
        let (first, second) = (gotrue.post("/recover", &body).await, gotrue.post("/recover", &body).await);
        second.is_error(429, "over_email_send_rate_limit");
        answers.push((first.status, first.body, second.status, second.body["error_code"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    gotrue.no_mail("nobody@example.com").await;
    gotrue.post("/recover", &json!({})).await.is_error(400, "validation_failed");
    gotrue.post("/recover", &json!({ "email": "no address" })).await.is_error(400, "validation_failed");
    gotrue
        .post("/recover", &json!({ "email": "bo@example.com", "code_challenge": "x" }))
        .await
        .is_error(400, "validation_failed");
}

#[tokio::test]
async fn asking_takes_as_long_for_an_unknown_address_as_for_a_known_one() {
    let gotrue = Gotrue::start().await;
    for number in 0..12 {
        gotrue.execute_with("insert into auth.users (id, email, encrypted_password, email_confirmed_at) values (gen_random_uuid(), $1, 'x', now())", &format!("known{number}@example.com")).await;
    }
    let mut times = [f64::MAX; 2];
    for number in 0..12 {
        for (index, name) in ["known", "unknown"].into_iter().enumerate() {
            let started = Instant::now();
            gotrue.post("/recover", &json!({ "email": format!("{name}{number}@example.com") })).await.ok();
            times[index] = times[index].min(started.elapsed().as_secs_f64());
        }
    }
    assert!((0.4..2.5).contains(&(times[0] / times[1])), "known {} s, unknown {} s", times[0], times[1]);
}

#[tokio::test]
async fn a_link_or_a_code_signs_in_without_a_password() {
    let gotrue = Gotrue::start().await;
    let ada = gotrue.sign_up("ada@example.com").await;
    for (path, kind) in [("/otp", "magiclink"), ("/magiclink", "email")] {
        let gotrue = gotrue.restarted().await;
        assert_eq!(gotrue.post(path, &json!({ "email": "ada@example.com" })).await.ok(), json!({}));
        let letter = gotrue.letter("ada@example.com", 1).await;
        assert_eq!((letter.parameter("type").as_str(), letter.code.len()), ("magiclink", 6));
        let body = json!({ "type": kind, "email": "Ada@example.com", "token": letter.code });
        let session = gotrue.verify(&body).await.ok();
        assert_eq!(session["user"]["id"], ada["user"]["id"]);
        let token = session["access_token"].as_str().unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        assert_eq!((&claims["amr"][0]["method"], &claims["aal"]), (&json!("otp"), &json!("aal1")));
        // Code and link are one: what is used is used.
        gotrue.verify(&letter.token_hash()).await.is_error(403, "otp_expired");
        gotrue.verify(&body).await.is_error(403, "otp_expired");
    }
}

#[tokio::test]
async fn a_sign_in_link_makes_the_account_unless_told_not_to() {
    let gotrue = Gotrue::start().await;
    let unknown = json!({ "email": "bo@example.com", "create_user": false });
    gotrue.post("/otp", &unknown).await.is_error(422, "otp_disabled");
    gotrue.post("/otp", &json!({ "email": "cy@example.com", "data": { "name": "Cy" } })).await.ok();
    let letter = gotrue.letter("cy@example.com", 1).await;
    gotrue.sign_in("cy@example.com").await.is_error(400, "invalid_credentials");
    let session = gotrue.verify(&letter.token_hash()).await.ok();
    assert!(session["user"]["email_confirmed_at"].is_string());
    assert_eq!(session["user"]["user_metadata"]["name"], "Cy");
    for (body, status, code) in [
        (json!({}), 400, "validation_failed"),
        (json!({ "phone": "4712345678" }), 400, "phone_provider_disabled"),
        (json!({ "email": "a@example.com", "phone": "4712345678" }), 400, "validation_failed"),
        (json!({ "email": "no address" }), 400, "validation_failed"),
        (json!({ "email": "a@example.com", "data": { "a": "\u{0}" } }), 400, "validation_failed"),
    ] {
        gotrue.post("/otp", &body).await.is_error(status, code);
    }
}

#[tokio::test]
async fn a_password_that_somebody_else_set_goes_when_the_owner_comes_by_a_link() {
    let gotrue = Gotrue::confirming().await;
    // An attacker signs up with ada's address and a password of their own; later ada asks for a link.
    gotrue.sign_up("ada@example.com").await;
    gotrue.mails("ada@example.com", 1).await;
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    gotrue.verify(&gotrue.letter("ada@example.com", 2).await.token_hash()).await.ok();
    gotrue.sign_in("ada@example.com").await.is_error(400, "invalid_credentials");
}

#[tokio::test]
async fn a_code_may_be_guessed_at_five_times() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    let letter = gotrue.letter("ada@example.com", 1).await;
    let wrong = if letter.code == "000000" { "000001" } else { "000000" };
    let guess =
        async |code: &str| gotrue.verify(&json!({ "type": "email", "email": "ada@example.com", "token": code })).await;
    // At the same time, too.
    for answer in futures::future::join_all((0..5).map(|_| guess(wrong))).await {
        answer.is_error(403, "otp_expired");
    }
    guess(&letter.code).await.is_error(403, "otp_expired");
    // The link is no guess.
    gotrue.verify(&letter.token_hash()).await.ok();
}

#[tokio::test]
async fn codes_of_one_account_are_limited_wherever_the_guesses_come_from() {
    let gotrue = Gotrue::start().await;
    let mut last = None;
    for _ in 0..21 {
        last = Some(gotrue.verify(&json!({ "type": "email", "email": "ada@example.com", "token": "123456" })).await);
    }
    last.unwrap().is_error(429, "over_request_rate_limit");
}

#[tokio::test]
async fn links_end_after_an_hour() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    let letter = gotrue.letter("ada@example.com", 1).await;
    gotrue.execute("update auth.one_time_tokens set created_at = now() - interval '61 minutes'").await;
    gotrue.verify(&letter.token_hash()).await.is_error(403, "otp_expired");
    let by_code = json!({ "type": "email", "email": "ada@example.com", "token": letter.code });
    gotrue.verify(&by_code).await.is_error(403, "otp_expired");
}

#[tokio::test]
async fn of_many_who_open_one_link_at_once_one_gets_in() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    let body = gotrue.letter("ada@example.com", 1).await.token_hash();
    let answers = futures::future::join_all((0..8).map(|_| gotrue.verify(&body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn what_cannot_be_verified_says_why() {
    let gotrue = Gotrue::start().await;
    for (body, status, code) in [
        (json!({ "token_hash": "x" }), 400, "validation_failed"),
        (json!({ "type": "telepathy", "token_hash": "x" }), 400, "validation_failed"),
        (json!({ "type": "signup" }), 400, "validation_failed"),
        (json!({ "type": "signup", "token": "1", "token_hash": "x" }), 400, "validation_failed"),
        (json!({ "type": "signup", "token": "123456" }), 400, "validation_failed"),
        (json!({ "type": "signup", "token_hash": "x", "email": "a@example.com" }), 400, "validation_failed"),
        (json!({ "type": "signup", "token": "1", "email": "no address" }), 422, "validation_failed"),
        (json!({ "type": "signup", "token_hash": "x" }), 403, "otp_expired"),
        (json!({ "type": "email", "token": "123456", "email": "nobody@example.com" }), 403, "otp_expired"),
    ] {
        gotrue.verify(&body).await.is_error(status, code);
    }
    gotrue.sign_up("ada@example.com").await;
    gotrue.post("/otp", &json!({ "email": "ada@example.com" })).await.ok();
    let letter = gotrue.letter("ada@example.com", 1).await;
    let other_kind = json!({ "type": "signup", "token_hash": letter.parameter("token_hash") });
    gotrue.verify(&other_kind).await.is_error(403, "otp_expired");
    gotrue.execute("update auth.users set banned_until = now() + interval '1 hour'").await;
    gotrue.verify(&letter.token_hash()).await.is_error(403, "user_banned");
    gotrue.execute("update auth.users set banned_until = null").await;
    gotrue.verify(&letter.token_hash()).await.ok();
}

#[tokio::test]
async fn a_link_goes_back_to_the_site_and_nowhere_else() {
    let gotrue = Gotrue::start().await;
    let site = gotrue.app.url.clone();
    let link = async |email: &str, query: &str, header: Option<(&'static str, String)>| {
        let mut request = gotrue.request(Method::POST, &format!("/otp{query}")).json(&json!({ "email": email }));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
        gotrue.letter(email, 1).await
    };
    let next = format!("{site}auth/callback?next=/workspaces/1%3Fa%3Db");
    let letter = link("a@example.com", "", Some(("redirect_to", next.clone()))).await;
    assert_eq!((letter.link.path(), letter.parameter("next").as_str()), ("/auth/confirm", "/workspaces/1?a=b"));
    let letter = link(
        "b@example.com",
        &format!("?redirect_to={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()),
        None,
    )
    .await;
    assert_eq!(letter.parameter("next"), "/workspaces/1?a=b");
    let letter = link("c@example.com", "", Some(("referer", next))).await;
    assert_eq!(letter.parameter("next"), "/workspaces/1?a=b");
    for (number, evil) in [
        "https://evil.example/?next=/x".to_owned(),
        "javascript:alert(1)".to_owned(),
        format!("http://user@{}/", site.authority()),
        format!("{site}?next=//evil.example"),
        format!("{site}?next=https://evil.example"),
    ]
    .into_iter()
    .enumerate()
    {
        let letter = link(&format!("evil{number}@example.com"), "", Some(("redirect_to", evil.clone()))).await;
        assert_eq!(letter.link.origin(), site.origin(), "{evil}");
        assert_eq!((letter.link.path(), letter.parameter("next").as_str()), ("/auth/confirm", ""), "{evil}");
    }
    // Whatever name the request was sent to.
    let letter = link("host@example.com", "", Some(("host", "evil.example".to_owned()))).await;
    assert_eq!(letter.link.origin(), site.origin());
    // In development a page of this machine may be the client's own: the protocol's way leads there.
    let letter = link("local@example.com", &format!("?redirect_to={ELSEWHERE}"), None).await;
    assert_eq!(
        (letter.link.path(), letter.parameter("redirect_to").as_str()),
        ("/auth/v1/verify", "http://127.0.0.1:9/welcome?a=b")
    );
}

#[tokio::test]
async fn the_protocols_own_link_redirects_with_a_session_or_an_error() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    gotrue.post(&format!("/recover?redirect_to={ELSEWHERE}"), &json!({ "email": "ada@example.com" })).await.ok();
    let link = gotrue.letter("ada@example.com", 1).await.link;
    // A program that looks at links beforehand.
    assert_eq!(gotrue.http.head(link.clone()).send().await.unwrap().status(), 200);
    let landing = gotrue.open(&link).await;
    assert_eq!((landing.target.port(), landing.target.path()), (Some(9), "/welcome"));
    assert_eq!(landing.query.get("a").unwrap(), "b");
    assert_eq!(
        (
            landing.fragment["type"].as_str(),
            landing.fragment["token_type"].as_str(),
            landing.fragment["expires_in"].as_str()
        ),
        ("recovery", "bearer", "3600")
    );
    assert!(landing.fragment.contains_key("sb") && landing.fragment["expires_at"].parse::<i64>().is_ok());
    gotrue.user(&json!({ "access_token": landing.fragment["access_token"] })).await.ok();
    gotrue.refresh(&json!(landing.fragment["refresh_token"])).await.ok();

    let again = gotrue.open(&link).await;
    for place in [&again.query, &again.fragment] {
        assert_eq!((place["error"].as_str(), place["error_code"].as_str()), ("access_denied", "otp_expired"));
        assert!(!place["error_description"].is_empty());
    }
    assert!(!again.fragment.contains_key("access_token"));
    for query in ["", "?token=x", "?type=signup"] {
        let url = gotrue.app.url.join(&format!("auth/v1/verify{query}")).unwrap();
        Answer::of(gotrue.http.get(url).send().await.unwrap()).await.is_error(400, "validation_failed");
    }
    // Somewhere else it leads to the site.
    let evil = gotrue.app.url.join("auth/v1/verify?token=x&type=signup&redirect_to=https://evil.example").unwrap();
    assert_eq!(gotrue.open(&evil).await.target.origin(), gotrue.app.url.origin());
}

#[tokio::test]
async fn with_pkce_the_link_alone_is_worth_nothing() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    gotrue
        .post(&format!("/recover?redirect_to={ELSEWHERE}"), &with_challenge(json!({ "email": "ada@example.com" })))
        .await
        .ok();
    let letter = gotrue.letter("ada@example.com", 1).await;
    assert!(letter.parameter("token").starts_with("pkce_"));
    let landing = gotrue.open(&letter.link).await;
    assert!(!landing.fragment.contains_key("access_token"));
    let code = landing.query["code"].clone();
    assert!(uuid::Uuid::parse_str(&code).is_ok());
    let exchange = async |code: &str, verifier: &str| {
        gotrue.post("/token?grant_type=pkce", &json!({ "auth_code": code, "code_verifier": verifier })).await
    };
    exchange(&code, "another verifier").await.is_error(400, "bad_code_verifier");
    exchange(&code, "").await.is_error(400, "validation_failed");
    exchange("", VERIFIER).await.is_error(400, "validation_failed");
    exchange("nonsense", VERIFIER).await.is_error(404, "flow_state_not_found");
    exchange(&uuid::Uuid::new_v4().to_string(), VERIFIER).await.is_error(404, "flow_state_not_found");
    let session = exchange(&code, VERIFIER).await.ok();
    let claims: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD.decode(session["access_token"].as_str().unwrap().split('.').nth(1).unwrap()).unwrap(),
    )
    .unwrap();
    assert_eq!(claims["amr"][0]["method"], "recovery");
    exchange(&code, VERIFIER).await.is_error(404, "flow_state_not_found");
    let again = gotrue.open(&letter.link).await;
    assert_eq!(again.query["error_code"], "otp_expired");
}

#[tokio::test]
async fn a_pkce_code_ends_after_five_minutes_and_with_the_account() {
    let gotrue = Gotrue::confirming().await;
    gotrue
        .post(
            &format!("/signup?redirect_to={ELSEWHERE}"),
            &with_challenge(json!({ "email": "ada@example.com", "password": PASSWORD })),
        )
        .await
        .ok();
    let landing = gotrue.open(&gotrue.letter("ada@example.com", 1).await.link).await;
    gotrue.execute("update auth.flow_state set auth_code_issued_at = now() - interval '6 minutes'").await;
    let body = json!({ "auth_code": landing.query["code"], "code_verifier": VERIFIER });
    gotrue.post("/token?grant_type=pkce", &body).await.is_error(422, "flow_state_expired");
    gotrue.execute("update auth.flow_state set auth_code_issued_at = now()").await;
    gotrue.execute("update auth.users set banned_until = now() + interval '1 hour'").await;
    gotrue.post("/token?grant_type=pkce", &body).await.is_error(400, "user_banned");
    gotrue.execute("update auth.users set banned_until = null").await;
    gotrue.post("/token?grant_type=pkce", &body).await.ok();
}

#[tokio::test]
async fn a_challenge_keeps_to_the_rules() {
    let gotrue = Gotrue::start().await;
    let recover = async |challenge: Value, method: Value| {
        let body = json!({ "email": "ada@example.com", "code_challenge": challenge, "code_challenge_method": method });
        gotrue.post("/recover", &body).await
    };
    recover(challenge(), Value::Null).await.is_error(400, "validation_failed");
    recover(json!(""), json!("s256")).await.is_error(400, "validation_failed");
    recover(json!("short"), json!("s256")).await.is_error(400, "validation_failed");
    recover(json!("x".repeat(129)), json!("s256")).await.is_error(400, "validation_failed");
    recover(json!("ü".repeat(50)), json!("s256")).await.is_error(400, "validation_failed");
    recover(challenge(), json!("rot13")).await.is_error(400, "validation_failed");
    recover(challenge(), json!("S256")).await.ok();
}

#[tokio::test]
async fn mails_from_one_address_are_limited_and_counted_before_the_work() {
    let gotrue = Gotrue::start().await;
    let secret = gotrue.secret_key().await;
    let ask = |number: usize, from: &'static str| {
        let request = gotrue
            .request(Method::POST, "/recover")
            .header("sb-forwarded-for", from)
            .json(&json!({ "email": format!("a{number}@example.com") }));
        let mut request = request.build().unwrap();
        request.headers_mut().insert("apikey", secret.parse().unwrap());
        let sending = gotrue.http.execute(request);
        async move { Answer::of(sending.await.unwrap()).await }
    };
    let answers = futures::future::join_all((0..40).map(|number| ask(number, "192.0.2.1"))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(refused.len(), 10);
    refused.iter().for_each(|answer| answer.is_error(429, "over_email_send_rate_limit"));
    ask(41, "192.0.2.2").await.ok();
}
