//! The embedded object store: a folder behind an S3 server on a loopback port, with generated keys and a size limit,
//! so that one code path serves it and R2.

use super::{
    failure::QUOTA_EXCEEDED,
    folder::{Folder, sweep},
    store::ObjectStore,
};
use crate::{
    config::store::S3,
    embedded::{EmbeddedError, private_file},
    fault::Fault,
};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use s3s::{
    HttpError, HttpResponse,
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const BUCKET: &str = "atelier";

/// The running store. Stops when [`EmbeddedStore::stop`] is called.
#[derive(Debug)]
pub struct EmbeddedStore {
    settings: S3,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

#[derive(Serialize, Deserialize)]
struct Keys {
    access_key: String,
    secret_key: String,
}

impl EmbeddedStore {
    /// Starts it on a free loopback port over the folder `root`, which may hold `limit_bytes`.
    ///
    /// # Errors
    /// A sentence when the folder cannot be used.
    pub async fn start(root: &Path, limit_bytes: u64) -> Result<Self, EmbeddedError> {
        let told = |error: std::io::Error| {
            let place = root.display();
            EmbeddedError::because(format!("The folder {place} cannot be used for files: {error}."), error)
        };
        std::fs::create_dir_all(root).map_err(told)?;
        #[cfg(unix)]
        std::fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(told)?;
        let keys = read_or_make_keys(&root.with_extension("keys.json")).map_err(told)?;
        sweep(root).map_err(told)?;
        let files = Folder::new(root).map_err(|error| {
            EmbeddedError::new(format!("The folder {} cannot be used for files: {error:?}.", root.display()))
        })?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(keys.access_key.clone(), keys.secret_key.clone()));
        let service = Limited::new(builder.build(), root.to_owned(), limit_bytes);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(told)?;
        let port = listener.local_addr().map_err(told)?.port();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, service, stop.clone()));
        let endpoint = url::Url::parse(&format!("http://127.0.0.1:{port}"))
            .map_err(|error| EmbeddedError::because("The embedded file store has no address.", error))?;
        let settings = S3 {
            endpoint,
            access_key: keys.access_key,
            secret_key: SecretString::from(keys.secret_key),
            bucket: BUCKET.to_owned(),
            public_url: None,
        };
        let store = Self { settings, stop, server };
        ObjectStore::new(&store.settings).ensure_bucket().await.map_err(|error: Fault| {
            EmbeddedError::because(format!("The embedded file store does not start: {error}."), error)
        })?;
        Ok(store)
    }

    /// What a client needs to use it.
    pub fn settings(&self) -> &S3 {
        &self.settings
    }

    /// Finishes the requests under way, for ten seconds at most.
    pub async fn stop(self) {
        self.stop.cancel();
        if self.server.await.is_err() {
            tracing::warn!("the embedded file store ended by a fault");
        }
    }
}

async fn serve(listener: TcpListener, service: Limited, stop: CancellationToken) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    let graceful = GracefulShutdown::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "the embedded file store could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let connection = builder.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection to the embedded file store broke");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_secs(10), graceful.shutdown()).await.is_err() {
        tracing::warn!("the embedded file store was stopped in the middle of a request");
    }
}

/// Refuses what would take the folder beyond its limit.
#[derive(Clone)]
struct Limited {
    inner: S3Service,
    usage: Arc<Usage>,
}

struct Usage {
    root: PathBuf,
    limit_bytes: u64,
    used_bytes: AtomicU64,
    /// Something was deleted or put together since the last count.
    stale: AtomicBool,
}

impl Limited {
    fn new(inner: S3Service, root: PathBuf, limit_bytes: u64) -> Self {
        let usage = Usage { root, limit_bytes, used_bytes: AtomicU64::new(0), stale: AtomicBool::new(true) };
        Self { inner, usage: Arc::new(usage) }
    }
}

impl Usage {
    async fn admit(self: Arc<Self>, bytes: u64) -> bool {
        if self.stale.swap(false, Ordering::AcqRel) {
            let root = self.root.clone();
            let counted = tokio::task::spawn_blocking(move || bytes_below(&root)).await;
            self.used_bytes.store(counted.unwrap_or_default(), Ordering::Release);
        }
        let before = self.used_bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = before.saturating_add(bytes) <= self.limit_bytes;
        if !fits {
            self.used_bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
        fits
    }
}

impl Service<Request<Incoming>> for Limited {
    type Response = HttpResponse;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let inner = self.inner.clone();
        let usage = self.usage.clone();
        Box::pin(async move {
            // What is copied comes without a body, and is counted before the next file is let in.
            let is_copy = request.headers().contains_key("x-amz-copy-source");
            if request.method() == Method::PUT && !is_copy {
                let length =
                    request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
                // Without a length nobody knows how much would come; our client always sends one.
                let Some(length) = length else {
                    return Ok(refuse(StatusCode::LENGTH_REQUIRED, "MissingContentLength"));
                };
                if !usage.clone().admit(length).await {
                    return Ok(refuse(StatusCode::INSUFFICIENT_STORAGE, QUOTA_EXCEEDED));
                }
                let answer = Service::call(&inner, request).await;
                if !answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                    usage.stale.store(true, Ordering::Release);
                }
                return answer;
            }
            if is_copy || matches!(*request.method(), Method::DELETE | Method::POST) {
                usage.stale.store(true, Ordering::Release);
            }
            Service::call(&inner, request).await
        })
    }
}

fn refuse(status: StatusCode, code: &str) -> HttpResponse {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{status}</Message></Error>"
    );
    let mut response = Response::new(s3s::Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/xml"));
    // The body that was refused has not been read, so the connection cannot go on.
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
            _ => entry.metadata().map_or(0, |metadata| metadata.len()),
        })
        .sum()
}

fn read_or_make_keys(path: &Path) -> std::io::Result<Keys> {
    if let Ok(text) = std::fs::read(path) {
        return serde_json::from_slice(&text).map_err(std::io::Error::other);
    }
    let keys = Keys { access_key: crate::embedded::random_token(10), secret_key: crate::embedded::random_token(32) };
    private_file(path, &serde_json::to_vec(&keys).map_err(std::io::Error::other)?)?;
    Ok(keys)
}
