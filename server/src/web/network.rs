//! The names and addresses that a fetch meets on its way.

use super::{address, failure::FetchError};
use async_trait::async_trait;
use axum::BoxError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// What a fetcher asks before it connects to anything. Outside of tests there is [`PublicWeb`] alone.
#[async_trait]
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a host.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
    fn allows(&self, address: IpAddr) -> bool;
    fn allows_port(&self, port: u16) -> bool;
}

/// The public internet, by the names that the machine's resolver knows.
#[derive(Clone, Copy, Debug)]
pub struct PublicWeb;

#[async_trait]
impl Network for PublicWeb {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }

    fn allows(&self, address: IpAddr) -> bool {
        address::is_public(address)
    }

    fn allows_port(&self, port: u16) -> bool {
        matches!(port, 80 | 443)
    }
}

/// The HTTP client's way to names: what it connects to is what was checked here, for it resolves nothing by itself. One
/// address that is not public condemns the name: whoever mixes them has something in mind.
#[derive(Clone, Debug)]
pub(super) struct CheckedNames(pub Arc<dyn Network>);

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let network = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = network.resolve(host).await.map_err(|error| unresolved(host, &error))?;
            if found.is_empty() {
                return Err(BoxError::from(FetchError::Unresolved(host.to_owned())));
            }
            if !found.iter().all(|address| network.allows(*address)) {
                return Err(BoxError::from(FetchError::NotPublic(host.to_owned())));
            }
            // Port 0 stands for that of the address.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// That a name does not exist is for good; that no resolver answers is not. The library tells them apart by words alone
/// (`EAI_AGAIN`).
fn unresolved(host: &str, error: &io::Error) -> FetchError {
    if error.to_string().contains("Temporary failure") {
        FetchError::Unreachable(host.to_owned())
    } else {
        FetchError::Unresolved(host.to_owned())
    }
}
