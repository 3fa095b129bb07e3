//! How many attempts in how much time: GCRA, the generic cell rate algorithm, which needs one
//! number for each client.

use std::time::Duration;

/// How often something may be tried: so many times at once, then once in every period.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::Quota;
///
/// // What one address may try by default: 20 times at once, then once every 3 seconds.
/// let limit = Quota::new(20, Duration::from_secs(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    burst: u32,
    every: Duration,
}

impl Quota {
    /// So many at once, then one every so often. After `burst` times `every` without a try, as many
    /// at once are free again.
    ///
    /// # Panics
    ///
    /// If either is zero: the first would let nobody try, the second everybody without end.
    pub const fn new(burst: u32, every: Duration) -> Self {
        assert!(burst > 0, "Quota::new: nobody could ever try");
        assert!(!every.is_zero(), "Quota::new: this would limit nothing");
        Self { burst, every }
    }

    /// Allows `factor` times as many attempts, at once and per period.
    pub(super) fn times(self, factor: u32) -> Self {
        let every = (self.every / factor).max(Duration::from_nanos(1));
        Self { burst: self.burst.saturating_mul(factor), every }
    }

    /// Takes back one attempt that [`next`](Self::next) counted.
    pub(super) fn give_back(self, paid_at: u64) -> u64 {
        paid_at.saturating_sub(nanos(self.every))
    }

    /// One more attempt of a client whose earlier ones are paid for at `paid_at`: when it will be
    /// paid for, too. If it must wait, for how long. Times are nanoseconds since any one moment.
    ///
    /// No sum here overflows: where a limit is longer than time itself, fewer tries are free.
    pub(super) fn next(self, paid_at: u64, now: u64) -> Result<u64, Duration> {
        let every = nanos(self.every);
        let deepest = now.saturating_add(every.saturating_mul(self.burst.into()));
        let (paid_at, latest) = (paid_at.max(now), deepest - every);
        match paid_at <= latest {
            true => Ok(paid_at + every),
            false => Err(Duration::from_nanos(paid_at - latest)),
        }
    }
}

/// In nanoseconds, of which 64 bits hold 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_then_one_every_so_often() {
        let limit = Quota::new(3, Duration::from_secs(10));
        let mut paid_at = 0;
        for _ in 0..3 {
            paid_at = limit.next(paid_at, 100 * SECOND).unwrap();
        }
        let wait = |now| limit.next(paid_at, now).map_err(|wait| wait.as_nanos() as u64);
        assert_eq!(wait(100 * SECOND), Err(10 * SECOND));
        assert_eq!(wait(110 * SECOND - 1), Err(1));
        assert_eq!(wait(110 * SECOND), Ok(140 * SECOND));
    }

    #[test]
    fn limits_of_any_size_neither_overflow_nor_let_more_pass() {
        let longest = [Duration::MAX, Duration::from_nanos(u64::MAX / 2)];
        let shortest = [Duration::from_nanos(1)];
        for every in longest.into_iter().chain(shortest) {
            for burst in [1, 2, u32::MAX] {
                for now in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                    let limit = Quota::new(burst, every);
                    let mut paid_at = 0;
                    let passed = (0..4).map_while(|_| {
                        paid_at = limit.next(paid_at, now).ok()?;
                        Some(())
                    });
                    assert!(passed.count() as u64 <= burst.into(), "{burst} {every:?} {now}");
                }
            }
        }
    }

    #[test]
    fn the_longest_limit_lets_one_pass_for_ever() {
        let limit = Quota::new(1, Duration::MAX);
        let paid_at = limit.next(0, 0).unwrap();
        assert!(limit.next(paid_at, u64::MAX - 1).is_err());
    }

    #[test]
    fn a_limit_that_is_none_cannot_be_made() {
        let made = |burst, every| std::panic::catch_unwind(|| Quota::new(burst, every)).is_ok();
        assert!(made(1, Duration::from_nanos(1)));
        assert!(!made(0, Duration::from_nanos(1)));
        assert!(!made(1, Duration::ZERO));
    }

    /// A bucket of tokens, one of which drips in every period: what a limit has to do, done with
    /// more than one number.
    struct Bucket {
        limit: Quota,
        /// In nanoseconds of dripping.
        filled: u128,
        at: u64,
    }

    impl Bucket {
        fn take(&mut self, now: u64) -> Result<(), u128> {
            let every = self.limit.every.as_nanos();
            let full = every * u128::from(self.limit.burst);
            self.filled = full.min(self.filled + u128::from(now - self.at));
            self.at = now;
            if self.filled < every {
                return Err(every - self.filled);
            }
            self.filled -= every;
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_bucket_of_tokens_does(
            burst in 1..6_u32,
            every in 1..50_u64,
            pauses in prop::collection::vec(prop_oneof![Just(0), 0..20_u64, 0..400_u64], 1..200),
        ) {
            let limit = Quota::new(burst, Duration::from_nanos(every));
            let filled = u128::from(every) * u128::from(burst);
            let mut bucket = Bucket { limit, filled, at: 0 };
            let (mut now, mut paid_at) = (0, 0);
            for pause in pauses {
                now += pause;
                let next = limit.next(paid_at, now);
                prop_assert_eq!(next.map(drop).map_err(|wait| wait.as_nanos()), bucket.take(now));
                paid_at = next.unwrap_or(paid_at);
            }
        }
    }
}
