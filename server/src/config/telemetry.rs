//! Figures for Prometheus, and traces for an OpenTelemetry collector by the standard's own variables.

use super::reader::Reader;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use std::net::SocketAddr;
use url::Url;

#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where `/metrics` is served; nowhere when absent.
    pub metrics: Option<SocketAddr>,
    /// Off when absent.
    pub traces: Option<Traces>,
}

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Of a collector that takes OTLP over HTTP; `/v1/traces` is appended.
    pub endpoint: Url,
    /// Sent with each batch; the values are keys, as a rule.
    pub headers: Vec<(HeaderName, SecretString)>,
    /// What the traces are signed with.
    pub service: String,
    pub sampler: Sampler,
}

/// Which requests and jobs are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Of those that nobody else has decided about, from 0 to 1.
    pub share: f64,
    /// Whether what a trusted proxy has decided holds.
    pub parent_based: bool,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader<'_>, site: Option<SocketAddr>) -> Self {
        let metrics = match reader.text("METRICS_ADDR").map(|text| text.parse::<SocketAddr>()) {
            None => None,
            // The port that any stranger reaches is the site's.
            Some(Ok(addr)) if addr.port() != 0 && site.is_some_and(|site| site.port() == addr.port()) => {
                reader.mistake("METRICS_ADDR", "use another port than LEPTOS_SITE_ADDR does");
                None
            }
            Some(Ok(addr)) => Some(addr),
            Some(Err(_)) => {
                reader.mistake("METRICS_ADDR", "use an address and a port such as 0.0.0.0:9464");
                None
            }
        };
        Self { metrics, traces: Traces::read(reader) }
    }
}

impl Traces {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let headers = read_headers(reader);
        let service = reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "atelier".to_owned());
        let sampler = Sampler::read(reader);
        let endpoint = reader.text("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        match check_endpoint(&endpoint) {
            Ok(endpoint) => Some(Self { endpoint, headers, service, sampler }),
            Err(fix) => {
                reader.mistake("OTEL_EXPORTER_OTLP_ENDPOINT", fix);
                None
            }
        }
    }
}

/// A collector beside us is reached by http as a rule: what it is told holds no secret but the headers.
fn check_endpoint(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "use a whole URL such as http://collector:4318")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out of the URL; put keys into OTEL_EXPORTER_OTLP_HEADERS");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("leave out what follows `?` or `#`");
    }
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(_)) => Ok(url),
        _ => Err("use a URL that begins with http:// or https://"),
    }
}

/// `name=value,name=value`, the values percent-encoded.
fn read_headers(reader: &mut Reader<'_>) -> Vec<(HeaderName, SecretString)> {
    let text = reader.text("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let headers: Option<Vec<_>> = parts.map(header).collect();
    headers.unwrap_or_else(|| {
        reader.mistake(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "use name=value, separated by commas, the values percent-encoded, as in authorization=Bearer%20key",
        );
        Vec::new()
    })
}

fn header(part: &str) -> Option<(HeaderName, SecretString)> {
    let (name, value) = part.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    HeaderValue::from_str(&value).ok()?;
    Some((name.trim().parse().ok()?, SecretString::from(value.into_owned())))
}

impl Sampler {
    fn read(reader: &mut Reader<'_>) -> Self {
        let argument = reader.parse_or("OTEL_TRACES_SAMPLER_ARG", 1.0, "use a share from 0 to 1");
        let share = if (0.0..=1.0).contains(&argument) {
            argument
        } else {
            reader.mistake("OTEL_TRACES_SAMPLER_ARG", "use a share from 0 to 1");
            1.0
        };
        let name = reader.text("OTEL_TRACES_SAMPLER");
        let (parent_based, share) = match name.as_deref() {
            None | Some("parentbased_always_on") => (true, 1.0),
            Some("parentbased_always_off") => (true, 0.0),
            Some("parentbased_traceidratio") => (true, share),
            Some("always_on") => (false, 1.0),
            Some("always_off") => (false, 0.0),
            Some("traceidratio") => (false, share),
            Some(_) => {
                reader.mistake(
                    "OTEL_TRACES_SAMPLER",
                    "use always_on, always_off or traceidratio, or one of these with parentbased_ before it",
                );
                (true, 1.0)
            }
        };
        Self { share, parent_based }
    }
}
