//! A model with its tokenizer, loaded from the files that sentence-transformers writes.

use crate::model::{Config, Model, Weights};
use candle_core::Device;
use serde::Deserialize;
use std::{
    fmt,
    path::{Path, PathBuf},
};
use tokenizers::{Tokenizer, TruncationParams};

/// Turns text into vectors of unit length by the mean of its tokens' last hidden states.
pub struct Encoder {
    model: Model,
    tokenizer: Tokenizer,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("config", self.model.config()).finish_non_exhaustive()
    }
}

/// Why a folder holds no usable model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("{} is not what a BERT-like sentence-transformer has: {cause}", path.display())]
    Format { path: PathBuf, cause: Box<dyn std::error::Error + Send + Sync> },
}

/// `sentence_bert_config.json`.
#[derive(Deserialize)]
struct Limits {
    max_seq_length: usize,
}

/// `1_Pooling/config.json`.
#[derive(Deserialize)]
struct Pooling {
    pooling_mode_mean_tokens: bool,
}

impl Config {
    /// Reads the folder's `config.json`, and refuses what the forward pass does not do.
    ///
    /// # Errors
    /// When it is missing, malformed, not of the BERT family, or pooled in another way than by the mean.
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join("config.json");
        let config: Self = parse(&path)?;
        let refuse = |path: &Path, cause: String| Err(LoadError::Format { path: path.to_owned(), cause: cause.into() });
        if config.model_type != "bert" {
            return refuse(&path, format!("the model type is {}, not bert", config.model_type));
        }
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return refuse(&path, "the hidden size is no multiple of the number of attention heads".to_owned());
        }
        let path = folder.join("1_Pooling/config.json");
        if path.exists() && !parse::<Pooling>(&path)?.pooling_mode_mean_tokens {
            return refuse(&path, "only models that pool by the mean of the tokens are supported".to_owned());
        }
        Ok(config)
    }
}

impl Encoder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors`, and `sentence_bert_config.json` if there is one.
    /// Takes about half a second for 90 MB of weights.
    ///
    /// # Errors
    /// When one of them is missing or does not fit.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let config = Config::read(folder)?;
        let limits = folder.join("sentence_bert_config.json");
        let max_tokens =
            if limits.exists() { parse::<Limits>(&limits)?.max_seq_length } else { config.max_position_embeddings };
        let max_length = max_tokens.min(config.max_position_embeddings);

        let path = folder.join("tokenizer.json");
        let mut tokenizer =
            Tokenizer::from_file(&path).map_err(|cause| LoadError::Format { path: path.clone(), cause })?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length, ..TruncationParams::default() }))
            .map_err(|cause| LoadError::Format { path, cause })?;

        let path = folder.join("model.safetensors");
        let read = || Model::load(config, &Weights(candle_core::safetensors::load(&path, &Device::Cpu)?));
        let model = read().map_err(|cause| LoadError::Format { path: path.clone(), cause: cause.into() })?;
        Ok(Self { model, tokenizer })
    }

    pub(crate) fn config(&self) -> &Config {
        self.model.config()
    }

    /// Length of each vector.
    pub fn dimensions(&self) -> usize {
        self.model.config().hidden_size
    }

    /// The ids of a text's tokens with the special ones around them, cut at the model's limit.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn tokenize(&self, text: &str) -> Result<Vec<u32>, tokenizers::Error> {
        Ok(self.tokenizer.encode(text, true)?.get_ids().to_vec())
    }

    /// One vector of unit length for each sequence of token ids, in order. Call it in
    /// [`on_one_thread`](crate::on_one_thread). The sum of the lengths decides the memory: 30 kB a token.
    ///
    /// # Errors
    /// When an id is not in the vocabulary or a sequence is longer than the model allows.
    pub fn embed(&self, sequences: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut vectors = self.model.forward(sequences)?;
        for vector in &mut vectors {
            let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            vector.iter_mut().for_each(|x| *x /= norm);
        }
        Ok(vectors)
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    let text = std::fs::read_to_string(path).map_err(|cause| LoadError::Read { path: path.to_owned(), cause })?;
    serde_json::from_str(&text).map_err(|cause| LoadError::Format { path: path.to_owned(), cause: cause.into() })
}
