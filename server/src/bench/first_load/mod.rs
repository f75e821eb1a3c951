//! What a browser loads that was never here: the page to sign in, and the page of a project. The bytes of the bodies as
//! they are sent to a browser that takes brotli; and, where there is one, the time until a click works.

mod assets;
mod click;

use super::{
    LEFT_OUT, Measure, measure_of, note_of,
    server::{Server, Workspace, join},
};
use crate::fault::Fault;
use assets::Kind;
use http::header;
use std::{collections::BTreeMap, path::Path};
use url::Url;

const NO_SITE: &str = "the site is not built: type `cargo xtask bench first_load`";
/// Below this the server compresses nothing.
const SMALL: usize = 1_000;

pub(super) async fn measure(browser: Option<&Path>) -> Result<Vec<Measure>, Fault> {
    let server = Server::start(&[], &[]).await?;
    let measured = measure_on(&server, browser).await;
    server.stop().await;
    measured
}

async fn measure_on(server: &Server, browser: Option<&Path>) -> Result<Vec<Measure>, Fault> {
    let workspace = server.workspace().await?;
    let project = format!("/projects/{}", workspace.project());
    let mut measures = Vec::new();
    for (name, path, by) in [("login page", "/login", None), ("project page", project.as_str(), Some(&workspace))] {
        let loaded = load(server.site(), path, by).await?;
        if !loaded.bytes.contains_key(&Kind::Wasm) {
            return Ok(vec![note_of(LEFT_OUT, NO_SITE)]);
        }
        measures.extend(loaded.measures(name));
    }
    match browser {
        Some(folder) => measures.extend(click::measure(folder, server.site(), &workspace, &project).await?),
        None => measures.push(note_of("until a click works", "not measured: there is no browser")),
    }
    Ok(measures)
}

/// What came over the wire.
#[derive(Default)]
struct Loaded {
    bytes: BTreeMap<Kind, usize>,
    /// Of what is fetched meanwhile for the page after it.
    next: usize,
    /// What should have come in brotli.
    plain: Vec<String>,
}

impl Loaded {
    fn take(&mut self, kind: Kind, path: &str, sent: &Sent) {
        *self.bytes.entry(kind).or_default() += sent.bytes.len();
        if kind != Kind::Other && sent.bytes.len() > SMALL && !sent.is_brotli {
            self.plain.push(path.to_owned());
        }
    }

    fn measures(&self, page: &str) -> Vec<Measure> {
        let kilobytes = |name: &str, bytes: usize| measure_of(format!("{page}: {name}"), bytes as f64 / 1e3, "kB");
        let of = |kind: Kind| self.bytes.get(&kind).copied().unwrap_or_default();
        let mut measures: Vec<Measure> = Kind::ALL.into_iter().map(|kind| kilobytes(kind.name(), of(kind))).collect();
        let program: usize = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Other).map(of).sum();
        measures.push(kilobytes("HTML, CSS, JS and WASM", program));
        if self.next > 0 {
            measures.push(kilobytes("fetched meanwhile for the page after it", self.next));
        }
        if !self.plain.is_empty() {
            measures.push(note_of(format!("{page}: not in brotli"), self.plain.join(", ")));
        }
        measures
    }
}

/// One body, as it was sent.
struct Sent {
    bytes: Vec<u8>,
    is_brotli: bool,
}

async fn load(site: &Url, path: &str, by: Option<&Workspace>) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    let address = join(site, path)?;
    loaded.take(Kind::Html, path, &fetch(&address, by, true).await?.ok_or_else(|| absent(path))?);
    let page = fetch(&address, by, false).await?.ok_or_else(|| absent(path))?;
    let html = String::from_utf8_lossy(&page.bytes);
    for file in assets::of_next_page(&html) {
        loaded.next += fetch(&join(site, &file)?, None, true).await?.map_or(0, |sent| sent.bytes.len());
    }
    let mut to_load =
        assets::of_page(&html).iter().map(|file| join(site, file)).collect::<Result<Vec<Url>, Fault>>()?;
    let mut next = 0;
    while let Some(address) = to_load.get(next).cloned() {
        next += 1;
        let Some(kind) = Kind::of(address.path()) else { continue };
        let Some(sent) = fetch(&address, None, true).await? else { continue };
        loaded.take(kind, address.path(), &sent);
        if kind == Kind::Script {
            let script = fetch(&address, None, false).await?.ok_or_else(|| absent(address.path()))?;
            for imported in assets::of_script(&String::from_utf8_lossy(&script.bytes)) {
                let imported = join(&address, imported)?;
                if !to_load.contains(&imported) {
                    to_load.push(imported);
                }
            }
        }
    }
    Ok(loaded)
}

/// `None` for what is not there.
async fn fetch(address: &Url, by: Option<&Workspace>, compressed: bool) -> Result<Option<Sent>, Fault> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(Fault::while_doing("make a client"))?;
    let mut request = client.get(address.clone()).header(header::ACCEPT, "text/html,*/*");
    if compressed {
        request = request.header(header::ACCEPT_ENCODING, "br");
    }
    if let Some(workspace) = by {
        request = request.header(header::COOKIE, workspace.cookie());
    }
    let response = request.send().await.map_err(Fault::while_doing("load a page"))?;
    if !response.status().is_success() {
        return Ok(None);
    }
    let is_brotli = response.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "br");
    let bytes = response.bytes().await.map_err(Fault::while_doing("load a page"))?.into();
    Ok(Some(Sent { bytes, is_brotli }))
}

fn absent(path: &str) -> Fault {
    Fault::while_doing("load a page")(format!("{path} is not there"))
}
