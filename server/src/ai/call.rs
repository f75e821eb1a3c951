//! A call of a model, as figures and traces have it: which model, how long, how many tokens, how it ended. Never what was
//! asked or answered.

use crate::metrics::recorded::{self, CallOutcome, ModelLabels};
use std::{future::Future, time::Instant};
use tracing::{Instrument, Span, field::Empty};
use url::Url;

/// The provider of what runs in this process.
pub(super) const LOCAL: &str = "local";

/// What a model is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Answer,
    Embed,
    Rerank,
    See,
}

/// The host of an API; that is all that figures and traces say of it.
pub(super) fn provider(base_url: &Url) -> String {
    base_url.host_str().unwrap_or("unknown").to_owned()
}

/// A call that is under way. Dropped before its end, it was cancelled.
#[derive(Debug)]
pub(super) struct Call {
    labels: ModelLabels,
    begun: Instant,
    span: Span,
    has_begun_to_answer: bool,
    outcome: CallOutcome,
}

impl Call {
    pub fn begin(purpose: Purpose, provider: &str, model: &str) -> Self {
        let kind = match purpose {
            Purpose::Answer => "answer",
            Purpose::Embed => "embed",
            Purpose::Rerank => "rerank",
            Purpose::See => "see",
        };
        let span = tracing::info_span!(
            "model call",
            otel.kind = "client",
            otel.status_code = Empty,
            kind,
            provider,
            model,
            outcome = Empty,
            prompt_tokens = Empty,
            completion_tokens = Empty
        );
        Self {
            labels: recorded::model_labels(kind, provider, model),
            begun: Instant::now(),
            span,
            has_begun_to_answer: false,
            outcome: CallOutcome::Cancelled,
        }
    }

    /// Waits for a call that ends with one result.
    pub async fn watch<T, E>(mut self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let result = self.within(work).await;
        self.outcome = if result.is_ok() { CallOutcome::Done } else { CallOutcome::Failed };
        result
    }

    /// Waits for a part of the call.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.span.clone()).await
    }

    /// Something of the answer is there.
    pub fn answers(&mut self) {
        if !self.has_begun_to_answer {
            self.has_begun_to_answer = true;
            recorded::first_token(&self.labels, self.begun.elapsed());
        }
    }

    pub fn count_tokens(&self, prompt: u32, completion: u32) {
        recorded::tokens(&self.labels, prompt, completion);
        self.span.record("prompt_tokens", prompt).record("completion_tokens", completion);
    }

    pub fn fail(&mut self) {
        self.outcome = CallOutcome::Failed;
    }

    /// The answer has come to its end.
    pub fn end(mut self) {
        if self.outcome == CallOutcome::Cancelled {
            self.outcome = CallOutcome::Done;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        recorded::model_call(&self.labels, self.outcome, self.begun.elapsed());
        self.span.record("outcome", self.outcome.as_str());
        if self.outcome == CallOutcome::Failed {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
