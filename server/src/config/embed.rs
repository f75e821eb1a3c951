//! Which model turns text into vectors.

use super::reader::Reader;
use secrecy::SecretString;
use std::path::PathBuf;
use url::Url;

#[derive(Clone, Debug)]
pub enum Embed {
    /// all-MiniLM-L6-v2, fetched once.
    Local,
    /// A folder with `model.safetensors`, `tokenizer.json` and `config.json` of a BERT-like model.
    Folder(PathBuf),
    Remote(RemoteModel),
}

/// A model behind an OpenAI-compatible URL.
#[derive(Clone, Debug)]
pub struct RemoteModel {
    pub base_url: Url,
    pub api_key: Option<SecretString>,
    pub model: String,
    pub dimensions: u32,
}

impl Embed {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let folder = reader.text("EMBEDDING_MODEL_DIR").map(PathBuf::from);
        if reader.text("EMBEDDING_BASE_URL").is_none() {
            for name in ["EMBEDDING_API_KEY", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS"] {
                if reader.text(name).is_some() {
                    reader.mistake(name, "set EMBEDDING_BASE_URL too, or unset this");
                }
            }
            return Some(folder.map_or(Self::Local, Self::Folder));
        }
        if folder.is_some() {
            reader.mistake("EMBEDDING_MODEL_DIR", "set either this or EMBEDDING_BASE_URL, not both");
            return None;
        }
        let model = reader.text("EMBEDDING_MODEL");
        if model.is_none() {
            reader.missing("EMBEDDING_MODEL", "EMBEDDING_BASE_URL is set, so the model must be named");
        }
        if reader.text("EMBEDDING_DIMENSIONS").is_none() {
            reader.missing("EMBEDDING_DIMENSIONS", "EMBEDDING_BASE_URL is set, so the length of its vectors is needed");
        }
        // pgvector indexes at most 2,000 dimensions of `vector` and 4,000 of `halfvec`.
        let dimensions = u32::try_from(reader.number("EMBEDDING_DIMENSIONS", 384, 1..=4000)).unwrap_or(384);
        Some(Self::Remote(RemoteModel {
            base_url: reader.url("EMBEDDING_BASE_URL")?,
            api_key: reader.secret("EMBEDDING_API_KEY"),
            model: model?,
            dimensions,
        }))
    }
}
