//! Language models: which can be chosen, what they cost, and how much they take.

use crate::{ConversationId, Error, FieldError, text::string_conversions};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A model's name at its provider, such as `openai/gpt-4o` or `llama3:8b`: 1 to 200 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

impl ModelName {
    pub const MAX_CHARS: usize = 200;

    /// # Errors
    /// A [`FieldError`] for `field` when the text is empty, too long, or holds anything but visible ASCII.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldError::new(field, "Name a model."));
        }
        if text.len() > Self::MAX_CHARS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FieldError::new(field, "That is no model's name. Choose one of the list."));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_conversions! { ModelName "model"; }

/// US dollars in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct MicroDollars(pub u64);

impl fmt::Display for MicroDollars {
    /// Cents and above with two digits, less with as many as it takes to see something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("$0"),
            1..100 => f.write_str("under $0.0001"),
            100..10_000 => {
                let ten_thousandths = (self.0 + 50) / 100;
                write!(f, "$0.{ten_thousandths:04}")
            }
            _ => {
                let cents = (self.0 + 5_000) / 10_000;
                write!(f, "${}.{:02}", cents / 100, cents % 100)
            }
        }
    }
}

/// What a model costs, in millionths of a dollar for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prices {
    pub prompt: u64,
    pub completion: u64,
}

impl Prices {
    /// Of a number of US dollars for a million tokens; `None` when it is no price.
    pub fn per_million(dollars: f64) -> Option<u64> {
        // A thousand times what the dearest model costs.
        (0.0..=1_000_000.0).contains(&dollars).then_some((dollars * 1e6).round() as u64)
    }

    /// Rounded to the nearest millionth of a dollar.
    pub fn cost(self, prompt_tokens: u32, completion_tokens: u32) -> MicroDollars {
        let sum = u128::from(self.prompt) * u128::from(prompt_tokens)
            + u128::from(self.completion) * u128::from(completion_tokens);
        MicroDollars(u64::try_from((sum + 500_000) / 1_000_000).unwrap_or(u64::MAX))
    }
}

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Model {
    pub name: ModelName,
    /// Tokens that fit into one request with its answer.
    pub context_tokens: u32,
    /// None where nobody has told them.
    #[serde(default)]
    pub prices: Option<Prices>,
}

/// The models that answer questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Models {
    /// The one that answers where none is chosen; none with the built-in answerer.
    #[serde(default)]
    pub default: Option<ModelName>,
    /// By name; the default is among them. Empty with the built-in answerer.
    pub models: Vec<Model>,
}

impl Models {
    pub fn find(&self, name: &ModelName) -> Option<&Model> {
        self.models.iter().find(|model| model.name == *name)
    }
}

/// What a conversation's next question goes to, and what its answers have cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationModel {
    /// None: the default.
    #[serde(default)]
    pub chosen: Option<ModelName>,
    pub spent: Spent,
    /// What the next question on the branch in view takes; none with the built-in answerer.
    #[serde(default)]
    pub context: Option<ContextUse>,
}

/// All answers of a conversation together, those on other branches too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spent {
    /// Read and written.
    pub tokens: u64,
    /// Of the answers whose price was known when they were made.
    #[serde(default)]
    pub cost: Option<MicroDollars>,
}

/// An estimate: four characters count as a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextUse {
    /// Instructions, brief, earlier turns, and passages at their longest.
    pub used_tokens: u32,
    /// What the model takes.
    pub window_tokens: u32,
}

impl ContextUse {
    /// 0 to 100.
    pub fn percent(self) -> u32 {
        let percent = u64::from(self.used_tokens) * 100 / u64::from(self.window_tokens.max(1));
        u32::try_from(percent.min(100)).unwrap_or(100)
    }
}

#[async_trait]
pub trait ChooseModel {
    /// Which models can be chosen. The provider's list is asked for every ten minutes; while the provider is away it stays
    /// what it was.
    async fn list_models(&self) -> Result<Models, Error>;
    async fn conversation_model(&self, id: ConversationId) -> Result<ConversationModel, Error>;
    /// From the next question on this model; none means the default. Needs
    /// [`Role::Member`](crate::workspaces::Role::Member), or to have begun the conversation.
    ///
    /// # Errors
    /// `Invalid` with field `model` when it is not in the list.
    async fn choose_model(&self, id: ConversationId, model: Option<ModelName>) -> Result<ConversationModel, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_visible_ascii() {
        for good in ["gpt-4o", "openai/gpt-4o", "llama3:8b", "@cf/meta/llama-3", &"m".repeat(200)] {
            assert!(ModelName::parse("model", good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a b", "a\nb", "caf\u{e9}", "\u{202e}x", &"m".repeat(201)] {
            assert!(ModelName::parse("model", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cost_is_exact_and_rounded_once() {
        let prices = Prices { prompt: 2_500_000, completion: 10_000_000 };
        assert_eq!(prices.cost(1_200, 34), MicroDollars(3_340));
        assert_eq!(Prices { prompt: 20_000, completion: 0 }.cost(74, 0), MicroDollars(1));
        assert_eq!(Prices { prompt: 20_000, completion: 0 }.cost(76, 0), MicroDollars(2));
        let dearest = Prices { prompt: 1_000_000_000_000, completion: 1_000_000_000_000 };
        assert_eq!(dearest.cost(u32::MAX, u32::MAX), MicroDollars(8_589_934_590_000_000));
        assert_eq!(Prices::per_million(0.15), Some(150_000));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Prices::per_million(bad), None, "{bad}");
        }
    }

    #[test]
    fn small_amounts_are_not_nothing() {
        for (amount, shown) in [
            (0, "$0"),
            (3, "under $0.0001"),
            (3_340, "$0.0033"),
            (9_999, "$0.0100"),
            (12_345, "$0.01"),
            (1_234_567, "$1.23"),
            (1_999_999_999, "$2000.00"),
        ] {
            assert_eq!(MicroDollars(amount).to_string(), shown);
        }
    }

    #[test]
    fn a_window_of_nothing_is_full() {
        assert_eq!(ContextUse { used_tokens: 10, window_tokens: 0 }.percent(), 100);
        assert_eq!(ContextUse { used_tokens: 4_500, window_tokens: 8_000 }.percent(), 56);
    }
}
