#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::auth::recorded::external;
use domain::{Error, accounts::LinkKind, text::Email};
use serde_json::{Value, json};
use supabase_auth_rs::models::LogoutScope;
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, header_exists, method, path, query_param},
};

const ADDRESS: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)));

fn client(base: &str, secret_key: Option<&str>) -> Client {
    Client::new(base, "sb_publishable_test".to_owned().into(), secret_key.map(|key| key.to_owned().into()), true)
        .unwrap()
}

const MAILED: Mailed<'_> = Mailed {
    redirect_to: "https://atelier.example/auth/callback?next=%2Fprojects%2F1",
    challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
};

fn ada() -> Email {
    Email::parse("email", "ada@example.com").unwrap()
}

fn session() -> Value {
    json!({ "access_token": "a.b.c", "token_type": "bearer", "expires_in": 3600, "expires_at": 1, "refresh_token": "r", "user": { "id": "x" } })
}

async fn server_with(status: u16, body: &Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
    server
}

/// What a person reads when the provider answers a sign-up or sign-in so.
async fn told(status: u16, body: Value) -> Error {
    let server = server_with(status, &body).await;
    client(&server.uri(), None).sign_in("ada@example.com", "password", None).await.unwrap_err().into()
}

#[tokio::test]
async fn both_formats_of_errors_lose_nothing() {
    for body in [
        json!({ "code": 422, "error_code": "weak_password", "msg": "Password should be at least 10 characters.", "weak_password": { "reasons": ["length", "pwned"] } }),
        json!({ "code": "weak_password", "message": "Password should be at least 10 characters.", "weak_password": { "reasons": ["length", "pwned"] } }),
    ] {
        let server = server_with(422, &body).await;
        let error = client(&server.uri(), None).sign_up(&ada(), "short", MAILED, None).await.unwrap_err();
        let ClientError::Refused(refusal) = &error else { panic!("{error:?}") };
        assert_eq!((refusal.status, refusal.code.as_str()), (422, "weak_password"));
        assert_eq!(refusal.weak_password, ["length", "pwned"]);
        let error = Error::from(error);
        assert_eq!(
            error.for_field("password"),
            Some("Use at least 10 characters. This password is known from data leaks; choose another one.")
        );
    }
}

fn told_of(code: &str) -> Error {
    refused_with(code).into()
}

fn refused_with(code: &str) -> ClientError {
    ClientError::Refused(Refusal {
        status: 422,
        code: code.to_owned(),
        message: "from the provider".to_owned(),
        weak_password: Vec::new(),
        retry_after_seconds: None,
    })
}

#[tokio::test]
async fn each_refusal_is_told_at_its_field() {
    for (code, field) in [
        ("invalid_credentials", "password"),
        ("same_password", "password"),
        ("weak_password", "password"),
        ("current_password_required", "current"),
        ("current_password_invalid", "current"),
        ("email_not_confirmed", "email"),
        ("user_banned", "email"),
        ("user_already_exists", "email"),
        ("email_exists", "email"),
        ("email_address_invalid", "email"),
        ("email_address_not_authorized", "email"),
        ("email_address_not_provided", "email"),
        ("validation_failed", "email"),
        ("signup_disabled", "email"),
        ("email_provider_disabled", "email"),
        ("otp_disabled", "email"),
        ("otp_expired", "link"),
        ("flow_state_not_found", "link"),
        ("flow_state_expired", "link"),
        ("flow_state_already_used", "link"),
        ("bad_code_verifier", "link"),
        ("provider_disabled", "provider"),
        ("oauth_provider_not_supported", "provider"),
        ("bad_oauth_state", "provider"),
        ("bad_oauth_callback", "provider"),
        ("provider_email_needs_verification", "provider"),
        ("mfa_verification_failed", "code"),
        ("mfa_verification_rejected", "code"),
        ("mfa_challenge_expired", "code"),
        ("mfa_ip_address_mismatch", "code"),
        ("mfa_factor_name_conflict", "name"),
    ] {
        let error = told_of(code);
        let sentence = error.for_field(field).unwrap_or_else(|| panic!("{code}: {error:?}"));
        assert!(sentence.ends_with('.') && !sentence.contains("provider"), "{code}: {sentence}");
    }
    for code in [
        "session_not_found",
        "session_expired",
        "refresh_token_not_found",
        "refresh_token_already_used",
        "bad_jwt",
        "no_authorization",
        "user_not_found",
        "insufficient_aal",
    ] {
        assert_eq!(told_of(code), Error::Unauthenticated, "{code}");
    }
    for code in [
        "reauthentication_needed",
        "reauthentication_not_valid",
        "user_sso_managed",
        "mfa_factor_not_found",
        "too_many_enrolled_mfa_factors",
        "mfa_totp_enroll_not_enabled",
        "mfa_totp_verify_not_enabled",
        "conflict",
        "captcha_failed",
    ] {
        assert!(matches!(told_of(code), Error::Conflict { .. }), "{code}");
    }
    for code in ["", "hook_timeout", "not_admin", "a_code_of_next_year"] {
        assert!(matches!(told_of(code), Error::Unavailable { .. }), "{code}");
    }
    let wrong = told(400, json!({ "code": 400, "error_code": "invalid_credentials", "msg": "x" })).await;
    assert_eq!(
        wrong.for_field("password"),
        Some("Email and password do not match. Check both, or reset your password.")
    );
    let too_long = json!({ "code": 422, "error_code": "validation_failed", "msg": "Password cannot be longer than 72 characters" });
    assert!(told(422, too_long).await.for_field("password").is_some());
    // What GoTrue said before it had error codes.
    assert!(
        told(400, json!({ "error": "invalid_grant", "error_description": "Invalid login credentials" }))
            .await
            .for_field("password")
            .is_some()
    );
}

