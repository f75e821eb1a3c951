//! Mails that Atelier itself sends: invitations, and the links of the embedded identity provider. (Supabase sends its
//! own.)

pub mod outbox;
#[cfg(test)]
pub(crate) mod tests;

use crate::{
    config::{Config, Environment, mail::Mail as Configured, mail::Smtp},
    fault::Fault,
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use secrecy::ExposeSecret;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;

/// How many mails the outbox keeps.
const OUTBOX: usize = 200;
/// For each step of the talk with a mail server: a connection, an answer.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// For all of it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One mail, as plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    /// Paragraphs; the link stands in them as it is.
    pub text: String,
}

impl std::fmt::Debug for Mail {
    /// Without the text: it may hold a link that signs someone in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A mail that was not sent, because no server for it is configured, but kept to be read on the outbox page.
#[derive(Clone, Debug)]
pub struct Kept {
    pub at: OffsetDateTime,
    pub mail: Mail,
}

/// Sends mails, or keeps them where no mail server is configured. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer(Arc<Way>);

#[derive(Debug)]
enum Way {
    Outbox(Mutex<VecDeque<Kept>>),
    Smtp(Box<Server>),
    /// Production without a server: a link that was kept or logged could be read by whoever reads logs.
    Nowhere,
}

struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("from", &self.from.email).finish_non_exhaustive()
    }
}

impl Default for Mailer {
    /// Keeps everything.
    fn default() -> Self {
        Self(Arc::new(Way::Outbox(Mutex::default())))
    }
}

impl Mailer {
    /// # Errors
    /// When no TLS can be set up for the server.
    pub fn from_config(config: &Config) -> Result<Self, Fault> {
        match (&config.mail, config.environment) {
            (Configured::Smtp(smtp), _) => Ok(Self(Arc::new(Way::Smtp(Box::new(Server::new(smtp)?))))),
            (Configured::Unset, Environment::Development) => Ok(Self::default()),
            (Configured::Unset, Environment::Production) => Ok(Self(Arc::new(Way::Nowhere))),
        }
    }

    /// Whether mails reach somebody: a mail server, or in development whoever reads the outbox.
    pub fn delivers(&self) -> bool {
        !matches!(*self.0, Way::Nowhere)
    }

    /// # Errors
    /// When the mail server refuses it or does not answer, or none is configured in production.
    pub async fn send(&self, mail: Mail) -> Result<(), Fault> {
        match &*self.0 {
            Way::Outbox(outbox) => {
                tracing::info!(to = mail.to, subject = mail.subject, "a mail is kept at /outbox:\n{}", mail.text);
                let mut outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
                outbox.push_front(Kept { at: OffsetDateTime::now_utc(), mail });
                outbox.truncate(OUTBOX);
                Ok(())
            }
            Way::Smtp(server) => server.send(mail).await,
            Way::Nowhere => Err(Fault::Other {
                doing: "send a mail",
                cause: "no mail server is configured: set SMTP_URL and MAIL_FROM".into(),
            }),
        }
    }

    /// Sends it while the caller goes on, so that the time of an answer does not tell whether there was a mail. A
    /// failure is only logged.
    pub fn send_later(&self, mail: Mail) {
        let mailer = self.clone();
        tokio::spawn(async move {
            let shown = format!("{mail:?}");
            if let Err(error) = mailer.send(mail).await {
                tracing::error!(%error, mail = shown, "a mail was not sent");
            }
        });
    }

    /// What was kept, the newest first; `None` when mails are not kept.
    pub fn kept(&self) -> Option<Vec<Kept>> {
        match &*self.0 {
            Way::Outbox(outbox) => {
                Some(outbox.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
            }
            Way::Smtp(_) | Way::Nowhere => None,
        }
    }

    /// What was kept, the newest first.
    pub fn outbox(&self) -> Vec<Kept> {
        self.kept().unwrap_or_default()
    }
}

impl Server {
    fn new(smtp: &Smtp) -> Result<Self, Fault> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.url.expose_secret())
            .map_err(Fault::while_doing("set up the mail server's connection"))?
            .timeout(Some(STEP_TIMEOUT))
            .build();
        Ok(Self { transport, from: smtp.from.clone() })
    }

    async fn send(&self, mail: Mail) -> Result<(), Fault> {
        let to: Mailbox = mail.to.parse().map_err(Fault::while_doing("send a mail"))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text)
            .map_err(Fault::while_doing("write a mail"))?;
        let sent = tokio::time::timeout(TIMEOUT, self.transport.send(message)).await;
        sent.map_err(Fault::while_doing("send a mail"))?.map_err(Fault::while_doing("send a mail"))?;
        Ok(())
    }
}
