#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, header_exists, method, path, query_param},
};

const ADDRESS: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)));

fn client(base: &str, secret_key: Option<&str>) -> Client {
    Client::new(base, "sb_publishable_test".to_owned().into(), secret_key.map(|key| key.to_owned().into()), true)
        .unwrap()
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
        let error = client(&server.uri(), None).sign_up("ada@example.com", "short", None).await.unwrap_err();
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

#[tokio::test]
async fn each_refusal_is_told_at_its_field() {
    let error = |code: &str| json!({ "code": 400, "error_code": code, "msg": "from the provider" });
    let wrong = told(400, error("invalid_credentials")).await;
    assert_eq!(
        wrong.for_field("password"),
        Some("Email and password do not match. Check both, or reset your password.")
    );
    for code in [
        "user_already_exists",
        "email_exists",
        "email_not_confirmed",
        "user_banned",
        "signup_disabled",
        "email_address_invalid",
        "validation_failed",
    ] {
        assert!(told(422, error(code)).await.for_field("email").is_some(), "{code}");
    }
    let too_long = json!({ "code": 422, "error_code": "validation_failed", "msg": "Password cannot be longer than 72 characters" });
    assert!(told(422, too_long).await.for_field("password").is_some());
    assert_eq!(told(400, error("session_not_found")).await, Error::Unauthenticated);
    // What GoTrue said before it had error codes.
    assert!(
        told(400, json!({ "error": "invalid_grant", "error_description": "Invalid login credentials" }))
            .await
            .for_field("password")
            .is_some()
    );
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
        client(&server.uri(), None).sign_up("ada@example.com", "password", None).await,
        Ok(SignUpOutcome::Unconfirmed)
    ));
    let server = server_with(200, &session()).await;
    assert!(matches!(
        client(&server.uri(), None).sign_up("ada@example.com", "password", None).await,
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
    let off = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), Value::Bool(false))).collect::<serde_json::Map<_, _>>()
    };
    let mut external = off(&[
        "anonymous_users",
        "apple",
        "azure",
        "bitbucket",
        "discord",
        "facebook",
        "figma",
        "fly",
        "gitlab",
        "google",
        "keycloak",
        "kakao",
        "linkedin",
        "linkedin_oidc",
        "notion",
        "spotify",
        "slack",
        "slack_oidc",
        "workos",
        "twitch",
        "twitter",
        "phone",
        "zoom",
        "snapchat",
        "x",
    ]);
    external.extend([("github".to_owned(), Value::Bool(true)), ("email".to_owned(), Value::Bool(true))]);
    let settings = json!({ "external": external, "disable_signup": true, "mailer_autoconfirm": false, "phone_autoconfirm": false, "sms_provider": "twilio", "saml_enabled": false });
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
