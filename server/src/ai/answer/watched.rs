//! An answerer whose calls are counted and traced.

use super::{AnswerError, AnswerPart, AnswerRequest, AnswerStream, Answerer};
use crate::ai::call::{Call, Purpose};
use async_trait::async_trait;
use domain::models::ModelName;
use futures::StreamExt;

#[derive(Debug)]
pub(super) struct Watched<A> {
    answerer: A,
    provider: String,
}

impl<A> Watched<A> {
    pub fn new(answerer: A, provider: String) -> Self {
        Self { answerer, provider }
    }
}

#[async_trait]
impl<A: Answerer> Answerer for Watched<A> {
    fn model(&self) -> &str {
        self.answerer.model()
    }

    async fn answer(&self, request: AnswerRequest) -> Result<AnswerStream, AnswerError> {
        let model = request.model.as_ref().map_or(self.answerer.model(), ModelName::as_str);
        let mut call = Call::begin(Purpose::Answer, &self.provider, model);
        match call.within(self.answerer.answer(request)).await {
            Ok(parts) => Ok(watch(parts, call)),
            Err(error) => {
                call.fail();
                Err(error)
            }
        }
    }
}

fn watch(mut parts: AnswerStream, mut call: Call) -> AnswerStream {
    async_stream::stream! {
        while let Some(part) = parts.next().await {
            match &part {
                Ok(AnswerPart::Text(_) | AnswerPart::Call(_)) => call.answers(),
                Ok(AnswerPart::Usage { prompt_tokens, completion_tokens }) => {
                    call.count_tokens(*prompt_tokens, *completion_tokens);
                }
                Ok(AnswerPart::Support { .. }) => {}
                Err(_) => call.fail(),
            }
            yield part;
        }
        call.end();
    }
    .boxed()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{ai::answer::Tooling, metrics::recorded};
    use futures::stream;

    /// Says these parts, and then nothing more, for ever if it is to hang.
    #[derive(Debug)]
    struct Says {
        model: &'static str,
        fails: bool,
        hangs: bool,
    }

    #[async_trait]
    impl Answerer for Says {
        fn model(&self) -> &str {
            self.model
        }

        async fn answer(&self, _: AnswerRequest) -> Result<AnswerStream, AnswerError> {
            let mut parts = vec![
                Ok(AnswerPart::Text("Amber".to_owned())),
                Ok(AnswerPart::Usage { prompt_tokens: 11, completion_tokens: 3 }),
            ];
            if self.fails {
                parts.push(Err(AnswerError { message: "It broke off.".to_owned(), cause: None }));
            }
            let parts = stream::iter(parts);
            Ok(if self.hangs { parts.chain(stream::pending()).boxed() } else { parts.boxed() })
        }
    }

    async fn ask(model: &'static str, fails: bool, hangs: bool) -> AnswerStream {
        let request = AnswerRequest {
            question: "What is amber, by zimtstern?".to_owned(),
            model: None,
            history: Vec::new(),
            brief: Default::default(),
            passages: Vec::new(),
            passage_chars: 0,
            attached: Default::default(),
            tools: Tooling::default(),
        };
        Watched::new(Says { model, fails, hangs }, "api.example.com".to_owned()).answer(request).await.unwrap()
    }

    #[tokio::test]
    async fn every_end_of_an_answer_is_counted_and_nothing_of_its_text() {
        assert_eq!(ask("watched-whole", false, false).await.count().await, 2);
        assert_eq!(ask("watched-broken", true, false).await.count().await, 3);
        let mut left = ask("watched-left", false, true).await;
        assert!(left.next().await.is_some());
        drop(left);

        let figures = recorded::text();
        for (model, outcome) in [("watched-whole", "done"), ("watched-broken", "failed"), ("watched-left", "cancelled")]
        {
            let labels = format!("kind=\"answer\",provider=\"api.example.com\",model=\"{model}\"");
            for line in [
                format!("atelier_model_calls_total{{{labels},outcome=\"{outcome}\"}} 1"),
                format!("atelier_model_first_token_seconds_count{{{labels}}} 1"),
            ] {
                assert!(figures.lines().any(|found| found == line), "{line}\n{figures}");
            }
        }
        for line in [
            "atelier_model_tokens_total{provider=\"api.example.com\",model=\"watched-whole\",direction=\"in\"} 11",
            "atelier_model_tokens_total{provider=\"api.example.com\",model=\"watched-whole\",direction=\"out\"} 3",
        ] {
            assert!(figures.lines().any(|found| found == line), "{line}\n{figures}");
        }
        assert!(!figures.contains("Amber") && !figures.contains("zimtstern"));
    }
}