#[test]
fn where_something_was_typed_in_decides_the_field() {
    assert!(refused_with("otp_expired").at_code().for_field("code").is_some());
    assert!(refused_with("otp_expired").at_link().for_field("link").is_some());
    assert!(refused_with("user_banned").at_link().for_field("link").is_some());
    assert!(refused_with("refresh_token_not_found").at_link().for_field("link").is_some());
    assert!(refused_with("invalid_credentials").at_current().for_field("current").is_some());
    assert!(matches!(refused_with("hook_timeout").at_link(), Error::Unavailable { .. }));
}

#[tokio::test]
async fn mails_lead_back_by_the_query_and_prove_who_asked() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200).set_body_json(json!({}))).mount(&server).await;
    let client = client(&server.uri(), None);
    client.send_sign_in_link(&ada(), MAILED, None).await.unwrap();
    client.send_recovery(&ada(), MAILED, None).await.unwrap();
    client.resend_confirmation(&ada(), MAILED, None).await.unwrap();
    assert!(matches!(client.sign_up(&ada(), "password", MAILED, None).await, Ok(SignUpOutcome::Unconfirmed)));
    let requests = server.received_requests().await.unwrap();
    let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, ["/auth/v1/otp", "/auth/v1/recover", "/auth/v1/resend", "/auth/v1/signup"]);
    for request in &requests {
        let query: Vec<_> = request.url.query_pairs().collect();
        assert_eq!(query, [("redirect_to".into(), MAILED.redirect_to.into())], "{}", request.url);
        let body: Value = request.body_json().unwrap();
        assert_eq!(body["code_challenge"], MAILED.challenge);
        assert_eq!(body["code_challenge_method"], "s256");
        assert_eq!(body["email"], "ada@example.com");
        assert!(body.get("redirect_to").is_none() && body.get("email_redirect_to").is_none());
    }
    assert_eq!(requests[0].body_json::<Value>().unwrap()["create_user"], false);
    assert_eq!(requests[2].body_json::<Value>().unwrap()["type"], "signup");
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_known_one() {
    for (status, code, message) in
        [(422, "otp_disabled", "Signups not allowed for otp"), (404, "user_not_found", "User not found")]
    {
        let server = server_with(status, &json!({ "code": status, "error_code": code, "msg": message })).await;
        assert!(client(&server.uri(), None).send_sign_in_link(&ada(), MAILED, None).await.is_ok(), "{code}");
    }
    let off = json!({ "code": 422, "error_code": "otp_disabled", "msg": "Login with magic link is disabled" });
    let server = server_with(422, &off).await;
    assert!(client(&server.uri(), None).send_sign_in_link(&ada(), MAILED, None).await.is_err());
}

