use super::{Answering, Content, Kind, Output, Tool};
use crate::{config, fault::Fault};
use async_trait::async_trait;
use domain::Error;
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::{fmt::Write as _, time::Duration};
use url::Url;
use utoipa::ToSchema;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);
const RESULTS: usize = 5;
/// Of an answer; five results have a hundredth.
const MAX_BYTES: usize = 1024 * 1024;
/// Characters of one result that the model is told.
const MAX_CHARS: usize = 2_000;
const MAX_QUERY: usize = 400;

/// Searches the web, by Tavily.
pub struct WebSearch {
    client: Client,
    url: Url,
    api_key: SecretString,
}

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// What to look for, at most 400 characters. Nothing confidential: it leaves the house.
    query: String,
}

impl WebSearch {
    /// # Errors
    /// [`Fault::Other`] when the HTTP client cannot be made.
    pub fn new(config: &config::tools::WebSearch) -> Result<Self, Fault> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect would carry the key to a place that nobody configured.
            .redirect(Policy::none())
            .build()
            .map_err(Fault::while_doing("make a client for web searches"))?;
        let url = format!("{}/search", config.base_url.as_str().trim_end_matches('/'));
        let url = url.parse().map_err(Fault::while_doing("read TAVILY_BASE_URL"))?;
        Ok(Self { client, url, api_key: config.api_key.clone() })
    }

    async fn ask(&self, query: &str) -> Result<Response, reqwest::Error> {
        let request = json!({ "query": query, "max_results": RESULTS, "search_depth": "basic" });
        self.client.post(self.url.clone()).bearer_auth(self.api_key.expose_secret()).json(&request).send().await
    }
}

#[async_trait]
impl Tool for WebSearch {
    const NAME: &'static str = "web_search";
    const LABEL: &'static str = "Search the web";
    const DESCRIPTION: &'static str = "Searches the public web; returns the addresses of some pages with what they say \
        about it. Only for what the team's documents cannot know.";
    const KIND: Kind = Kind::GoesOut;
    type Arguments = Arguments;

    async fn describe(&self, _: &Answering<'_>, Arguments { query }: &Arguments) -> Result<String, Error> {
        match query.trim().chars().count() {
            0 => Err(Error::invalid("query", "Say what to look for.")),
            1..=MAX_QUERY => Ok(Self::LABEL.to_owned()),
            _ => Err(Error::invalid("query", format!("Keep the query under {MAX_QUERY} characters."))),
        }
    }

    async fn run(&self, _: &Answering<'_>, Arguments { query }: Arguments) -> Result<Output, Error> {
        let response = self.ask(query.trim()).await.map_err(|error| away(&error))?;
        if !response.status().is_success() {
            return Err(refused(response.status()));
        }
        let body = body_of(response).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
            tracing::warn!(%error, "the web search sent something that is no answer");
            Error::unavailable("The web search sent something that is no answer.")
        })?;
        let results: Vec<Found> = answer.results.into_iter().take(RESULTS).collect();
        Ok(Output { summary: summary(&results), content: Content::Text(text(&results)) })
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    content: String,
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| away(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(Error::unavailable("The web search sent more than it should."));
        }
    }
    Ok(body)
}

fn away(error: &reqwest::Error) -> Error {
    tracing::warn!(%error, "the web search does not answer");
    Error::unavailable("The web search does not answer right now.")
}

fn refused(status: StatusCode) -> Error {
    tracing::warn!(%status, "the web search refused");
    Error::unavailable(match status.as_u16() {
        401 | 403 => "The web search does not accept the API key. An administrator should check TAVILY_API_KEY.",
        429 => "The web search is asked too often right now.",
        // The key's plan, or what was paid for beyond it.
        432 | 433 => "The plan for web searches is used up. An administrator should look after it.",
        _ => "The web search failed.",
    })
}

fn summary(results: &[Found]) -> String {
    let sites: Vec<String> =
        results.iter().filter_map(|found| Url::parse(&found.url).ok()?.host_str().map(str::to_owned)).collect();
    if sites.is_empty() { "Nothing was found.".to_owned() } else { format!("Found on {}.", sites.join(", ")) }
}

fn text(results: &[Found]) -> String {
    if results.is_empty() {
        return "Nothing was found.".to_owned();
    }
    let mut text = "Pages of the public web:\n".to_owned();
    for Found { title, url, content } in results {
        let content: String = content.chars().take(MAX_CHARS).collect();
        let _ = write!(text, "\n{title}\n{url}\n{content}\n");
    }
    text
}
