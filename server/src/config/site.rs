//! Where the site listens, and under which address the world knows it.

use super::reader::{Reader, is_loopback};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use url::Url;

const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

#[derive(Clone, Debug)]
pub struct Site {
    /// What to listen on; port 0 takes any free one.
    pub addr: SocketAddr,
    /// Links in mails, cookies' `Secure` and the Origin check are made from it.
    pub public_url: Url,
    /// Whether `public_url` was set; if not, it follows the port that was really taken.
    pub public_url_set: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The folder with the built style, WASM and assets.
    pub root: PathBuf,
}

impl Site {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let addr = reader.parse_or("LEPTOS_SITE_ADDR", DEFAULT_ADDR, "use an address and a port such as 0.0.0.0:3000");
        let root = reader.text("LEPTOS_SITE_ROOT").map_or_else(|| PathBuf::from("target/site"), PathBuf::from);
        let trusted_proxies = read_proxies(reader);
        let set = reader.text("ATELIER_PUBLIC_URL").is_some();
        if !set && reader.production() {
            reader.missing("ATELIER_PUBLIC_URL", "required in production");
            return None;
        }
        let public_url = if set { reader.url("ATELIER_PUBLIC_URL")? } else { local_url(addr)? };
        if public_url.path() != "/" {
            reader.mistake("ATELIER_PUBLIC_URL", "leave out the path: Atelier is served at the root of its address");
            return None;
        }
        Some(Self { addr, public_url, public_url_set: set, trusted_proxies, root })
    }

    /// Makes `public_url` follow the address that the listener really got, unless it was set.
    pub fn listening_on(&mut self, addr: SocketAddr) {
        self.addr = addr;
        if !self.public_url_set
            && let Some(url) = local_url(addr)
        {
            self.public_url = url;
        }
    }

    /// Whether browsers reach the site by https, so that cookies are `Secure`.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether the site is for this machine only.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.public_url)
    }
}

fn local_url(addr: SocketAddr) -> Option<Url> {
    // 0.0.0.0 is an address to listen on, not one to visit.
    let host = if addr.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        SocketAddr::new(addr.ip(), 0).ip().to_string()
    };
    let host = if addr.is_ipv6() && !addr.ip().is_unspecified() { format!("[{host}]") } else { host };
    Url::parse(&format!("http://{host}:{}/", addr.port())).ok()
}

fn read_proxies(reader: &mut Reader<'_>) -> Vec<IpNet> {
    let text = reader.text("ATELIER_TRUSTED_PROXIES").unwrap_or_default();
    let mut networks = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => reader.mistake(
                "ATELIER_TRUSTED_PROXIES",
                format!("`{part}` is no address or network; use a list such as 10.0.0.0/8,172.16.0.1"),
            ),
        }
    }
    networks
}
