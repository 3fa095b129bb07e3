//! How many attempts are allowed in how much time: GCRA, the generic cell rate algorithm, which needs
//! one number for each client.

use std::time::Duration;

/// How many attempts are allowed: a burst at once, then one in every interval.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::rate_limit::Quota;
///
/// // The default for one address: 20 attempts at once, then one every 3 seconds.
/// const PER_ADDRESS: Quota = Quota::from_static(20, Duration::from_secs(3));
///
/// let configured = Quota::new("5".parse()?, Duration::from_secs(10))?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    burst: u32,
    interval: Duration,
}

/// Why a [`Quota`] is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuota {
    /// The burst is zero, which allows no attempt at all.
    #[error("the burst of a quota is zero, which allows no attempt")]
    ZeroBurst,
    /// The interval is zero, which limits nothing.
    #[error("the interval of a quota is zero, which limits nothing")]
    ZeroInterval,
}

impl Quota {
    /// Creates a quota of `burst` attempts at once, then one every `interval`. After `burst` times
    /// `interval` without an attempt, the whole burst is allowed again.
    ///
    /// # Errors
    ///
    /// If either is zero.
    pub const fn new(burst: u32, interval: Duration) -> Result<Self, InvalidQuota> {
        if burst == 0 {
            Err(InvalidQuota::ZeroBurst)
        } else if interval.is_zero() {
            Err(InvalidQuota::ZeroInterval)
        } else {
            Ok(Self { burst, interval })
        }
    }

    /// Creates a quota from literals, see [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// If either is zero.
    #[track_caller]
    pub const fn from_static(burst: u32, interval: Duration) -> Self {
        match Self::new(burst, interval) {
            Ok(quota) => quota,
            Err(InvalidQuota::ZeroBurst) => panic!("Quota::from_static: the burst is zero"),
            Err(InvalidQuota::ZeroInterval) => panic!("Quota::from_static: the interval is zero"),
        }
    }

    /// Returns the number of attempts that are allowed at once.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// Returns the time after which one more attempt is allowed: GCRA's emission interval.
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// Returns a quota that allows `factor` times as many attempts, at once and per interval.
    pub(crate) fn times(self, factor: u32) -> Self {
        let interval = (self.interval / factor).max(Duration::from_nanos(1));
        Self { burst: self.burst.saturating_mul(factor), interval }
    }

    /// Gives back one attempt that [`next`](Self::next) counted; returns the new TAT.
    pub(super) fn give_back(self, tat: u64) -> u64 {
        tat.saturating_sub(nanos(self.interval))
    }

    /// Counts one more attempt of a client: returns its new theoretical arrival time (TAT), or how
    /// long it must wait. Times are nanoseconds since any one moment.
    ///
    /// The TAT is when the bucket of a client is full again. No sum here overflows: if a quota takes
    /// longer than 584 years, fewer attempts are allowed.
    pub(crate) fn next(self, tat: u64, now: u64) -> Result<u64, Duration> {
        let interval = nanos(self.interval);
        let max_tat = now.saturating_add(interval.saturating_mul(self.burst.into()));
        let (tat, latest) = (tat.max(now), max_tat - interval);
        if tat <= latest { Ok(tat + interval) } else { Err(Duration::from_nanos(tat - latest)) }
    }
}

/// Converts a duration to nanoseconds, of which 64 bits hold 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_then_one_per_interval() {
        let quota = Quota::from_static(3, Duration::from_secs(10));
        let mut tat = 0;
        for _ in 0..3 {
            tat = quota.next(tat, 100 * SECOND).unwrap();
        }
        let wait = |now| quota.next(tat, now).map_err(|wait| wait.as_nanos() as u64);
        assert_eq!(wait(100 * SECOND), Err(10 * SECOND));
        assert_eq!(wait(110 * SECOND - 1), Err(1));
        assert_eq!(wait(110 * SECOND), Ok(140 * SECOND));
    }

    #[test]
    fn quotas_of_any_size_neither_overflow_nor_allow_more() {
        let longest = [Duration::MAX, Duration::from_nanos(u64::MAX / 2)];
        let shortest = [Duration::from_nanos(1)];
        for interval in longest.into_iter().chain(shortest) {
            for burst in [1, 2, u32::MAX] {
                for now in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                    let quota = Quota::from_static(burst, interval);
                    let mut tat = 0;
                    let passed = (0..4).map_while(|_| {
                        tat = quota.next(tat, now).ok()?;
                        Some(())
                    });
                    assert!(passed.count() as u64 <= burst.into(), "{burst} {interval:?} {now}");
                }
            }
        }
    }

    #[test]
    fn the_longest_quota_allows_one_attempt() {
        let quota = Quota::from_static(1, Duration::MAX);
        let tat = quota.next(0, 0).unwrap();
        assert!(quota.next(tat, u64::MAX - 1).is_err());
    }

    #[test]
    fn zero_quotas_are_errors_or_panics() {
        let short = Duration::from_nanos(1);
        let quota = Quota::new(1, short).unwrap();
        assert_eq!((quota.burst(), quota.interval()), (1, short));
        assert_eq!(Quota::from_static(1, short), quota);
        assert_eq!(Quota::new(0, short), Err(InvalidQuota::ZeroBurst));
        assert_eq!(Quota::new(1, Duration::ZERO), Err(InvalidQuota::ZeroInterval));
        for (burst, interval) in [(0, short), (1, Duration::ZERO)] {
            assert!(std::panic::catch_unwind(|| Quota::from_static(burst, interval)).is_err());
        }
    }

    /// A token bucket that gains one token per interval: the model of a quota, with more than one
    /// number.
    struct Bucket {
        quota: Quota,
        /// The time in which the present tokens came in, in nanoseconds.
        filled: u128,
        at: u64,
    }

    impl Bucket {
        fn take(&mut self, now: u64) -> Result<(), u128> {
            let interval = self.quota.interval.as_nanos();
            let full = interval * u128::from(self.quota.burst);
            self.filled = full.min(self.filled + u128::from(now - self.at));
            self.at = now;
            if self.filled < interval {
                return Err(interval - self.filled);
            }
            self.filled -= interval;
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn a_quota_equals_a_token_bucket(
            burst in 1..6_u32,
            interval in 1..50_u64,
            pauses in prop::collection::vec(prop_oneof![Just(0), 0..20_u64, 0..400_u64], 1..200),
        ) {
            let quota = Quota::from_static(burst, Duration::from_nanos(interval));
            let filled = u128::from(interval) * u128::from(burst);
            let mut bucket = Bucket { quota, filled, at: 0 };
            let (mut now, mut tat) = (0, 0);
            for pause in pauses {
                now += pause;
                let next = quota.next(tat, now);
                prop_assert_eq!(next.map(drop).map_err(|wait| wait.as_nanos()), bucket.take(now));
                tat = next.unwrap_or(tat);
            }
        }
    }
}
