//! Mails that Atelier itself sends: invitations, and the links of the embedded identity provider. (Supabase sends its
//! own.)

use crate::fault::Fault;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;

/// How many mails the outbox keeps.
const OUTBOX: usize = 200;

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
#[derive(Clone, Debug, Default)]
pub struct Mailer {
    outbox: Arc<Mutex<VecDeque<Kept>>>,
}

impl Mailer {
    /// # Errors
    /// When the mail server refuses it or does not answer.
    pub async fn send(&self, mail: Mail) -> Result<(), Fault> {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.push_front(Kept { at: OffsetDateTime::now_utc(), mail });
        outbox.truncate(OUTBOX);
        Ok(())
    }

    /// What was kept, the newest first.
    pub fn outbox(&self) -> Vec<Kept> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
