//! Pages of the public web, fetched because somebody asked for them. Whoever can have a server fetch an address can ask
//! it for what only the server reaches: so every address is checked when it is connected to, also those that a page leads
//! on to, and nothing is read without an end.

mod address;
mod failure;
mod network;
mod page;
#[cfg(test)]
pub(crate) mod sites;
#[cfg(test)]
mod tests;

pub use failure::FetchError;
pub use network::{Network, PublicWeb};
pub use page::WebPage;

use crate::fault::Fault;
use network::CheckedNames;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, LOCATION},
    redirect::Policy,
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use url::{Host, Url};

/// Tells the other side who asks, and where to read what that is.
const USER_AGENT: &str = concat!(
    "Atelier/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    "; fetches a page that a person asked for)"
);

/// What is read best comes first.
const ACCEPTED: &str = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.8,*/*;q=0.5";

/// Bytes of a page, however large uploads may be.
const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// How often a page may lead on to another address.
const MAX_REDIRECTS: usize = 5;

/// What a page may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// From the first question to the last byte.
    pub total: Duration,
    /// Unpacked.
    pub max_bytes: u64,
    /// Pages that are fetched at once. A slow site holds a place for as long as `total`, and again with each try: files, and
    /// other people's work, must not wait for it.
    pub pages: usize,
}

impl Limits {
    pub fn new(max_upload_bytes: u64) -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            total: Duration::from_secs(60),
            max_bytes: max_upload_bytes.min(MAX_BYTES),
            pages: 2,
        }
    }
}

/// Fetches pages. Keeps no connection, no cookie and nothing else from one page to the next.
#[derive(Clone, Debug)]
pub struct Fetcher {
    network: Arc<dyn Network>,
    client: Client,
    limits: Limits,
    places: Arc<Semaphore>,
}

impl Fetcher {
    /// For pages of the public web.
    ///
    /// # Errors
    /// When there can be no TLS.
    pub fn new(limits: Limits) -> Result<Self, Fault> {
        Self::on(Arc::new(PublicWeb), limits)
    }

    fn on(network: Arc<dyn Network>, limits: Limits) -> Result<Self, Fault> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .dns_resolver(Arc::new(CheckedNames(network.clone())))
            // A proxy would resolve names by itself, and connect to what it likes.
            .no_proxy()
            // Followed here, where each address is looked at.
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            .build()
            .map_err(Fault::while_doing("make the client for web pages"))?;
        let places = Arc::new(Semaphore::new(limits.pages));
        Ok(Self { network, client, limits, places })
    }

    /// Room to fetch a page, which is given back when it is dropped; none while others have it.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// The address, if there can be a page of the public web at it. Whether a name leads to one is seen when it is
    /// connected to.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn check(&self, address: &str) -> Result<Url, FetchError> {
        let url = Url::parse(address).map_err(|_| FetchError::NoAddress)?;
        self.check_url(&url)?;
        Ok(url)
    }

    fn check_url(&self, url: &Url) -> Result<(), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::NoAddress);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        // A literal address is resolved by nobody, so it is checked here.
        let literal = match url.host() {
            None => return Err(FetchError::NoAddress),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        };
        if literal.is_some_and(|address| !self.network.allows(address)) {
            return Err(FetchError::NotPublic(host_of(url)));
        }
        match url.port_or_known_default() {
            Some(port) if self.network.allows_port(port) => Ok(()),
            _ => Err(FetchError::Port),
        }
    }

    /// Asks for the page, as far as its headers.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, address: &str) -> Result<WebPage, FetchError> {
        let deadline = Instant::now() + self.limits.total;
        let mut url = self.check(address)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&url, deadline).await?;
            match target(&url, &response)? {
                Some(next) => {
                    self.check_url(&next)?;
                    url = next;
                }
                None => return WebPage::begin(url, response, deadline, self.limits),
            }
        }
        Err(FetchError::Redirects)
    }

    async fn ask(&self, url: &Url, deadline: Instant) -> Result<Response, FetchError> {
        let request = self
            .client
            .get(url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_LANGUAGE, "en;q=0.9,*;q=0.5")
            .header(ACCEPT_ENCODING, "gzip");
        let host = host_of(url);
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(|_| FetchError::TimedOut(host.clone()))?
            .map_err(|error| explain(&error, &host))?;
        // Once more, whatever the client has done on the way.
        match response.remote_addr() {
            Some(address) if self.network.allows(address.ip()) => Ok(response),
            _ => Err(FetchError::NotPublic(host)),
        }
    }
}

/// Where the answer leads on to, if it does; without the fragment, which no server sees.
fn target(url: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let leads_on = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let status = response.status();
    if leads_on.contains(&status) {
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let mut next = location.and_then(|location| url.join(location).ok()).ok_or(FetchError::NoAddress)?;
        next.set_fragment(None);
        return Ok(Some(next));
    }
    if status.is_success() { Ok(None) } else { Err(FetchError::of_status(&host_of(url), status.as_u16())) }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The client wraps what the resolver has said.
fn explain(error: &reqwest::Error, host: &str) -> FetchError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<FetchError>() {
            return own.clone();
        }
        cause = inner.source();
    }
    tracing::debug!(?error, host, "a page could not be fetched");
    match error {
        error if error.is_timeout() => FetchError::TimedOut(host.to_owned()),
        error if error.is_connect() => FetchError::Unreachable(host.to_owned()),
        _ => FetchError::Broken(host.to_owned()),
    }
}
