//! Servers of this machine in the place of the web, for tests: the only network but the public one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Fetcher, Limits, Network};
use async_trait::async_trait;
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The one address that counts as public here.
pub(crate) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Names and what they resolve to, each time the next one; of what else there is, nothing is known.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Sites {
    pub fn new(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let names = names.iter().map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()));
        Arc::new(Self { names: Mutex::new(names.collect()), asked: Mutex::default() })
    }

    /// One name, `site.test`, for the sites of this machine.
    pub fn one() -> Arc<Self> {
        Self::new(&[("site.test", &[&["127.0.0.1"]])])
    }

    pub fn fetcher(self: &Arc<Self>) -> Fetcher {
        let limits = Limits {
            pages: 2,
            connect: Duration::from_secs(2),
            idle: Duration::from_millis(700),
            total: Duration::from_secs(3),
            max_bytes: 1024 * 1024,
        };
        Fetcher::on(self.clone(), limits).unwrap()
    }
}

#[async_trait]
impl Network for Sites {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut names = self.names.lock().unwrap();
        let answers = names.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }

    fn allows(&self, address: IpAddr) -> bool {
        address == PUBLIC || super::address::is_public(address)
    }

    fn allows_port(&self, _: u16) -> bool {
        true
    }
}

/// A server that answers each connection by its hand: the head of the request, and the line to answer on.
pub(crate) async fn serve<F, A>(answer: F) -> u16
where
    F: Fn(String, TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((PUBLIC, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut bytes = [0; 1024];
                    match stream.read(&mut bytes).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => head.extend_from_slice(&bytes[..read]),
                    }
                }
                answer(String::from_utf8_lossy(&head).into_owned(), stream).await;
            });
        }
    });
    port
}

/// A server that gives everybody the same answer.
pub(crate) async fn page(headers: &'static str, body: impl Into<Vec<u8>>) -> u16 {
    let body: Arc<Vec<u8>> = Arc::new(body.into());
    serve(move |_, stream| send(stream, headers, body.clone())).await
}

/// A whole answer; `headers` begins with the status, as `200 OK\r\ncontent-type: text/html`.
pub(crate) async fn send(mut stream: TcpStream, headers: impl AsRef<str>, body: Arc<Vec<u8>>) {
    let head = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", headers.as_ref(), body.len());
    // Whoever asked may have gone.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
}
