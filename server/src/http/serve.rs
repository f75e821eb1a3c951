//! Listening, and stopping in order. hyper-util's builder instead of `axum::serve`, which sets no timer, so that the
//! time limit for headers would never fire and a slow client could hold a connection for ever.

use super::health::Stopping;
use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, net::TcpStream};
use tower::ServiceExt;

/// For the head of a request, also of the next one on a kept connection.
const HEADER_LIMIT: Duration = Duration::from_secs(30);
/// How long the listener stays open after the server says that it is not ready, so that a load balancer notices.
const NOTICE: Duration = Duration::from_millis(500);

/// Serves until `stopping`, then waits for the requests under way, `drain` at most. Tells whether all of them ended.
pub async fn serve(listener: TcpListener, router: Router, stopping: Stopping, drain: Duration) -> bool {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT).max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(200)
        .max_header_list_size(64 * 1024);
    let graceful = GracefulShutdown::new();
    let noticed = async {
        stopping.0.cancelled().await;
        tokio::time::sleep(NOTICE).await;
    };
    tokio::pin!(noticed);
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = &mut noticed => break,
        };
        connect(&builder, &graceful, &router, &stopping, socket, peer);
    }
    drop(listener);
    tokio::time::timeout(drain, graceful.shutdown()).await.is_ok()
}

fn connect(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    router: &Router,
    stopping: &Stopping,
    socket: TcpStream,
    peer: SocketAddr,
) {
    // Small pieces of an event stream shall not wait for more.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let router = router.clone();
    let stopping = stopping.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(stopping.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(socket), service).into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error, "a connection broke");
        }
    });
}

async fn pause_after(error: &io::Error) {
    // A client that gave up is no trouble; too many open files is, and passes when some are closed.
    if !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    ) {
        tracing::error!(%error, "no connection could be accepted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(router: Router, drain: Duration) -> (SocketAddr, Stopping, tokio::task::JoinHandle<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Stopping::default();
        (address, stopping.clone(), tokio::spawn(serve(listener, router, stopping, drain)))
    }

    #[tokio::test]
    async fn a_request_under_way_is_finished_and_then_nobody_listens() {
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(900)).await;
            "done"
        };
        let (address, stopping, server) = start(Router::new().route("/", get(slow)), Duration::from_secs(10)).await;
        let request =
            tokio::spawn(
                async move { reqwest::get(format!("http://{address}/")).await.unwrap().text().await.unwrap() },
            );
        tokio::time::sleep(Duration::from_millis(200)).await;
        stopping.0.cancel();
        assert_eq!(request.await.unwrap(), "done");
        assert!(server.await.unwrap());
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_off() {
        let never = get(|| async { std::future::pending::<&str>().await });
        let (address, stopping, server) = start(Router::new().route("/", never), Duration::from_millis(300)).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopping.0.cancel();
        assert!(!server.await.unwrap());
    }

    #[tokio::test]
    async fn handlers_know_the_peer() {
        let handler = get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() });
        let (address, stopping, server) = start(Router::new().route("/", handler), Duration::from_secs(1)).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
        stopping.0.cancel();
        assert!(server.await.unwrap());
    }
}
