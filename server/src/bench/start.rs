//! How long a start takes on a database that is there, and how much memory the server has without the local embedding
//! model: when nothing has been asked of it, while it is pressed, and after minutes of that.

use super::{Measure, load, measure_of, median, pages::project_page, server::Server};
use crate::fault::Fault;
use std::{net::TcpListener, time::Duration};
use tokio::time::{interval, sleep};

const STARTS: usize = 5;
/// What a start sets off comes to rest, and so does the end of the load.
const REST: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn measure(minutes: u64) -> Result<Vec<Measure>, Fault> {
    // The same for each start: tokens name the address that they were made at.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let variables = [("LEPTOS_SITE_ADDR", address.as_str())];
    let mut server = Server::start(&[], &variables).await?;
    let workspace = server.workspace().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let folder = server.stop().await;
        server = Server::start_in(folder, &[], &variables).await?;
        starts.push(server.ready_after().as_secs_f64() * 1e3);
    }
    let memory = memory(&server, &project_page(&workspace), minutes).await;
    server.stop().await;
    let mut measures = vec![measure_of("start to ready, on an existing database", median(starts), "ms")];
    measures.extend(memory?);
    Ok(measures)
}

async fn memory(server: &Server, call: &load::Call, minutes: u64) -> Result<Vec<Measure>, Fault> {
    sleep(REST).await;
    let idle = server.resident_kib()?;
    let pressing = load::press(server.site(), call, Duration::from_secs(minutes * 60));
    tokio::pin!(pressing);
    let (mut most, mut look) = (idle, interval(LOOK));
    let pressed = loop {
        tokio::select! {
            pressed = &mut pressing => break pressed?,
            _ = look.tick() => most = most.max(server.resident_kib()?),
        }
    };
    sleep(REST).await;
    let after = server.resident_kib()?;
    let mib = |name: &str, kib: u64| measure_of(name, kib as f64 / 1024.0, "MiB");
    Ok(vec![
        mib("memory idle, without the embedding model", idle),
        mib("memory under load, most", most),
        measure_of("load: the project page", pressed.rate(), "a second"),
        measure_of("load", minutes as f64, "minutes"),
        mib("memory after the load", after),
    ])
}
