//! Fetches from servers of this machine that mean no good.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{
    FetchError, Fetcher, Limits,
    sites::{Sites, page, send, serve},
};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt;

const HTML: &str = "200 OK\r\ncontent-type: text/html; charset=UTF-8";

async fn read(fetcher: &Fetcher, address: &str) -> Result<Vec<u8>, FetchError> {
    let mut page = fetcher.fetch(address).await?;
    let mut all = Vec::new();
    while let Some(bytes) = page.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_page_is_read_to_its_end_and_its_server_is_told_who_asks() {
    let told = Arc::new(std::sync::Mutex::new(String::new()));
    let heard = told.clone();
    let port = serve(move |head, stream| {
        *heard.lock().unwrap() = head;
        send(stream, HTML, Arc::new(b"<p>Hello".to_vec()))
    })
    .await;
    let fetcher = Sites::one().fetcher();
    let mut page = fetcher.fetch(&format!("http://site.test:{port}/a?b=c#d")).await.unwrap();
    assert_eq!(page.media_type.as_deref(), Some("text/html"));
    assert_eq!(page.encoding, Some(encoding_rs::UTF_8));
    assert_eq!(page.next().await.unwrap().unwrap(), b"<p>Hello".as_slice());
    assert_eq!(page.next().await.unwrap(), None);
    let head = told.lock().unwrap().to_lowercase();
    assert!(head.starts_with("get /a?b=c http/1.1"), "{head}");
    assert!(head.contains("user-agent: atelier/"), "{head}");
    for secret in ["cookie:", "authorization:", "referer:", "x-forwarded"] {
        assert!(!head.contains(secret), "{head}");
    }
}

#[tokio::test]
async fn production_reaches_no_server_of_this_machine_whatever_it_is_called() {
    let port = page(HTML, "secret").await;
    let fetcher = Fetcher::new(Limits::new(u64::MAX)).unwrap();
    for (address, refusal) in [
        ("http://127.0.0.1/".to_owned(), "NotPublic"),
        ("http://2130706433/".to_owned(), "NotPublic"),
        ("http://0x7f.1/".to_owned(), "NotPublic"),
        ("http://0177.0.0.1/".to_owned(), "NotPublic"),
        ("http://0/".to_owned(), "NotPublic"),
        ("http://[::1]/".to_owned(), "NotPublic"),
        ("http://[::ffff:127.0.0.1]/".to_owned(), "NotPublic"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "NotPublic"),
        ("http://localhost/".to_owned(), "NotPublic"),
        (format!("http://127.0.0.1:{port}/"), "NotPublic"),
        (format!("http://localhost:{port}/"), "Port"),
        ("https://example.com:22/".to_owned(), "Port"),
        ("http://ada:secret@example.com/".to_owned(), "Credentials"),
        ("http://ada@example.com/".to_owned(), "Credentials"),
        ("ftp://example.com/".to_owned(), "NoAddress"),
        ("file:///etc/passwd".to_owned(), "NoAddress"),
        ("data:text/html,x".to_owned(), "NoAddress"),
        ("example.com".to_owned(), "NoAddress"),
    ] {
        let error = read(&fetcher, &address).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(refusal), "{address}: {error:?}");
        assert!(!error.may_pass(), "{address}");
    }
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_condemned_by_one_address_that_is_not_public() {
    let port = page(HTML, "x").await;
    let sites = Sites::new(&[
        ("good.test", &[&["127.0.0.1"]]),
        ("private.test", &[&["10.0.0.1"]]),
        ("metadata.test", &[&["169.254.169.254"]]),
        ("mixed.test", &[&["127.0.0.1", "192.168.1.1"]]),
        ("mapped.test", &[&["::ffff:10.0.0.1"]]),
        ("nothing.test", &[&[]]),
        // Public when it is looked at, private when it is asked again.
        ("rebinding.test", &[&["127.0.0.1"], &["10.0.0.1"]]),
    ]);
    let fetcher = sites.fetcher();
    for name in ["private.test", "metadata.test", "mixed.test", "mapped.test"] {
        let error = read(&fetcher, &format!("http://{name}:{port}/")).await.unwrap_err();
        assert_eq!(error, FetchError::NotPublic(name.to_owned()));
    }
    for name in ["nothing.test", "unknown.test"] {
        let error = read(&fetcher, &format!("http://{name}:{port}/")).await.unwrap_err();
        assert_eq!(error, FetchError::Unresolved(name.to_owned()));
    }
    sites.asked.lock().unwrap().clear();
    read(&fetcher, &format!("http://good.test:{port}/")).await.unwrap();
    read(&fetcher, &format!("http://rebinding.test:{port}/")).await.unwrap();
    // Each once: what was connected to is what was looked at.
    assert_eq!(*sites.asked.lock().unwrap(), ["good.test", "rebinding.test"]);
    let again = read(&fetcher, &format!("http://rebinding.test:{port}/")).await.unwrap_err();
    assert_eq!(again, FetchError::NotPublic("rebinding.test".to_owned()));
}

/// What comes of an address that leads on to `location`.
async fn led_to(fetcher: &Fetcher, location: &str) -> Result<Vec<u8>, FetchError> {
    let headers = format!("302 Found\r\nlocation: {location}");
    let port = serve(move |_, stream| send(stream, headers.clone(), Arc::default())).await;
    read(fetcher, &format!("http://site.test:{port}/")).await
}

#[tokio::test]
async fn what_a_page_leads_on_to_is_checked_as_if_it_had_been_typed() {
    let port = page(HTML, "the end").await;
    let sites = Sites::new(&[("site.test", &[&["127.0.0.1"]]), ("private.test", &[&["10.0.0.1"]])]);
    let fetcher = sites.fetcher();
    assert_eq!(led_to(&fetcher, &format!("http://site.test:{port}/there")).await.unwrap(), b"the end");
    for location in [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://private.test/",
        "//192.168.0.1/x",
    ] {
        let error = led_to(&fetcher, location).await.unwrap_err();
        assert!(matches!(error, FetchError::NotPublic(_)), "{location}: {error:?}");
    }
    for location in ["file:///etc/passwd", "ftp://site.test/", "javascript:alert(1)", "http://"] {
        assert_eq!(led_to(&fetcher, location).await.unwrap_err(), FetchError::NoAddress, "{location}");
    }
    assert_eq!(led_to(&fetcher, "http://a:b@site.test/").await.unwrap_err(), FetchError::Credentials);
}

#[tokio::test]
async fn a_page_leads_on_five_times_and_no_more() {
    let fetcher = Sites::one().fetcher();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let port = serve(move |_, stream| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        send(stream, format!("301 Moved\r\nlocation: /{number}"), Arc::default())
    })
    .await;
    assert_eq!(read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap_err(), FetchError::Redirects);
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_body_without_an_end_is_cut() {
    let fetcher = Sites::one().fetcher();
    let port = serve(|_, mut stream| async move {
        let head = format!("HTTP/1.1 {HTML}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    assert_eq!(read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap_err(), FetchError::TooLarge(1));
    let port = page(HTML, vec![b'x'; 1024 * 1024 + 1]).await;
    assert_eq!(fetcher.fetch(&format!("http://site.test:{port}/")).await.unwrap_err(), FetchError::TooLarge(1));
    let port = page(HTML, vec![b'x'; 1024 * 1024]).await;
    assert_eq!(read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap().len(), 1024 * 1024);
}

#[tokio::test]
async fn a_bomb_of_gzip_is_cut_before_it_is_unpacked() {
    const GZIP: &str = "200 OK\r\ncontent-type: text/html\r\ncontent-encoding: gzip";
    let fetcher = Sites::one().fetcher();
    let text = b"<p>Packed</p>".repeat(2_000);
    let port = page(GZIP, packed(&text)).await;
    assert_eq!(read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap(), text);
    // 300 MB in 300 kB.
    let bomb = packed(&vec![0; 300 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    let port = page(GZIP, bomb).await;
    let mut page_of_bomb = fetcher.fetch(&format!("http://site.test:{port}/")).await.unwrap();
    let mut size = 0;
    let error = loop {
        match page_of_bomb.next().await {
            Ok(bytes) => size += bytes.expect("it does not end well").len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error, FetchError::TooLarge(1));
    assert!(size <= 1024 * 1024, "{size}");
    let port = page(GZIP, "not gzip at all").await;
    let broken = read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap_err();
    assert_eq!(broken, FetchError::Broken("site.test".to_owned()));
    let port = page("200 OK\r\ncontent-type: text/html\r\ncontent-encoding: br", "x").await;
    let packed = fetcher.fetch(&format!("http://site.test:{port}/")).await.unwrap_err();
    assert_eq!(packed, FetchError::Packed("site.test".to_owned()));
}

#[tokio::test]
async fn a_server_that_dawdles_is_left() {
    let fetcher = Sites::one().fetcher();
    let silent = serve(|_, stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    // A byte at a time, never silent for long.
    let slow = serve(|_, mut stream| async move {
        let head = format!("HTTP/1.1 {HTML}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let slow_head = serve(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    })
    .await;
    for port in [silent, slow, slow_head] {
        let begun = Instant::now();
        let error = read(&fetcher, &format!("http://site.test:{port}/")).await.unwrap_err();
        assert_eq!(error, FetchError::TimedOut("site.test".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(error.may_pass());
    }
}

#[tokio::test]
async fn what_cannot_be_read_and_what_is_refused_are_told_apart() {
    let fetcher = Sites::one().fetcher();
    let fetch = async |headers: &'static str| {
        let port = page(headers, "x").await;
        fetcher.fetch(&format!("http://site.test:{port}/")).await.err()
    };
    let host = || "site.test".to_owned();
    for (headers, error) in [
        ("200 OK\r\ncontent-type: video/mp4", Some(FetchError::WrongType("video/mp4".to_owned()))),
        ("200 OK\r\ncontent-type: text/javascript", Some(FetchError::WrongType("text/javascript".to_owned()))),
        ("200 OK\r\ncontent-type: application/json", Some(FetchError::WrongType("application/json".to_owned()))),
        ("200 OK\r\ncontent-type: image/svg+xml", Some(FetchError::WrongType("image/svg+xml".to_owned()))),
        ("200 OK\r\ncontent-type: application/pdf", None),
        ("200 OK\r\ncontent-type: TEXT/Plain;charset=latin1", None),
        ("200 OK", None),
        ("401 Unauthorized", Some(FetchError::Closed(host()))),
        ("403 Forbidden", Some(FetchError::Closed(host()))),
        ("404 Not Found", Some(FetchError::Gone(host()))),
        ("418 Teapot", Some(FetchError::Refused { host: host(), status: 418 })),
        ("429 Slow down", Some(FetchError::Passing { host: host(), status: 429 })),
        ("503 Busy", Some(FetchError::Passing { host: host(), status: 503 })),
        ("304 Not Modified", Some(FetchError::Refused { host: host(), status: 304 })),
    ] {
        assert_eq!(fetch(headers).await, error, "{headers}");
    }
    // Nobody listens there.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = read(&fetcher, &format!("http://site.test:{free}/")).await.unwrap_err();
    assert_eq!(error, FetchError::Unreachable(host()));
}
