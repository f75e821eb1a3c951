//! Reading the best passages of a search again, each together with the query. Off unless it is configured.

use crate::{
    ai::call::{self, Call, Purpose},
    config::rerank::Rerank,
    fault::Fault,
};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// A search waits for it, and does without it when it takes longer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A model that says how well each text answers a query.
#[async_trait]
pub trait Reranker: fmt::Debug + Send + Sync {
    /// One score for each text, in the order of the texts; higher is better.
    ///
    /// # Errors
    /// [`Fault::Model`] when the model cannot be reached, or does not answer for every text.
    async fn rerank(&self, query: &str, texts: Vec<String>) -> Result<Vec<f32>, Fault>;
}

/// Makes the reranker that is configured, if one is.
///
/// # Errors
/// [`Fault::Model`] when the HTTP client cannot be made.
pub fn from_config(config: Option<&Rerank>) -> Result<Option<Arc<dyn Reranker>>, Fault> {
    Ok(match config {
        Some(config) => Some(Arc::new(HttpReranker::new(config)?)),
        None => None,
    })
}

/// Any URL whose `/rerank` takes and answers what Cohere's does; Jina, Voyage, vLLM and llama.cpp have the same.
struct HttpReranker {
    client: reqwest::Client,
    config: Rerank,
    url: Url,
}

impl fmt::Debug for HttpReranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReranker").field("url", &self.url.as_str()).field("model", &self.config.model).finish()
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    query: &'a str,
    documents: Vec<String>,
    top_n: usize,
}

#[derive(Deserialize)]
struct Response {
    /// Voyage calls them `data`.
    #[serde(alias = "data")]
    results: Vec<Scored>,
}

#[derive(Deserialize)]
struct Scored {
    index: usize,
    relevance_score: f32,
}

impl HttpReranker {
    fn new(config: &Rerank) -> Result<Self, Fault> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::Model(error.into()))?;
        let url = format!("{}/rerank", config.base_url.as_str().trim_end_matches('/'));
        let url = url.parse().map_err(|error: url::ParseError| Fault::Model(error.into()))?;
        Ok(Self { client, config: config.clone(), url })
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Response, reqwest::Error> {
        let mut post = self.client.post(self.url.clone()).json(request);
        if let Some(key) = &self.config.api_key {
            post = post.bearer_auth(key.expose_secret());
        }
        post.send().await?.error_for_status()?.json().await
    }
}

#[async_trait]
impl Reranker for HttpReranker {
    async fn rerank(&self, query: &str, texts: Vec<String>) -> Result<Vec<f32>, Fault> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let count = texts.len();
        let request = Request { model: &self.config.model, query, documents: texts, top_n: count };
        let call = Call::begin(Purpose::Rerank, &call::provider(&self.config.base_url), &self.config.model);
        let response = call.watch(self.ask(&request)).await.map_err(|error| Fault::Model(error.into()))?;
        let mut scores = vec![None; count];
        for scored in response.results {
            if let Some(score) = scores.get_mut(scored.index) {
                *score = Some(scored.relevance_score);
            }
        }
        let scores: Option<Vec<f32>> = scores.into_iter().collect();
        scores.ok_or_else(|| Fault::Model("the reranker did not answer for every passage".into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_partial_json, header, method, path},
    };

    async fn scores(answer: serde_json::Value) -> Result<Vec<f32>, Fault> {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/v2/rerank"))
            .and(header("authorization", "Bearer key"))
            .and(body_partial_json(json!({"model": "tiny", "query": "q", "documents": ["a", "b"], "top_n": 2})))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .expect(1)
            .mount(&server)
            .await;
        let config = Rerank {
            base_url: format!("{}/v2/", server.uri()).parse().unwrap(),
            api_key: Some("key".into()),
            model: "tiny".to_owned(),
        };
        let reranker = from_config(Some(&config)).unwrap().unwrap();
        reranker.rerank("q", vec!["a".to_owned(), "b".to_owned()]).await
    }

    #[tokio::test]
    async fn scores_come_in_the_order_of_the_texts() {
        let results = json!([{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]);
        assert_eq!(scores(json!({ "id": "x", "results": results })).await.unwrap(), [0.1, 0.9]);
        assert_eq!(scores(json!({ "object": "list", "data": results })).await.unwrap(), [0.1, 0.9]);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_whole_is_none() {
        for answer in [json!({"results": [{"index": 1, "relevance_score": 0.9}]}), json!({"results": []}), json!({})] {
            assert!(matches!(scores(answer).await, Err(Fault::Model(_))));
        }
    }
}
