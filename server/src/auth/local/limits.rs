//! How often one address, and one account, may try. In memory: the embedded provider is one process.

use super::error::{AuthError, Code};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many in so long; refilled steadily.
#[derive(Clone, Copy, Debug)]
struct Rate {
    count: u32,
    period: Duration,
}

impl Rate {
    fn per_second(self) -> f64 {
        f64::from(self.count) / self.period.as_secs_f64()
    }
}

const FIVE_MINUTES: Duration = Duration::from_secs(300);
/// GoTrue's figure for `/token`; sign-ups, which send no mail here, count with them.
const PER_ADDRESS: Rate = Rate { count: 150, period: FIVE_MINUTES };
/// Wrong passwords for one account, from wherever they come.
const WRONG_PASSWORDS: Rate = Rate { count: 30, period: FIVE_MINUTES };
const MAX_BUCKETS: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Address(IpAddr),
    Account(String),
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets of everyone who came lately.
#[derive(Debug, Default)]
pub(super) struct Limits {
    buckets: Mutex<HashMap<Subject, Bucket>>,
}

impl Limits {
    /// Counts a request of this address.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub(super) fn count_address(&self, address: Option<IpAddr>) -> Result<(), AuthError> {
        match address {
            Some(address) => self.take(Subject::Address(network(address)), PER_ADDRESS, 1.0),
            None => Ok(()),
        }
    }

    /// Whether this account may be tried now.
    ///
    /// # Errors
    /// 429 with the seconds to wait; the same for an account that does not exist.
    pub(super) fn check_account(&self, email: &str) -> Result<(), AuthError> {
        self.take(Subject::Account(email.to_owned()), WRONG_PASSWORDS, 0.0)
    }

    pub(super) fn count_wrong_password(&self, email: &str) {
        // The request is refused anyway; what counts is the next one's check.
        let _refused = self.take(Subject::Account(email.to_owned()), WRONG_PASSWORDS, 1.0);
    }

    fn take(&self, subject: Subject, rate: Rate, amount: f64) -> Result<(), AuthError> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            // A bucket that had time to fill up says nothing any more.
            buckets.retain(|_, bucket| now.duration_since(bucket.at) < FIVE_MINUTES);
        }
        let bucket = buckets.entry(subject).or_insert(Bucket { left: f64::from(rate.count), at: now });
        let refilled = bucket.left + now.duration_since(bucket.at).as_secs_f64() * rate.per_second();
        bucket.left = refilled.min(f64::from(rate.count));
        bucket.at = now;
        if bucket.left < 1.0 {
            let wait = ((1.0 - bucket.left) / rate.per_second()).ceil();
            return Err(AuthError::new(429, Code::OverRequestRateLimit, "Request rate limit reached")
                .retry_after(Duration::from_secs_f64(wait)));
        }
        bucket.left -= amount;
        Ok(())
    }
}

/// One IPv6 subscriber has a whole /64 to draw addresses from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}
