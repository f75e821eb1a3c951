//! How mails leave.

use super::reader::Reader;
use lettre::message::Mailbox;
use secrecy::SecretString;
use std::net::IpAddr;
use url::Url;

#[derive(Clone, Debug)]
pub enum Mail {
    /// No server is set: in development mails are kept to be read at `/outbox`, in production none is sent.
    Unset,
    Smtp(Smtp),
}

/// A server that takes mails.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// As lettre reads it: `smtps://user:password@host`, or `smtp://…?tls=required` for STARTTLS.
    pub url: SecretString,
    pub from: Mailbox,
}

impl Mail {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.text("SMTP_URL");
        let from = reader.text("MAIL_FROM");
        let (url, from) = match (url, from) {
            (None, None) => return Some(Self::Unset),
            (Some(_), None) => {
                reader.missing("MAIL_FROM", "SMTP_URL is set, so this one is needed too");
                return None;
            }
            (None, Some(_)) => {
                reader.missing("SMTP_URL", "MAIL_FROM is set, so this one is needed too");
                return None;
            }
            (Some(url), Some(from)) => (url, from),
        };
        let from = from.parse::<Mailbox>().ok();
        if from.is_none() {
            reader.mistake("MAIL_FROM", "use an address such as Atelier <atelier@example.com>");
        }
        if let Err(fix) = check(&url) {
            reader.mistake("SMTP_URL", fix);
            return None;
        }
        Some(Self::Smtp(Smtp { url: url.into(), from: from? }))
    }

    pub const fn is_set(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    const SHAPE: &str = "use a URL such as smtps://user:password@smtp.example.com, with special characters of the \
                         password percent-encoded; add ?tls=required to smtp:// for STARTTLS";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Err(SHAPE) };
    // In a URL of this scheme the parser takes an address for a name.
    let is_local =
        host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let encrypted = match (url.scheme(), tls.as_deref()) {
        ("smtps", None) | ("smtp", Some("required")) => true,
        ("smtp", None | Some("opportunistic")) => false,
        _ => return Err(SHAPE),
    };
    if !encrypted && url.password().is_some() && !is_local {
        return Err("a password must not cross the network in the clear: use smtps://, or add ?tls=required");
    }
    Ok(())
}
