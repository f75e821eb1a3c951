//! How often something may happen, counted in memory: so many in so long, refilled steadily.

use domain::Error;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock, clock::DefaultClock};
use std::{
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// After how many counts those are forgotten that have refilled and so say nothing any more.
const PRUNE_EVERY: u32 = 1024;

/// One limit, kept apart for each key. A key should be short: it is kept until it has refilled.
pub struct RateLimit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    counted: AtomicU32,
}

impl<K: Hash + Eq + Clone> fmt::Debug for RateLimit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("keys", &self.limiter.len()).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// `count` at once, and again after `period`.
    pub fn new(count: NonZeroU32, period: Duration) -> Self {
        let quota = Quota::with_period(period / count.get()).map(|quota| quota.allow_burst(count));
        // Only a period of no time is no quota; one a nanosecond limits nothing either.
        let quota = quota.unwrap_or_else(|| Quota::per_second(NonZeroU32::MAX));
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), counted: AtomicU32::new(0) }
    }

    /// Counts one more. To be called before the work that it limits, so that tries at the same time cannot pass together.
    ///
    /// # Errors
    /// How long to wait until the next one may come; what is refused does not count.
    pub fn count(&self, key: &K) -> Result<(), Duration> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % PRUNE_EVERY == PRUNE_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|refusal| refusal.wait_time_from(self.clock.now()))
    }
}

/// What whoever has to wait is told.
pub fn refusal(wait: Duration) -> Error {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    Error::RateLimited { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
}

/// What counts as one visitor: an IPv6 subscriber has a whole /64 to draw addresses from.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn limit(count: u32, period: Duration) -> RateLimit<u32> {
        RateLimit::new(NonZeroU32::new(count).unwrap(), period)
    }

    #[test]
    fn each_key_has_its_own_count_and_waits_for_its_share_of_the_period() {
        let limit = limit(3, Duration::from_secs(300));
        for _ in 0..3 {
            limit.count(&1).unwrap();
        }
        let wait = limit.count(&1).unwrap_err();
        assert!((95..=100).contains(&wait.as_secs()), "{wait:?}");
        limit.count(&2).unwrap();
    }

    #[test]
    fn what_has_refilled_is_forgotten() {
        let limit = limit(1, Duration::from_nanos(1));
        for key in 0..PRUNE_EVERY * 3 {
            let _counted = limit.count(&key);
        }
        assert!(limit.limiter.len() <= PRUNE_EVERY as usize + 1, "{limit:?}");
    }

    #[test]
    fn neighbours_in_one_subscribers_network_are_one_visitor() {
        let one = |text: &str| network(text.parse().unwrap());
        assert_eq!(one("2001:db8::1"), one("2001:db8::ffff:2"));
        assert_ne!(one("2001:db8::1"), one("2001:db8:0:1::1"));
        assert_ne!(one("192.0.2.1"), one("192.0.2.2"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
    }
}
