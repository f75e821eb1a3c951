#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const HOUR: Duration = Duration::from_secs(3600);

/// Any point of the curve serves: nothing is verified here.
fn published(kids: &[&str]) -> Value {
    let key = |kid: &&str| {
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    };
    json!({ "keys": kids.iter().map(key).collect::<Vec<_>>() })
}

async fn answer(server: &MockServer, response: ResponseTemplate) {
    server.reset().await;
    Mock::given(any()).respond_with(response).mount(server).await;
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn jwks(server: &MockServer, max_age: Duration, min_interval: Duration) -> Jwks {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Jwks::remote(http, format!("{}/.well-known/jwks.json", server.uri())).with_times(max_age, min_interval)
}

#[tokio::test]
async fn one_fetch_serves_many() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["one"]))).await;
    let jwks = jwks(&server, HOUR, HOUR);
    let found = futures::future::join_all((0..50).map(|_| jwks.find("one"))).await;
    assert!(found.iter().all(Result::is_ok));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn unknown_kids_cause_one_fetch_in_the_interval() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["one"]))).await;
    let jwks = jwks(&server, HOUR, HOUR);
    assert!(jwks.find("one").await.is_ok());
    for kid in ["a", "b", "c"] {
        assert!(matches!(jwks.find(kid).await, Err(KeyError::Unknown)));
    }
    assert_eq!(requests(&server).await, 1, "a stream of made-up kids must not become a stream of requests");
}

#[tokio::test]
async fn a_rotated_key_is_found_and_the_withdrawn_one_is_not() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["old"]))).await;
    let jwks = jwks(&server, HOUR, Duration::ZERO);
    assert!(jwks.find("old").await.is_ok());
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["old", "new"]))).await;
    assert!(jwks.find("new").await.is_ok() && jwks.find("old").await.is_ok());
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["newest"]))).await;
    assert!(jwks.find("newest").await.is_ok());
    assert!(matches!(jwks.find("old").await, Err(KeyError::Unknown)));
}

#[tokio::test]
async fn known_keys_go_on_serving_while_the_provider_is_down() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["one"]))).await;
    let jwks = jwks(&server, Duration::ZERO, Duration::ZERO);
    assert!(jwks.find("one").await.is_ok());
    for broken in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({})),
    ] {
        answer(&server, broken).await;
        assert!(jwks.find("one").await.is_ok());
        assert!(
            matches!(jwks.find("two").await, Err(KeyError::Unavailable(_))),
            "nobody can tell whether it is a new key"
        );
    }
    answer(&server, ResponseTemplate::new(200).set_body_json(published(&["two"]))).await;
    assert!(jwks.find("two").await.is_ok());
}

#[tokio::test]
async fn a_provider_that_never_answered_is_unavailable_not_unknown() {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let jwks = Jwks::remote(http, "http://127.0.0.1:9/jwks.json".to_owned()).with_times(HOUR, HOUR);
    assert!(matches!(jwks.find("one").await, Err(KeyError::Unavailable(_))));
    assert!(jwks.count().await.is_err());
}

#[tokio::test]
async fn an_empty_set_is_an_answer() {
    let server = MockServer::start().await;
    answer(&server, ResponseTemplate::new(200).set_body_json(json!({ "keys": [] }))).await;
    let jwks = jwks(&server, HOUR, HOUR);
    assert!(matches!(jwks.find("one").await, Err(KeyError::Unknown)));
    assert_eq!(jwks.count().await, Ok(0));
}
