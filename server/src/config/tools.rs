//! What models may call while they answer.

use super::reader::Reader;
use secrecy::SecretString;
use url::Url;

const TAVILY: &str = "https://api.tavily.com";

#[derive(Clone, Debug)]
pub struct Tools {
    /// Turns of the model in one answer that may call tools; after them it must answer without.
    pub max_iterations: usize,
    /// Off when absent.
    pub web_search: Option<WebSearch>,
}

/// Tavily's API.
#[derive(Clone, Debug)]
pub struct WebSearch {
    /// `/search` is appended.
    pub base_url: Url,
    pub api_key: SecretString,
}

impl Tools {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let max_iterations = reader.number("CHAT_MAX_ITERATIONS", 8, 1..=50);
        Self { max_iterations: usize::try_from(max_iterations).unwrap_or(8), web_search: WebSearch::read(reader) }
    }
}

impl WebSearch {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let own_url = reader.text("TAVILY_BASE_URL").is_some();
        let Some(api_key) = reader.secret("TAVILY_API_KEY") else {
            if own_url {
                reader.missing("TAVILY_API_KEY", "TAVILY_BASE_URL is set, but there is no key to use it with");
            }
            return None;
        };
        let base_url = if own_url { reader.url("TAVILY_BASE_URL")? } else { Url::parse(TAVILY).ok()? };
        Some(Self { base_url, api_key })
    }
}
