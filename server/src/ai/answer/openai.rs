//! Any model behind an OpenAI-compatible URL, streamed through async-openai. Around it stand our own limits: time to
//! connect, to the first token and between chunks, and the size of an answer. Nothing is sent twice once the model has
//! begun to answer, and dropping the stream closes the connection, which ends the work upstream.

use super::{
    AnswerError, AnswerPart, AnswerRequest, AnswerStream, Answerer, ToolOffer,
    calls::{CallPiece, Calls},
    failure, prompt,
};
use crate::{config::chat::ChatModel, fault::Fault};
use async_openai::{Client, config::Config, error::OpenAIError, middleware::HttpRequestFactory};
use async_trait::async_trait;
use domain::models::ModelName;
use futures::StreamExt;
use openai_http::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};

/// How long to wait, and for how much.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From the question to the first chunk; models that think first need it long.
    pub first_token: Duration,
    /// Between two chunks.
    pub idle: Duration,
    /// Between two tries while the model has not begun to answer.
    pub retry_pause: Duration,
    /// Characters of one answer; 200,000 tokens are about 800,000.
    pub max_chars: usize,
}

impl Limits {
    pub fn of(model: &ChatModel) -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: model.first_token,
            idle: model.idle,
            retry_pause: Duration::from_millis(400),
            max_chars: 4_000_000,
        }
    }
}

/// What comes after the last token (usage, `[DONE]`) is not worth a longer wait.
const CLOSING: Duration = Duration::from_secs(5);
/// Bytes of an error's body that are read.
const ERROR_BODY: usize = 16 * 1024;

/// See the module.
pub struct OpenAi {
    client: Client<Endpoint>,
    model: String,
    limits: Limits,
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAi").field("model", &self.model).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// # Errors
    /// [`Fault::Model`] when the HTTP client cannot be made or the key cannot stand in a header.
    pub fn new(config: &ChatModel, limits: Limits) -> Result<Self, Fault> {
        let http = openai_http::Client::builder()
            .connect_timeout(limits.connect)
            // A redirect would carry the key and the documents to a place that nobody configured.
            .redirect(openai_http::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::Model(Box::new(error)))?;
        let pause = limits.retry_pause;
        let client = Client::with_config(Endpoint::new(config)?)
            .with_http_service(tower::service_fn(move |request| send(http.clone(), request, pause)));
        Ok(Self { client, model: config.model.clone(), limits })
    }
}

#[async_trait]
impl Answerer for OpenAi {
    fn model(&self) -> &str {
        &self.model
    }

    async fn answer(&self, request: AnswerRequest) -> Result<AnswerStream, AnswerError> {
        let deadline = Instant::now() + self.limits.first_token;
        let model = request.model.as_ref().map_or(self.model.as_str(), ModelName::as_str).to_owned();
        let mut request = request;
        let opened = match self.open(&request, &model, deadline).await? {
            Err(error) if !request.tools.offered.is_empty() && refuses_tools(&error) => {
                tracing::warn!(%error, model, "the model takes no tools; it is asked without them");
                request.tools.offered.clear();
                self.open(&request, &model, deadline).await?
            }
            opened => opened,
        };
        let chunks = opened.map_err(|error| failure::of(error, &model))?;
        Ok(read(chunks, deadline, self.limits.clone(), model))
    }
}

impl OpenAi {
    /// # Errors
    /// When nothing comes until the deadline; inside, what the server says.
    async fn open(
        &self,
        request: &AnswerRequest,
        model: &str,
        deadline: Instant,
    ) -> Result<Result<Chunks, OpenAIError>, AnswerError> {
        let mut body = json!({
            "model": model,
            "messages": prompt::messages(request),
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if !request.tools.offered.is_empty() {
            body["tools"] = request.tools.offered.iter().map(offer).collect();
        }
        let chat = self.client.chat();
        let opening = chat.create_stream_byot::<Value, Chunk>(body);
        timeout_at(deadline, opening).await.map_err(|_| failure::stalled(self.limits.first_token))
    }
}

fn offer(tool: &ToolOffer) -> Value {
    let ToolOffer { name, description, parameters } = tool;
    json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } })
}

