//! Which model, if any, reads the best passages again with the query and puts them in its own order.

use super::reader::Reader;
use secrecy::SecretString;
use url::Url;

/// A model behind a `/rerank` as Cohere, Jina, Voyage and local servers have it.
#[derive(Clone, Debug)]
pub struct Rerank {
    pub base_url: Url,
    pub api_key: Option<SecretString>,
    pub model: String,
}

impl Rerank {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.text("RERANK_BASE_URL").is_none() {
            for name in ["RERANK_API_KEY", "RERANK_MODEL"] {
                if reader.text(name).is_some() {
                    reader.mistake(name, "set RERANK_BASE_URL too, or unset this");
                }
            }
            return None;
        }
        let model = reader.text("RERANK_MODEL");
        if model.is_none() {
            reader.missing("RERANK_MODEL", "RERANK_BASE_URL is set, so the model must be named");
        }
        Some(Self { base_url: reader.url("RERANK_BASE_URL")?, api_key: reader.secret("RERANK_API_KEY"), model: model? })
    }
}
