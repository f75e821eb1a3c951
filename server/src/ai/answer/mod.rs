//! Answering a question from passages.

mod calls;
pub mod context;
mod extractive;
mod failure;
pub mod lexical;
mod openai;
pub mod prompt;
#[cfg(test)]
pub mod scripted;
pub mod sentences;
mod watched;

use crate::{
    ai::{call, embed::Embedder},
    config::chat::Chat,
    fault::Fault,
};
use async_trait::async_trait;
use domain::{documents::Passage, models::ModelName, projects::Brief};
use futures::stream::BoxStream;
use serde_json::Value;
use std::sync::Arc;
use watched::Watched;

/// Bytes of the arguments of one call: a document of the greatest length, written as JSON. Of longer ones there is enough
/// to see that they are.
pub const MAX_ARGUMENTS: usize = 2 * 1024 * 1024;

/// The name that the built-in answerer signs with.
pub const EXTRACTIVE: &str = extractive::MODEL;

/// The model that is configured, or the built-in answerer.
///
/// # Errors
/// [`Fault::Model`] when the HTTP client cannot be made or the key cannot stand in a header.
pub fn from_config(config: &Chat, embedder: Arc<dyn Embedder>) -> Result<Arc<dyn Answerer>, Fault> {
    Ok(match config {
        Chat::Extractive => Arc::new(Watched::new(extractive::Extractive::new(embedder), call::LOCAL.to_owned())),
        Chat::Model(model) => {
            let answerer = openai::OpenAi::new(model, openai::Limits::of(model))?;
            Arc::new(Watched::new(answerer, call::provider(&model.base_url)))
        }
    })
}

/// What an answer is made from.
#[derive(Clone, Debug)]
pub struct AnswerRequest {
    pub question: String,
    /// Who is to answer; none: the one that is configured. The built-in answerer takes no notice.
    pub model: Option<ModelName>,
    /// Earlier turns, the oldest first, as [`context::fit`] leaves them.
    pub history: Vec<Turn>,
    pub brief: Brief,
    /// What was retrieved, the best first. `[n]` in an answer is `passages[n - 1]`.
    pub passages: Vec<Passage>,
    /// Characters of them that there is room for.
    pub passage_chars: usize,
    pub attached: AttachedFiles,
    pub tools: Tooling,
}

/// Names of files that came with questions, so that a model knows what “the attached file” is.
#[derive(Clone, Debug, Default)]
pub struct AttachedFiles {
    /// With this one.
    pub own: Vec<String>,
    /// With those before it.
    pub earlier: Vec<String>,
    /// Of them all, those without a text to read.
    pub unreadable: Vec<String>,
}

/// What a model may call for an answer, and what it has called so far.
#[derive(Clone, Debug, Default)]
pub struct Tooling {
    /// None, where the answer must be given now.
    pub offered: Vec<ToolOffer>,
    /// The model's turns so far, the oldest first.
    pub rounds: Vec<Round>,
}

/// A tool, as a model is told of it.
#[derive(Clone, Debug)]
pub struct ToolOffer {
    pub name: &'static str,
    pub description: &'static str,
    /// The JSON schema of its arguments.
    pub parameters: Value,
}

/// A turn of the model that called tools.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its own words before the calls, with its own numbers.
    pub said: String,
    pub calls: Vec<Called>,
}

#[derive(Clone, Debug)]
pub struct Called {
    pub wanted: Wanted,
    /// What the model is told of it.
    pub result: String,
}

/// A call that a model asks for; nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The model's name for this call.
    pub id: String,
    pub tool: String,
    /// JSON, if the model does what it should.
    pub arguments: String,
}

/// An earlier question with its answer.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub question: String,
    pub answer: String,
    /// What tools did for the answer, a line each, with the ids of the documents.
    pub done: Vec<String>,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerPart {
    /// Markdown to append. A `[n]` in it refers to `passages[n - 1]`.
    Text(String),
    /// The exact place that supports what was just said: `start..end` in `char`s of `passages[passage].text`. It comes
    /// before the text with the `[n]` that stands for it.
    Support { passage: usize, start: u32, end: u32 },
    /// A call of a tool; they come after all text, and the turn is over with them.
    Call(Wanted),
    /// Counted by the provider, once, near the end.
    Usage { prompt_tokens: u32, completion_tokens: u32 },
}

/// Why an answer ended early, as a sentence for the reader.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AnswerError {
    pub message: String,
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

pub type AnswerStream = BoxStream<'static, Result<AnswerPart, AnswerError>>;

/// A model, or the built-in extractive answerer. Dropping the stream cancels the work upstream.
#[async_trait]
pub trait Answerer: std::fmt::Debug + Send + Sync {
    /// What the answer is signed with: the model's name, or `extractive`.
    fn model(&self) -> &str;
    async fn answer(&self, request: AnswerRequest) -> Result<AnswerStream, AnswerError>;
}