/// Whether the server may take the same question without tools. OpenRouter knows no such model then, and says why.
fn refuses_tools(error: &OpenAIError) -> bool {
    let OpenAIError::Boxed(cause) = error else { return false };
    cause.downcast_ref::<Refusal>().is_some_and(|refusal| match refusal.status.as_u16() {
        400 => true,
        404 | 422 | 501 => refusal.body.to_ascii_lowercase().contains("tool"),
        _ => false,
    })
}

type Chunks = async_openai::types::stream::StreamResponse<Chunk>;

fn read(mut chunks: Chunks, deadline: Instant, limits: Limits, model: String) -> AnswerStream {
    Box::pin(async_stream::try_stream! {
        let mut until = deadline;
        let mut waited = limits.first_token;
        let mut length = 0;
        let mut finish: Option<String> = None;
        let mut calls = Calls::default();
        loop {
            let next = match timeout_at(until, chunks.next()).await {
                Ok(next) => next,
                Err(_) if finish.is_some() => None,
                Err(_) => Err(failure::stalled(waited))?,
            };
            let Some(chunk) = next else { break };
            let chunk = match chunk {
                Ok(chunk) => chunk,
                // All of the text is there; only the count of tokens was lost.
                Err(error) if finish.is_some() => {
                    tracing::debug!(%error, "the stream broke after its end");
                    break;
                }
                Err(error) => Err(failure::of(error, &model))?,
            };
            if let Some(error) = chunk.error {
                Err(failure::reported(&error, &model))?;
            }
            for choice in chunk.choices {
                let Delta { content, tool_calls } = choice.delta.unwrap_or_default();
                if let Some(text) = content.filter(|text| !text.is_empty()) {
                    length += text.chars().count();
                    yield AnswerPart::Text(text);
                }
                for piece in tool_calls.unwrap_or_default() {
                    length += calls.push(piece);
                }
                finish = finish.or(choice.finish_reason);
            }
            if length > limits.max_chars {
                Err(failure::endless())?;
            }
            if let Some(usage) = chunk.usage {
                yield AnswerPart::Usage { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens };
            }
            waited = if finish.is_some() { CLOSING } else { limits.idle };
            until = Instant::now() + waited;
        }
        failure::at_finish(finish.as_deref(), length)?;
        for call in calls.whole() {
            yield AnswerPart::Call(call);
        }
    })
}

/// The parts of a chunk that an answer needs. Compatible servers differ in all others, so nothing else is required.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
    /// OpenRouter reports what fails in mid-stream like this.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

/// Where the model is, and the key to it. async-openai's own configuration would take keys and organisations out of
/// variables that are not ours, and would send an empty key.
#[derive(Clone, Debug)]
struct Endpoint {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Endpoint {
    fn new(config: &ChatModel) -> Result<Self, Fault> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.api_key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
                .map_err(|_| Fault::Model("LLM_API_KEY holds characters that no key has; copy it again".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // OpenRouter shows its customers which application made a request by this header.
        headers.insert("x-title", HeaderValue::from_static("Atelier"));
        let base = config.base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, key: config.api_key.clone().unwrap_or_default(), headers })
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// What a server that does not answer says instead.
#[derive(thiserror::Error)]
#[error("status {status}")]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: String,
}

/// Without the body: a server may send back what it was asked, documents included.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

/// Sends a request, and once more when it cannot have been worked on: no connection, or a gateway without its server.
async fn send(
    http: openai_http::Client,
    request: HttpRequestFactory,
    pause: Duration,
) -> Result<openai_http::Response, OpenAIError> {
    let again = match http.execute(request.build().await?).await {
        Ok(response) => matches!(response.status(), StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE)
            .then_some(())
            .ok_or(response),
        Err(error) if error.is_connect() => Ok(()),
        Err(error) => return Err(error.into()),
    };
    let response = match again {
        Err(response) => response,
        Ok(()) => {
            tokio::time::sleep(pause).await;
            http.execute(request.build().await?).await?
        }
    };
    let streamed = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/event-stream"));
    if response.status().is_success() && streamed { Ok(response) } else { Err(refusal(response).await) }
}

async fn refusal(response: openai_http::Response) -> OpenAIError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    let mut bytes = response.bytes_stream();
    // An error's body may never end, like anything else from outside.
    while body.len() < ERROR_BODY
        && let Ok(Some(Ok(piece))) = timeout(CLOSING, bytes.next()).await
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(ERROR_BODY);
    let body = String::from_utf8_lossy(&body).into_owned();
    OpenAIError::Boxed(Box::new(Refusal { status, retry_after, body }))
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
