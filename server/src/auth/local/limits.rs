//! How often one address, and one account, may try. In memory: the embedded provider is one process. Every try is
//! counted before the work, whatever comes of it, and alike for accounts that exist and those that do not.

use super::error::{AuthError, Code};
use crate::rate_limit::{RateLimit, network};
use sha2::{Digest, Sha256};
use std::{net::IpAddr, num::NonZeroU32, time::Duration};
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

/// An account's address, hashed: keys of the limits are short, however long the text that somebody sends.
type Account = [u8; 32];

/// What a mail is for: each has its own minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mailing {
    Confirmation,
    /// Of a password, or a link to sign in with.
    Recovery,
    EmailChange,
    Reauthentication,
}

#[derive(Debug)]
pub(super) struct Limits {
    /// Sign-ups, sign-ins and refreshes.
    tokens: RateLimit<IpAddr>,
    /// Links and codes that are presented.
    verifications: RateLimit<IpAddr>,
    /// Requests that cause a mail.
    mails: RateLimit<IpAddr>,
    passwords: RateLimit<Account>,
    /// Six digits are soon guessed by many addresses together.
    codes: RateLimit<Account>,
    /// Codes of second factors.
    factors: RateLimit<Uuid>,
    mails_to: RateLimit<(Account, Mailing)>,
    /// In development everyone who comes from this machine is the same person, at work or running tests.
    spare_this_machine: bool,
}

impl Limits {
    pub(super) fn new(spare_this_machine: bool) -> Self {
        const ONE: NonZeroU32 = NonZeroU32::MIN;
        const THIRTY: NonZeroU32 = ONE.saturating_add(29);
        Self {
            tokens: RateLimit::new(ONE.saturating_add(149), FIVE_MINUTES),
            verifications: RateLimit::new(THIRTY, FIVE_MINUTES),
            mails: RateLimit::new(THIRTY, FIVE_MINUTES),
            passwords: RateLimit::new(THIRTY, FIVE_MINUTES),
            codes: RateLimit::new(ONE.saturating_add(19), HOUR),
            factors: RateLimit::new(ONE.saturating_add(19), HOUR),
            mails_to: RateLimit::new(ONE, MINUTE),
            spare_this_machine,
        }
    }

    /// A sign-up, a sign-in or a refresh from this address.
    ///
    /// # Errors
    /// 429 with the seconds to wait; so with all of these.
    pub(super) fn token(&self, from: Option<IpAddr>) -> Result<(), AuthError> {
        self.by_address(&self.tokens, from).map_err(too_many)
    }

    /// A link or a code that this address presents.
    pub(super) fn verification(&self, from: Option<IpAddr>) -> Result<(), AuthError> {
        self.by_address(&self.verifications, from).map_err(too_many)
    }

    /// A password that is tried for this account.
    pub(super) fn password(&self, email: &str) -> Result<(), AuthError> {
        self.passwords.count(&account(email)).map_err(too_many)
    }

    /// A code of a mail that is tried for this account.
    pub(super) fn code(&self, email: &str) -> Result<(), AuthError> {
        self.codes.count(&account(email)).map_err(too_many)
    }

    /// A code of a second factor that is tried for this person.
    pub(super) fn factor(&self, user: Uuid) -> Result<(), AuthError> {
        self.factors.count(&user).map_err(too_many)
    }

    /// A mail to this account that this address asks for.
    pub(super) fn mail(&self, from: Option<IpAddr>, email: &str, what: Mailing) -> Result<(), AuthError> {
        let too_many = |wait: Duration, message: &str| {
            AuthError::new(429, Code::OverEmailSendRateLimit, message).retry_after(wait)
        };
        self.by_address(&self.mails, from).map_err(|wait| too_many(wait, "email rate limit exceeded"))?;
        self.mails_to.count(&(account(email), what)).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            // GoTrue's words.
            too_many(wait, &format!("For security purposes, you can only request this after {seconds} seconds."))
        })
    }

    fn by_address(&self, limit: &RateLimit<IpAddr>, from: Option<IpAddr>) -> Result<(), Duration> {
        match from {
            Some(address) if self.spare_this_machine && address.is_loopback() => Ok(()),
            Some(address) => limit.count(&network(address)),
            None => Ok(()),
        }
    }
}

fn account(email: &str) -> Account {
    Sha256::digest(email.as_bytes()).into()
}

fn too_many(wait: Duration) -> AuthError {
    AuthError::new(429, Code::OverRequestRateLimit, "Request rate limit reached").retry_after(wait)
}
