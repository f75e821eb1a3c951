//! Reading a provider's list of models. Beside `id` no two providers tell the same, so all else is looked for under the
//! names that OpenRouter, Mistral, Groq, Together and vLLM give it.

use domain::models::{ModelName, Prices};
use serde_json::Value;

/// Models of one list that are read.
const MAX_MODELS: usize = 500;
/// Where the size of the context window stands.
const WINDOWS: [&str; 4] = ["context_length", "context_window", "max_context_length", "max_model_len"];
/// Parts of the names of models that write no answers. The longest that a part begins with counts too: `embedding`,
/// `reranker`, `transcribe`.
const OTHERS: [&str; 13] = [
    "embed",
    "whisper",
    "tts",
    "moderation",
    "rerank",
    "transcri",
    "realtime",
    "dall",
    "image",
    "sora",
    "guard",
    "ocr",
    "bge",
];

/// A model of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: ModelName,
    pub context_tokens: Option<u32>,
    pub prices: Option<Prices>,
    /// Whether it is one that answers questions, as far as can be told.
    pub answers: bool,
}

/// Reads `{"data": […]}` or a bare array, up to 500 models; what has no usable name is left out.
///
/// # Errors
/// When it is neither.
pub fn parse(body: &[u8]) -> Result<Vec<Listed>, Box<dyn std::error::Error + Send + Sync>> {
    let value: Value = serde_json::from_slice(body)?;
    let models = value.get("data").unwrap_or(&value).as_array().ok_or("it is no list of models")?;
    Ok(models.iter().filter_map(listed).take(MAX_MODELS).collect())
}

fn listed(model: &Value) -> Option<Listed> {
    let name = ModelName::parse("id", model.get("id")?.as_str()?).ok()?;
    let window = WINDOWS.iter().find_map(|field| model.get(field)?.as_u64()).filter(|tokens| *tokens > 0);
    Some(Listed {
        context_tokens: window.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX)),
        prices: prices(model),
        answers: answers(&name, model),
        name,
    })
}

/// OpenRouter's `pricing`, in dollars for one token. A price below zero there means that it depends.
fn prices(model: &Value) -> Option<Prices> {
    let price = |field: &str| {
        let dollars: f64 = model.get("pricing")?.get(field)?.as_str()?.parse().ok()?;
        Prices::per_million(dollars * 1e6)
    };
    Some(Prices { prompt: price("prompt")?, completion: price("completion")? })
}

fn answers(name: &ModelName, model: &Value) -> bool {
    let writes_text = model
        .pointer("/architecture/output_modalities")
        .and_then(Value::as_array)
        .is_none_or(|outputs| outputs.iter().any(|output| output == "text"));
    let name = name.as_str().to_ascii_lowercase();
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    writes_text && !parts.any(|part| OTHERS.iter().any(|other| part.starts_with(other)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(model: Value) -> Listed {
        parse(json!({ "data": [model] }).to_string().as_bytes()).unwrap().pop().unwrap()
    }

    #[test]
    fn windows_and_prices_are_read_where_they_are_told() {
        let told = one(json!({
            "id": "openai/gpt-4o", "context_length": 128_000,
            "pricing": { "prompt": "0.0000025", "completion": "0.00001", "image": "0.003" },
            "architecture": { "output_modalities": ["text"] },
        }));
        assert_eq!(told.context_tokens, Some(128_000));
        assert_eq!(told.prices, Some(Prices { prompt: 2_500_000, completion: 10_000_000 }));
        assert!(told.answers);
        assert_eq!(one(json!({ "id": "m", "context_window": 8192 })).context_tokens, Some(8192));
        let auto = one(json!({ "id": "openrouter/auto", "pricing": { "prompt": "-1", "completion": "-1" } }));
        assert_eq!((auto.prices, auto.context_tokens), (None, None));
        assert_eq!(one(json!({ "id": "m", "context_length": "long", "pricing": [1] })).prices, None);
    }

    #[test]
    fn what_writes_no_answers_is_told_from_what_does() {
        for name in [
            "text-embedding-3-large",
            "nomic-embed-text",
            "whisper-1",
            "gpt-4o-mini-tts",
            "tts-1-hd",
            "omni-moderation-latest",
            "rerank-english-v3",
            "gpt-4o-transcribe",
            "gpt-4o-realtime-preview",
            "dall-e-3",
            "gpt-image-1",
            "meta/llama-guard-4",
        ] {
            assert!(!one(json!({ "id": name })).answers, "{name}");
        }
        for name in ["gpt-4o", "openai/gpt-5-mini", "anthropic/claude-sonnet-4", "llama3:8b", "mistral-large", "o3"] {
            assert!(one(json!({ "id": name })).answers, "{name}");
        }
        assert!(!one(json!({ "id": "paints", "architecture": { "output_modalities": ["image"] } })).answers);
    }

    #[test]
    fn a_list_is_an_object_or_an_array_and_nothing_else_breaks_it() {
        assert_eq!(parse(br#"[{"id":"a"},{"id":"b c"},{"id":7},null,{"name":"x"}]"#).unwrap().len(), 1);
        let many: Vec<Value> = (0..2_000).map(|number| json!({ "id": format!("m{number}") })).collect();
        assert_eq!(parse(json!({ "data": many }).to_string().as_bytes()).unwrap().len(), MAX_MODELS);
        for bad in ["", "{}", "\"a\"", "{\"data\": {}}", "<html>"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
