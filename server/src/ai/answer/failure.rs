//! Why a model gave no whole answer, as a sentence for the reader. What it said itself goes to the log, since it may
//! hold parts of a key; only the reason for refusing a question is shown, because nobody could guess it.

use super::{AnswerError, openai::Refusal};
use async_openai::error::OpenAIError;
use openai_http::StatusCode;
use serde_json::Value;
use std::time::Duration;

fn because(message: impl Into<String>) -> AnswerError {
    AnswerError { message: message.into(), cause: None }
}

/// Nothing came for this long.
pub fn stalled(waited: Duration) -> AnswerError {
    because(format!("The model stopped answering: nothing came for {} seconds. Try again.", waited.as_secs().max(1)))
}

/// More text than any answer has.
pub fn endless() -> AnswerError {
    because("The model did not come to an end, so its answer was cut. Ask for something shorter.")
}

/// What the end of a stream means: only `stop`, or calls of tools, is a whole turn. The length counts those
/// too.
///
/// # Errors
/// When the answer is empty, was cut, or was ended early by the provider.
pub fn at_finish(reason: Option<&str>, length: usize) -> Result<(), AnswerError> {
    match reason {
        None => Err(because("The connection to the model broke off before the answer was whole. Try again.")),
        Some("length") => {
            Err(because("The model reached its length limit, so the answer is cut short. Ask for a part of it."))
        }
        Some("content_filter") => {
            Err(because("The model's provider withheld the rest of the answer: its content filter stepped in."))
        }
        Some("error") => Err(because("The model failed in the middle of its answer. Try again.")),
        Some(_) if length == 0 => Err(because("The model sent an empty answer. Try again.")),
        Some(_) => Ok(()),
    }
}

/// An error object that stands where a chunk should.
pub fn reported(error: &Value, model: &str) -> AnswerError {
    tracing::warn!(%error, "the model's server reported an error in mid-stream");
    let code = error.get("code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let status = code.and_then(|code| u16::try_from(code).ok()).and_then(|code| StatusCode::from_u16(code).ok());
    match status {
        Some(status) => refused(status, None, &serde_json::json!({ "error": error }).to_string(), model),
        None => because("The model failed in the middle of its answer. Try again."),
    }
}

/// Whatever async-openai reports.
pub fn of(error: OpenAIError, model: &str) -> AnswerError {
    let mut answer = match &error {
        OpenAIError::Boxed(cause) => match cause.downcast_ref::<Refusal>() {
            Some(refusal) => {
                tracing::warn!(status = %refusal.status, body = %excerpt(&refusal.body), "the model's server refused");
                refused(refusal.status, refusal.retry_after, &refusal.body, model)
            }
            None => because("The model's server could not be asked. Try again in a moment."),
        },
        OpenAIError::Reqwest(error) if error.is_connect() || error.is_timeout() => {
            tracing::warn!(%error, "the model's server cannot be reached");
            because(
                "The model's server cannot be reached. Try again in a moment; if it stays so, an administrator should check LLM_BASE_URL.",
            )
        }
        OpenAIError::Reqwest(error) => {
            tracing::warn!(%error, "the connection to the model's server broke off");
            because("The connection to the model broke off before the answer was whole. Try again.")
        }
        OpenAIError::StreamError(_) => {
            because("The connection to the model broke off before the answer was whole. Try again.")
        }
        OpenAIError::JSONDeserialize(..) => because("The model's server sent something that is no answer. Try again."),
        _ => because("The model's server could not be asked. Try again in a moment."),
    };
    answer.cause = Some(Box::new(error));
    answer
}

fn refused(status: StatusCode, retry_after: Option<Duration>, body: &str, model: &str) -> AnswerError {
    let object: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let field = |name: &str| object.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let out_of_credit = field("type") == "insufficient_quota" || field("code") == "insufficient_quota";
    because(match status.as_u16() {
        401 | 403 => {
            "The model's server does not accept the API key. An administrator should check LLM_API_KEY.".to_owned()
        }
        402 => no_credit(),
        429 if out_of_credit => no_credit(),
        404 => {
            format!(
                "The model's server knows no “{model}”. Choose another model; if there is none to choose, an administrator should check LLM_MODEL and LLM_BASE_URL."
            )
        }
        413 => too_long(),
        400 | 422 if field("code") == "context_length_exceeded" || names_the_context(field("message")) => too_long(),
        429 => match retry_after.map(|wait| wait.as_secs().max(1)) {
            Some(1) => "The model is asked too often right now. Try again in a second.".to_owned(),
            Some(wait) => format!("The model is asked too often right now. Try again in {wait} seconds."),
            None => "The model is asked too often right now. Try again in a moment.".to_owned(),
        },
        300..=399 => "The model's server points elsewhere. An administrator should check LLM_BASE_URL.".to_owned(),
        400..=499 => match excerpt(field("message")) {
            reason if reason.is_empty() => {
                format!("The model's server refused the question (status {}).", status.as_u16())
            }
            reason => format!("The model's server refused the question: {reason}"),
        },
        200..=299 => "The model's server sent something that is no answer. An administrator should check LLM_BASE_URL."
            .to_owned(),
        code => format!("The model's server failed (status {code}). Try again in a moment."),
    })
}

fn no_credit() -> String {
    "The account at the model's provider has no credit left. An administrator should top it up.".to_owned()
}

/// As providers put it that give no code.
fn names_the_context(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["maximum context", "context length", "context window", "prompt is too long", "too many tokens"]
        .iter()
        .any(|words| message.contains(words))
}

fn too_long() -> String {
    "The conversation and its passages are longer than this model takes. Start a new conversation or ask something narrower.".to_owned()
}

/// At most 200 characters, on one line.
fn excerpt(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
