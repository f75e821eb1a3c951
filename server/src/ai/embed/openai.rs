//! Embeddings from any URL that speaks OpenAI's `/embeddings`.

use super::{Embedder, normalised};
use crate::{config::RemoteModel, fault::Fault};
use async_openai::{
    Client,
    config::OpenAIConfig,
    types::embeddings::{CreateEmbeddingRequest, EmbeddingInput},
};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use std::{fmt, time::Duration};

/// Texts in one request. Providers take up to 2,048, but a smaller request fails and is tried again more cheaply.
const BATCH: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For one request, from its start to its last byte.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Waits before the second, third and fourth try of a request that was refused for the moment.
const BACKOFF: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];

pub struct OpenAiEmbedder {
    client: Client<OpenAIConfig>,
    model: String,
    dimensions: usize,
}

impl fmt::Debug for OpenAiEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiEmbedder")
            .field("model", &self.model)
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

impl OpenAiEmbedder {
    /// # Errors
    /// [`Fault::Model`] when the HTTP client cannot be made.
    pub fn new(remote: &RemoteModel) -> Result<Self, Fault> {
        let http = openai_http::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(openai_http::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::Model(error.into()))?;
        let key = remote.api_key.as_ref().map_or("", |key| key.expose_secret());
        let config =
            OpenAIConfig::new().with_api_base(remote.base_url.as_str().trim_end_matches('/')).with_api_key(key);
        let client = Client::with_config(config).with_http_client(http);
        Ok(Self { client, model: remote.model.clone(), dimensions: remote.dimensions as usize })
    }

    async fn batch(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Fault> {
        let request = CreateEmbeddingRequest {
            model: self.model.clone(),
            input: EmbeddingInput::StringArray(texts.iter().map(|text| not_empty(text)).collect()),
            ..CreateEmbeddingRequest::default()
        };
        let mut waits = BACKOFF.iter();
        let response = loop {
            match self.client.embeddings().create(request.clone()).await {
                Ok(response) => break response,
                Err(error) => match waits.next() {
                    Some(wait) if is_passing(&error) => tokio::time::sleep(*wait).await,
                    _ => return Err(Fault::Model(error.into())),
                },
            }
        };
        let mut data = response.data;
        data.sort_by_key(|item| item.index);
        let vectors: Vec<Vec<f32>> = data.into_iter().map(|item| normalised(item.embedding)).collect();
        if vectors.len() != texts.len() {
            return Err(Fault::Model(format!("{} vectors came for {} texts", vectors.len(), texts.len()).into()));
        }
        match vectors.iter().find(|vector| vector.len() != self.dimensions) {
            None => Ok(vectors),
            Some(vector) => Err(Fault::Model(
                format!(
                    "{} has {} dimensions, but EMBEDDING_DIMENSIONS says {}",
                    self.model,
                    vector.len(),
                    self.dimensions
                )
                .into(),
            )),
        }
    }
}

/// OpenAI refuses an empty string.
fn not_empty(text: &str) -> String {
    if text.trim().is_empty() { " .".to_owned() } else { text.to_owned() }
}

/// Whether another try may succeed: the connection failed, the provider is overloaded, or has a fault of its own.
fn is_passing(error: &async_openai::error::OpenAIError) -> bool {
    use async_openai::error::OpenAIError;
    match error {
        OpenAIError::Reqwest(error) => {
            error.is_connect()
                || error.is_timeout()
                || error.status().is_some_and(|status| status.is_server_error() || status == 429)
        }
        OpenAIError::ApiError(error) => error.status_code.is_server_error() || error.status_code == 429,
        _ => false,
    }
}

#[async_trait]
impl Embedder for OpenAiEmbedder {
    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Fault> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.batch(batch).await?);
        }
        Ok(vectors)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use wiremock::{
        Mock, MockServer, Request, ResponseTemplate,
        matchers::{header, method, path},
    };

    async fn server(answer: impl Fn(Vec<String>) -> Value + Send + Sync + 'static) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/v1/embeddings"))
            .and(header("authorization", "Bearer key"))
            .respond_with(move |request: &Request| {
                let body: Value = request.body_json().unwrap();
                assert_eq!(body["model"], "tiny");
                let texts =
                    body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
                let answer = answer(texts);
                ResponseTemplate::new(200).set_body_json(json!({
                    "object": "list", "model": "tiny", "usage": {"prompt_tokens": 1, "total_tokens": 1}, "data": answer
                }))
            })
            .mount(&server)
            .await;
        server
    }

    fn embedder(server: &MockServer, dimensions: u32) -> OpenAiEmbedder {
        let base_url = format!("{}/v1", server.uri()).parse().unwrap();
        OpenAiEmbedder::new(&RemoteModel {
            base_url,
            api_key: Some("key".into()),
            model: "tiny".to_owned(),
            dimensions,
        })
        .unwrap()
    }

    fn item(index: usize, embedding: &[f32]) -> Value {
        json!({"object": "embedding", "index": index, "embedding": embedding})
    }

    #[tokio::test]
    async fn vectors_come_in_the_order_of_the_texts_at_unit_length() {
        let server = server(|texts| {
            // In reverse: only the index tells.
            texts.iter().enumerate().rev().map(|(index, text)| item(index, &[text.len() as f32, 0.0, 0.0])).collect()
        })
        .await;
        let texts: Vec<String> = (1..=100).map(|length| "x".repeat(length)).collect();
        let vectors = embedder(&server, 3).embed(texts).await.unwrap();
        assert_eq!(vectors.len(), 100);
        assert!(vectors.iter().all(|vector| *vector == [1.0, 0.0, 0.0]));
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "batches of {BATCH}");
        assert!(
            embedder(&server, 3).embed(vec![String::new()]).await.is_ok(),
            "an empty text is none that OpenAI refuses"
        );
    }

    #[tokio::test]
    async fn another_length_or_count_than_configured_is_an_error() {
        let server =
            server(|texts| texts.iter().enumerate().map(|(index, _)| item(index, &[1.0, 0.0])).collect()).await;
        assert!(matches!(embedder(&server, 3).embed(vec!["a".to_owned()]).await, Err(Fault::Model(_))));
        let server = self::server(|_| json!([])).await;
        assert!(matches!(embedder(&server, 3).embed(vec!["a".to_owned()]).await, Err(Fault::Model(_))));
    }

    #[tokio::test]
    async fn an_overload_is_waited_for_and_a_refusal_is_not() {
        let server = server(|texts| texts.iter().enumerate().map(|(index, _)| item(index, &[1.0])).collect()).await;
        let busy = Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(503).set_body_json(json!({"error": {"message": "busy"}})));
        busy.up_to_n_times(1).with_priority(1).mount(&server).await;
        assert!(embedder(&server, 1).embed(vec!["a".to_owned()]).await.is_ok());

        let refusing = MockServer::start().await;
        let refusal = ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "no such key"}}));
        Mock::given(method("POST")).respond_with(refusal).expect(1).mount(&refusing).await;
        assert!(matches!(embedder(&refusing, 1).embed(vec!["a".to_owned()]).await, Err(Fault::Model(_))));
    }
}
