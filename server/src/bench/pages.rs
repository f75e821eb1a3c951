//! Pages and calls of the API a second: the page to sign in, which asks the database nothing, the page of a project, a
//! list, and the making of something small.

use super::{
    Measure, cores,
    load::{self, CONNECTIONS, Call},
    measure_of,
    server::{Server, Workspace},
};
use crate::fault::Fault;
use bytes::Bytes;
use futures::future::try_join_all;
use hyper::header;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// As many as the page of a project shows, and more than one.
const DOCUMENTS: usize = 6;
const CONVERSATIONS: usize = 20;
/// The first document loads the embedding model.
const INGESTION: Duration = Duration::from_secs(180);
/// What the ingestion has set off besides comes to rest.
const REST: Duration = Duration::from_secs(2);

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    let server = Server::start(&[], &[]).await?;
    let measured = measure_on(&server).await;
    server.stop().await;
    measured
}

async fn measure_on(server: &Server) -> Result<Vec<Measure>, Fault> {
    let workspace = server.workspace().await?;
    timeout(INGESTION, fill(&workspace)).await.map_err(Fault::while_doing("wait for the documents"))??;
    sleep(REST).await;
    let conversations = format!("/api/v1/projects/{}/conversations", workspace.project());
    let bearer = format!("Bearer {}", workspace.token());
    let page = project_page(&workspace);
    let calls = [
        ("login page", Call::get("/login").with(header::ACCEPT, "text/html")),
        ("project page", page.clone()),
        ("project page in brotli", page.with(header::ACCEPT_ENCODING, "br")),
        ("API: a list", Call::get(format!("{conversations}?limit=20")).with(header::AUTHORIZATION, &bearer)),
        ("API: a new conversation", Call::post_json(&conversations, &json!({})).with(header::AUTHORIZATION, &bearer)),
    ];
    let mut measures = vec![
        measure_of("connections", CONNECTIONS as f64, ""),
        measure_of("cores, with the database and the load on them", cores() as f64, ""),
    ];
    for (name, call) in calls {
        measures.extend(load::measure(server.site(), name, &call).await?);
    }
    Ok(measures)
}

/// The project's page, asked for by its owner.
pub(super) fn project_page(workspace: &Workspace) -> Call {
    let path = format!("/projects/{}", workspace.project());
    Call::get(path).with(header::ACCEPT, "text/html").with(header::COOKIE, workspace.cookie())
}

/// Fills the project, and waits until its documents are read.
async fn fill(workspace: &Workspace) -> Result<(), Fault> {
    for number in 0..DOCUMENTS {
        let text = format!("The rent of boathouse {number} is paid in kroner, on the third of May.");
        workspace.upload(&format!("boathouse {number}.txt"), &Bytes::from(text)).await?;
    }
    try_join_all((0..CONVERSATIONS).map(|_| workspace.conversation())).await?;
    let path = format!("api/v1/projects/{}/documents", workspace.project());
    loop {
        let page: Value =
            workspace.get(&path).await?.json().await.map_err(Fault::while_doing("read the list of documents"))?;
        let documents = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if documents.iter().all(|document| document["state"] == "ready") {
            return Ok(());
        }
        sleep(Duration::from_millis(300)).await;
    }
}
