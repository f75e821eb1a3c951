//! What is logged, and how.

use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct Log {
    /// Directives as in `info,server=debug`.
    pub filter: String,
    pub format: LogFormat,
    /// Whether every request has a line; without, only those that failed on our side.
    pub access: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Libraries that speak of every connection or statement at `info`.
const DEFAULT_FILTER: &str =
    "info,sqlx::postgres::notice=warn,graphile_worker=warn,s3s=warn,s3s_fs=warn,aws_config=warn";

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let filter =
            reader.text("LOG").or_else(|| reader.text("RUST_LOG")).unwrap_or_else(|| DEFAULT_FILTER.to_owned());
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
            reader.mistake("LOG", format!("{error}; use directives such as info,server=debug"));
        }
        let default = if reader.production() { LogFormat::Json } else { LogFormat::Text };
        let format = match reader.text("ATELIER_LOG_FORMAT").as_deref() {
            None => default,
            Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some(_) => {
                reader.mistake("ATELIER_LOG_FORMAT", "use `json` or `text`");
                default
            }
        };
        let access = reader.parse_or("ATELIER_ACCESS_LOG", true, "use `true` or `false`");
        Self { filter, format, access }
    }
}
