//! Which models can be chosen, what they cost, and how much they take.

use super::{chat::Chat, reader::Reader};
use domain::models::{ModelName, Prices};
use std::collections::BTreeMap;

/// What the models of today take, and more than the smallest.
const CONTEXT: u64 = 128_000;

#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// The one that answers where none is chosen; none with the built-in answerer.
    pub default: Option<ModelName>,
    /// Only these can be chosen beside the default; empty means all that the provider lists.
    pub allowed: Vec<ModelName>,
    /// They win over those that the provider lists.
    pub prices: BTreeMap<ModelName, Prices>,
    /// Of models whose window the provider does not list, in tokens.
    pub context_tokens: u32,
}

impl ModelOptions {
    pub(super) fn read(reader: &mut Reader<'_>, chat: Option<&Chat>) -> Self {
        let default = match chat {
            Some(Chat::Model(model)) => ModelName::parse("LLM_MODEL", &model.model).ok().or_else(|| {
                reader.mistake("LLM_MODEL", "use the model's name as its provider has it, without spaces");
                None
            }),
            Some(Chat::Extractive) | None => None,
        };
        let context_tokens = reader.number("CHAT_CONTEXT", CONTEXT, 1_000..=100_000_000);
        Self {
            default,
            allowed: list(reader, "CHAT_MODELS", "list models' names with commas between them", |name| {
                ModelName::parse("CHAT_MODELS", name).ok()
            }),
            prices: list(reader, "CHAT_PRICES", "use name=prompt/completion in US dollars for a million tokens, such as gpt-4o=2.5/10, with commas between", priced)
                .into_iter()
                .collect(),
            context_tokens: u32::try_from(context_tokens).unwrap_or(u32::MAX),
        }
    }
}

/// The parts between commas, or none and a mistake that says `fix` when one of them is wrong.
fn list<T>(reader: &mut Reader<'_>, name: &'static str, fix: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let text = reader.text(name).unwrap_or_default();
    let parts: Option<Vec<T>> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect();
    parts.unwrap_or_else(|| {
        reader.mistake(name, fix);
        Vec::new()
    })
}

fn priced(part: &str) -> Option<(ModelName, Prices)> {
    let (name, prices) = part.split_once('=')?;
    let (prompt, completion) = prices.split_once('/')?;
    let price = |dollars: &str| Prices::per_million(dollars.trim().parse().ok()?);
    let prices = Prices { prompt: price(prompt)?, completion: price(completion)? };
    Some((ModelName::parse("CHAT_PRICES", name).ok()?, prices))
}
