//! Against a real HTTP server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::config::chat::Chat;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header, matchers::method, matchers::path};

fn name(name: &str) -> ModelName {
    ModelName::parse("model", name).unwrap()
}

fn options(allowed: &[&str]) -> ModelOptions {
    ModelOptions {
        default: Some(name("large")),
        allowed: allowed.iter().map(|one| name(one)).collect(),
        prices: [(name("small"), Prices { prompt: 1, completion: 2 })].into(),
        context_tokens: 16_000,
    }
}

fn catalogue(url: &str, options: &ModelOptions) -> Catalogue {
    let chat = Chat::Model(ChatModel {
        base_url: format!("{url}/v1/").parse().unwrap(),
        api_key: Some("key".into()),
        model: "large".to_owned(),
        first_token: Duration::from_secs(1),
        idle: Duration::from_secs(1),
    });
    Catalogue::new(options, &chat).unwrap()
}

async fn server(list: Value, delay: Duration, requests: u64) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/models"))
        .and(header("authorization", "Bearer key"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list).set_delay(delay))
        .expect(requests)
        .mount(&server)
        .await;
    server
}

fn names(offer: &Offer) -> Vec<&str> {
    offer.models.models.iter().map(|model| model.name.as_str()).collect()
}

#[tokio::test]
async fn the_list_is_asked_for_once_by_many_and_kept() {
    let list =
        json!({ "data": [{ "id": "tiny" }, { "id": "small", "context_length": 8_000 }, { "id": "text-embed-1" }] });
    let server = server(list, Duration::from_millis(200), 1).await;
    let catalogue = catalogue(&server.uri(), &options(&[]));
    let offers = futures::future::join_all((0..20).map(|_| catalogue.offer())).await;
    for offer in offers {
        assert_eq!(names(&offer), ["large", "small", "tiny"], "the default is among them, embeddings are not");
        assert!(offer.is_known);
    }
    let small = catalogue.model(&name("small"));
    assert_eq!((small.context_tokens, small.prices), (8_000, Some(Prices { prompt: 1, completion: 2 })));
    assert_eq!(catalogue.model(&name("tiny")).context_tokens, 16_000);
    assert_eq!(catalogue.model(&name("gone")).prices, None);
    assert_eq!(names(catalogue.offer().await.as_ref()), ["large", "small", "tiny"]);
}

#[tokio::test]
async fn the_configuration_narrows_it() {
    let list = json!({ "data": [{ "id": "tiny" }, { "id": "small" }, { "id": "text-embed-1" }] });
    let server = server(list, Duration::ZERO, 1).await;
    let catalogue = catalogue(&server.uri(), &options(&["text-embed-1", "elsewhere"]));
    assert_eq!(names(catalogue.offer().await.as_ref()), ["large", "text-embed-1"]);
}

#[tokio::test]
async fn what_was_known_stays_while_the_provider_is_away() {
    let server = server(json!({ "data": [{ "id": "small" }] }), Duration::ZERO, 1).await;
    let catalogue = catalogue(&server.uri(), &options(&[]));
    assert_eq!(names(catalogue.offer().await.as_ref()), ["large", "small"]);
    drop(server);
    catalogue.keep(Kept { until: None, ..catalogue.kept() });
    assert_eq!(names(catalogue.offer().await.as_ref()), ["large", "small"], "at once, while it is asked for anew");
    // The request has failed.
    let _ended = catalogue.0.flight.lock().await;
    let kept = catalogue.kept();
    assert!(kept.offer.is_known && !is_due(&kept), "it is not asked for at once again");
    assert_eq!(names(&kept.offer), ["large", "small"]);
}

#[tokio::test]
async fn without_a_list_the_configured_models_are_offered() {
    let nowhere = "http://127.0.0.1:1";
    let alone = catalogue(nowhere, &options(&[]));
    let offer = alone.offer().await;
    assert_eq!((names(&offer), offer.is_known), (vec!["large"], false));
    assert_eq!(names(catalogue(nowhere, &options(&["small"])).offer().await.as_ref()), ["large", "small"]);
    let none = ModelOptions { default: None, ..options(&[]) };
    let built_in = Catalogue::new(&none, &Chat::Extractive).unwrap();
    assert_eq!(built_in.offer().await.models, Models::default());
}

#[tokio::test]
async fn nobody_waits_long_and_nothing_endless_is_read() {
    let slow = server(json!({ "data": [] }), Duration::from_secs(8), 1).await;
    let began = Instant::now();
    assert!(!catalogue(&slow.uri(), &options(&[])).offer().await.is_known);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    let long = "x".repeat(MAX_BYTES);
    let endless = server(json!({ "data": [{ "id": "small", "about": long }] }), Duration::ZERO, 1).await;
    assert!(!catalogue(&endless.uri(), &options(&[])).offer().await.is_known);
}
