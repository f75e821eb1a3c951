//! Mails to a peer that speaks SMTP over TCP, and the outbox page.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::testing::TestApp;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, rustls::pki_types::PrivateKeyDer};

/// What the peer was told: the commands, then the mail itself.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    commands: Vec<String>,
    content: String,
}

/// A little mail server (RFC 5321) that takes mails to anybody but `nobody@…`.
pub(crate) async fn smtp_peer() -> (SocketAddr, mpsc::UnboundedReceiver<Taken>) {
    peer(|stream| async { Some(stream) }).await
}

/// The same behind TLS from the first byte, with a certificate for `localhost` that it signed itself.
async fn smtps_peer() -> (SocketAddr, mpsc::UnboundedReceiver<Taken>, Certificate) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = Certificate::from_der(own.cert.der().to_vec()).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (address, received) = peer(move |stream| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(stream).await.ok() }
    })
    .await;
    (address, received, certificate)
}

async fn peer<S, F>(
    open: impl Fn(TcpStream) -> F + Clone + Send + 'static,
) -> (SocketAddr, mpsc::UnboundedReceiver<Taken>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    F: Future<Output = Option<S>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (sender, opened) = (sender.clone(), open(stream));
            tokio::spawn(async move {
                if let Some(stream) = opened.await {
                    converse(stream, sender).await;
                }
            });
        }
    });
    (address, receiver)
}

async fn converse(stream: impl AsyncRead + AsyncWrite, sender: mpsc::UnboundedSender<Taken>) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    let mut taken = Taken::default();
    writer.write_all(b"220 peer.example ESMTP\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-peer.example\r\n250 8BITMIME",
            "RCPT" if line.contains("nobody@") => "550 5.1.1 no such mailbox",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        taken.commands.push(line);
        writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        if verb == "DATA" {
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                taken.content.push_str(line.strip_prefix('.').unwrap_or(&line));
                taken.content.push('\n');
            }
            writer.write_all(b"250 taken\r\n").await.unwrap();
            let _sent = sender.send(std::mem::take(&mut taken));
        }
    }
}

fn mailer(address: SocketAddr) -> Mailer {
    let smtp = Smtp { url: format!("smtp://{address}").into(), from: "Atelier <atelier@example.com>".parse().unwrap() };
    Mailer(Arc::new(Way::Smtp(Box::new(Server::new(&smtp).unwrap()))))
}

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: "Grüße aus dem Norden".to_owned(),
        text: "Sign in here:\n\nhttps://atelier.example.com/auth/confirm?token_hash=abc\n\n.A line that begins with a dot.\n"
            .to_owned(),
    }
}

#[tokio::test]
async fn a_mail_goes_out_as_the_protocol_has_it() {
    let (address, mut received) = smtp_peer().await;
    let mailer = mailer(address);
    assert!(mailer.delivers() && mailer.kept().is_none() && mailer.outbox().is_empty());
    mailer.send(mail("ada@example.com")).await.unwrap();
    let taken = received.recv().await.unwrap();
    let said = taken.commands.join("\n");
    assert!(said.contains("MAIL FROM:<atelier@example.com>") && said.contains("RCPT TO:<ada@example.com>"), "{said}");
    let (head, body) = taken.content.split_once("\n\n").unwrap();
    for header in ["From: ", "To: ada@example.com", "Date: ", "Message-ID: <", "Content-Type: text/plain"] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert!(head.contains("Subject: =?utf-8?"), "{head}");
    assert!(
        body.contains("https://atelier.example.com/auth/confirm?token_hash=3Dabc") || body.contains("?token_hash=abc"),
        "{body}"
    );
    assert!(body.contains(".A line that begins with a dot."), "{body}");
}

#[tokio::test]
async fn a_refusal_is_an_error_that_quotes_no_mail() {
    let (address, _received) = smtp_peer().await;
    let error = mailer(address).send(mail("nobody@example.com")).await.unwrap_err().to_string();
    assert!(error.contains("no such mailbox") && !error.contains("token_hash"), "{error}");
    let error = mailer(address).send(mail("no address")).await.unwrap_err().to_string();
    assert!(!error.contains("token_hash"), "{error}");
}

