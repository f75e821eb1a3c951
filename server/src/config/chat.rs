//! Which model writes the answers.

use super::reader::Reader;
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

const OPENROUTER: &str = "https://openrouter.ai/api/v1";
/// OpenRouter's own router: it picks a model for each question.
const OPENROUTER_MODEL: &str = "openrouter/auto";

#[derive(Clone, Debug)]
pub enum Chat {
    /// The built-in answerer that picks sentences; needs nothing.
    Extractive,
    Model(ChatModel),
}

/// A model behind an OpenAI-compatible URL.
#[derive(Clone, Debug)]
pub struct ChatModel {
    /// Without a trailing slash; `/chat/completions` is appended.
    pub base_url: Url,
    /// A model server on one's own machine often wants none.
    pub api_key: Option<SecretString>,
    pub model: String,
    /// How long it may take to begin an answer. Models that think first, or that run on one's own machine, need it long.
    pub first_token: Duration,
    /// How long it may pause in an answer.
    pub idle: Duration,
}

impl Chat {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let api_key = reader.secret("LLM_API_KEY").or_else(|| reader.secret("OPENROUTER_API_KEY"));
        let own_url = reader.text("LLM_BASE_URL").is_some();
        if api_key.is_none() && !own_url {
            if reader.text("LLM_MODEL").is_some() {
                reader.missing("LLM_API_KEY", "LLM_MODEL is set, but there is no key to use it with");
                return None;
            }
            return Some(Self::Extractive);
        }
        let base_url = if own_url { reader.url("LLM_BASE_URL")? } else { Url::parse(OPENROUTER).ok()? };
        let model = match reader.text("LLM_MODEL") {
            Some(model) => model,
            None if !own_url => OPENROUTER_MODEL.to_owned(),
            None => {
                reader.missing("LLM_MODEL", "LLM_BASE_URL is set, so the model must be named");
                return None;
            }
        };
        let first_token = Duration::from_secs(reader.number("LLM_FIRST_TOKEN_SECONDS", 120, 1..=3600));
        let idle = Duration::from_secs(reader.number("LLM_IDLE_SECONDS", 45, 1..=3600));
        Some(Self::Model(ChatModel { base_url, api_key, model, first_token, idle }))
    }
}

/// The model that reads pictures: at the address and with the key of the chat's, which must be a model's.
pub(super) fn read_vision(reader: &Reader<'_>, chat: Option<&Chat>) -> Option<ChatModel> {
    let model = reader.text("VISION_MODEL")?;
    match chat {
        Some(Chat::Model(chat)) => Some(ChatModel { model, ..chat.clone() }),
        // Without a place to send pictures to, nobody reads them.
        Some(Chat::Extractive) | None => None,
    }
}