#[tokio::test]
async fn a_link_or_a_code_gives_a_session_or_half_a_change() {
    let server = MockServer::start().await;
    let half = json!({ "msg": "Confirmation link accepted. Please proceed to confirm link sent to the other email", "code": "200" });
    Mock::given(path("/auth/v1/verify"))
        .and(body_json(json!({ "type": "email_change", "token_hash": "pkce_h" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(half))
        .mount(&server)
        .await;
    Mock::given(path("/auth/v1/verify"))
        .and(body_json(json!({ "type": "recovery", "token_hash": "pkce_h" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(session()))
        .mount(&server)
        .await;
    Mock::given(path("/auth/v1/verify"))
        .and(body_json(json!({ "type": "email", "email": "ada@example.com", "token": "123456" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(session()))
        .mount(&server)
        .await;
    let client = client(&server.uri(), None);
    assert!(matches!(client.verify_link("pkce_h", LinkKind::EmailChange, None).await, Ok(Verified::Half)));
    assert!(matches!(client.verify_link("pkce_h", LinkKind::Recovery, None).await, Ok(Verified::Session(_))));
    assert!(matches!(client.verify_code(&ada(), "123456", None).await, Ok(Verified::Session(_))));
}

#[tokio::test]
async fn accounts_are_deleted_with_the_secret_key_in_both_headers() {
    let server = MockServer::start().await;
    let id = Uuid::nil();
    let expected = Mock::given(method("DELETE")).and(path(format!("/auth/v1/admin/users/{id}")));
    expected
        .and(header("apikey", "sb_secret_test"))
        .and(header("authorization", "Bearer sb_secret_test"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&server)
        .await;
    let admin = client(&server.uri(), Some("sb_secret_test"));
    assert!(admin.is_admin() && !client(&server.uri(), None).is_admin());
    admin.delete_account(id).await.unwrap();
    let gone = json!({ "code": 404, "error_code": "user_not_found", "msg": "User not found" });
    server.reset().await;
    let answer = ResponseTemplate::new(404).set_body_json(gone);
    Mock::given(header("apikey", "sb_secret_test")).respond_with(answer).mount(&server).await;
    admin.delete_account(id).await.expect("that it is gone already is no error");
    assert!(!admin.account_exists(id).await.unwrap());
}

#[tokio::test]
async fn too_many_tries_say_how_long_to_wait() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429)
        .insert_header("retry-after", "17")
        .set_body_json(json!({ "code": "over_request_rate_limit", "message": "x" }));
    Mock::given(method("POST")).respond_with(limited).mount(&server).await;
    let error: Error =
        client(&server.uri(), None).sign_in("ada@example.com", "password", None).await.unwrap_err().into();
    assert_eq!(error, Error::RateLimited { retry_after_seconds: 17 });
    assert_eq!(
        told(429, json!({ "code": 429, "error_code": "over_request_rate_limit" })).await,
        Error::RateLimited { retry_after_seconds: 60 }
    );
    let mails = json!({ "code": 429, "error_code": "over_email_send_rate_limit", "msg": "For security purposes, you can only request this after 37 seconds." });
    assert_eq!(told(429, mails).await, Error::RateLimited { retry_after_seconds: 37 });
}

#[tokio::test]
async fn a_broken_provider_is_unavailable_and_ends_no_session() {
    for (status, body) in [
        (500, json!({ "code": 500, "error_code": "unexpected_failure", "msg": "x" })),
        (502, json!("<html>")),
        (200, json!("?")),
        (404, json!([])),
    ] {
        let server = server_with(status, &body).await;
        let error = client(&server.uri(), None).refresh("r", None).await.unwrap_err();
        assert!(!error.ends_session(), "{status} {body}");
        assert!(matches!(Error::from(error), Error::Unavailable { .. }), "{status} {body}");
    }
    let gone = client("http://127.0.0.1:9", None).refresh("r", None).await.unwrap_err();
    assert!(matches!(gone, ClientError::Unreachable(_)) && !gone.ends_session());
    // A wrong API key is the operator's mistake: the log says so, the person reads that the service is unavailable.
    assert!(matches!(told(401, json!({ "message": "Invalid API key", "hint": "x" })).await, Error::Unavailable { .. }));
}

#[tokio::test]
async fn only_a_decision_of_the_provider_ends_a_session() {
    for code in ["refresh_token_not_found", "refresh_token_already_used", "session_expired", "session_not_found"] {
        let server = server_with(400, &json!({ "code": 400, "error_code": code, "msg": "x" })).await;
        assert!(client(&server.uri(), None).refresh("r", None).await.unwrap_err().ends_session(), "{code}");
    }
    for (status, code) in [(409, "conflict"), (429, "over_request_rate_limit")] {
        let server = server_with(status, &json!({ "code": status, "error_code": code, "msg": "x" })).await;
        assert!(!client(&server.uri(), None).refresh("r", None).await.unwrap_err().ends_session(), "{code}");
    }
}

#[tokio::test]
async fn a_sign_up_gives_a_session_or_a_bare_user() {
    let bare = json!({ "id": "7f6c1c5e-8d3a-4f0e-9f3a-2f7d4b1c9a10", "aud": "authenticated", "role": "", "email": "ada@example.com", "identities": [] });
    let server = server_with(200, &bare).await;
    assert!(matches!(
        client(&server.uri(), None).sign_up(&ada(), "password", MAILED, None).await,
        Ok(SignUpOutcome::Unconfirmed)
    ));
    let server = server_with(200, &session()).await;
    assert!(matches!(
        client(&server.uri(), None).sign_up(&ada(), "password", MAILED, None).await,
        Ok(SignUpOutcome::Session(_))
    ));
}

#[tokio::test]
async fn a_visitors_address_goes_with_the_secret_key_only() {
    let server = MockServer::start().await;
    let expected = Mock::given(method("POST")).and(path("/auth/v1/token")).and(query_param("grant_type", "password"));
    let expected = expected.and(header("apikey", "sb_secret_test")).and(header("sb-forwarded-for", "203.0.113.7"));
    expected
        .and(body_json(json!({ "email": "a@example.com", "password": "p" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(session()))
        .mount(&server)
        .await;
    assert!(client(&server.uri(), Some("sb_secret_test")).sign_in("a@example.com", "p", ADDRESS).await.is_ok());

    let server = server_with(200, &session()).await;
    assert!(client(&server.uri(), None).sign_in("a@example.com", "p", ADDRESS).await.is_ok());
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers.get("apikey").unwrap(), "sb_publishable_test");
    assert!(!request.headers.contains_key("sb-forwarded-for"));
}

#[tokio::test]
async fn the_scope_of_a_logout_stands_in_the_query() {
    for (scope, name) in
        [(LogoutScope::Local, "local"), (LogoutScope::Global, "global"), (LogoutScope::Others, "others")]
    {
        let server = MockServer::start().await;
        let expected = Mock::given(method("POST")).and(path("/auth/v1/logout")).and(query_param("scope", name));
        expected
            .and(header("authorization", "Bearer a.b.c"))
            .and(header_exists("apikey"))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        assert!(client(&server.uri(), None).sign_out("a.b.c", &scope, None).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn settings_and_health_by_the_crate() {
    let server = MockServer::start().await;
    let settings = json!({ "external": external(&["github", "email"]), "disable_signup": true, "mailer_autoconfirm": false, "phone_autoconfirm": false, "sms_provider": "twilio", "saml_enabled": false });
    Mock::given(path("/auth/v1/settings"))
        .and(header("apikey", "k"))
        .respond_with(ResponseTemplate::new(200).set_body_json(settings))
        .mount(&server)
        .await;
    let health = json!({ "version": "v2.180.0", "name": "GoTrue", "description": "GoTrue is a user registration and authentication API" });
    Mock::given(path("/auth/v1/health"))
        .respond_with(ResponseTemplate::new(200).set_body_json(health))
        .mount(&server)
        .await;
    // As for Supabase, through the crate; and as for loopback, without it.
    for loopback in [false, true] {
        let client = Client::new(&server.uri(), "k".to_owned().into(), None, loopback).unwrap();
        let settings = client.settings().await.unwrap();
        assert!(settings.disable_signup && settings.external.github && !settings.external.google);
        assert_eq!(client.health().await.unwrap().version, "v2.180.0");
    }
    let refused = Client::new(&server.uri(), "wrong".to_owned().into(), None, false).unwrap();
    assert!(refused.settings().await.is_err());
}