#[tokio::test]
async fn mails_go_through_tls_to_a_server_that_somebody_vouches_for() {
    let (address, mut received, certificate) = smtps_peer().await;
    let url = format!("smtps://localhost:{}", address.port());
    let smtp = Smtp { url: url.into(), from: "atelier@example.com".parse().unwrap() };
    let unknown = Mailer(Arc::new(Way::Smtp(Box::new(Server::new(&smtp).unwrap()))));
    let error = unknown.send(mail("ada@example.com")).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert!(received.try_recv().is_err(), "a mail went to a server that nobody vouches for");

    let trusted = TlsParameters::builder("localhost".to_owned()).add_root_certificate(certificate).build().unwrap();
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.url.expose_secret()).unwrap();
    let transport = transport.tls(Tls::Wrapper(trusted)).build();
    let server = Server { transport, from: smtp.from.clone() };
    server.send(mail("ada@example.com")).await.unwrap();
    assert!(received.recv().await.unwrap().content.contains("Content-Type: text/plain"));
}

#[tokio::test]
async fn where_tls_is_required_nothing_is_said_without_it() {
    let (address, mut received) = smtp_peer().await;
    let smtp = Smtp {
        url: format!("smtp://ada:secret@{address}?tls=required").into(),
        from: "atelier@example.com".parse().unwrap(),
    };
    let mailer = Mailer(Arc::new(Way::Smtp(Box::new(Server::new(&smtp).unwrap()))));
    assert!(mailer.send(mail("ada@example.com")).await.is_err(), "the peer offers no STARTTLS");
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_soon() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(mailer(gone).send(mail("ada@example.com")).await.is_err());
    // Nobody waits for what is sent later.
    mailer(gone).send_later(mail("ada@example.com"));
}

#[tokio::test]
async fn the_provider_mails_by_smtp_and_then_has_no_outbox() {
    let (address, mut received) = smtp_peer().await;
    let url = format!("smtp://{address}");
    let app = TestApp::start_with(&[("SMTP_URL", &url), ("MAIL_FROM", "atelier@example.com")]).await;
    let key = app.state.identity.embedded_publishable_key().unwrap();
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(app.url.join("auth/v1/otp").unwrap())
        .header("apikey", key.expose_secret())
        .json(&serde_json::json!({ "email": "ada@example.com" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let taken = tokio::time::timeout(Duration::from_secs(20), received.recv()).await.unwrap().unwrap();
    assert!(taken.commands.iter().any(|line| line.starts_with("RCPT TO:<ada@example.com>")), "{taken:?}");
    assert_eq!(app.anonymous().get("/outbox").await.status, 404);
}

#[tokio::test]
async fn the_outbox_shows_what_was_kept_the_newest_first() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let page = visitor.send(visitor.request(reqwest::Method::GET, "/outbox").header("accept", "text/html")).await;
    assert!(page.expect(200).text().contains("Nothing here yet"));
    for subject in ["The first", "The second"] {
        let text = "Hello <b>you</b>:\n\nhttps://example.com/a?b=1&c=2\n".to_owned();
        app.state
            .mailer
            .send(Mail { to: "ada@example.com".to_owned(), subject: subject.to_owned(), text })
            .await
            .unwrap();
    }
    let kept: Vec<Value> = visitor.get("/outbox").await.json(200);
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["subject"], &kept[0]["to"]), (&"The second".into(), &"ada@example.com".into()));
    assert!(kept[0]["at"].as_str().is_some_and(|at| at.contains('T')) && kept[0]["text"].is_string());
    let page = visitor.send(visitor.request(reqwest::Method::GET, "/outbox").header("accept", "text/html")).await;
    let html = page.expect(200).text();
    assert!(html.find("The second").unwrap() < html.find("The first").unwrap());
    assert!(html.contains(r#"href="https://example.com/a?b=1&amp;c=2""#), "{html}");
    assert!(!html.contains("<b>you"), "a mail's text is no markup");
    assert_eq!(page.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn the_outbox_answers_this_machine_alone() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let with = |name: &'static str, value: &'static str| {
        let request = visitor.request(reqwest::Method::GET, "/outbox").header(name, value);
        let visitor = visitor.clone();
        async move { visitor.send(request).await.status }
    };
    assert_eq!(with("x-forwarded-for", "192.0.2.1").await, 404);
    // Another site's name that leads to this machine.
    assert_eq!(with("host", "evil.example").await, 404);
    assert_eq!(with("host", "127.0.0.1.evil.example").await, 404);
    assert_eq!(with("host", "localhost:4711").await, 200);
}

#[tokio::test]
async fn in_production_nothing_is_kept_without_a_mail_server() {
    let mailer = Mailer(Arc::new(Way::Nowhere));
    assert!(!mailer.delivers() && mailer.kept().is_none());
    let error = mailer.send(mail("ada@example.com")).await.unwrap_err().to_string();
    assert!(error.contains("SMTP_URL"), "{error}");
}
