//! Stops asking a server that is away.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// After how many failures in a row the server counts as away.
const FAILURES: u64 = 3;
/// How often it is asked then.
const INTERVAL: Duration = Duration::from_millis(250);

/// Counts failures. While a server is away, one command in each interval finds out whether it is back; the others
/// fail at once, instead of waiting for their deadline.
pub(super) struct Breaker {
    started: Instant,
    failures: AtomicU64,
    /// The time of the next command that is let through, in milliseconds since the start.
    next: AtomicU64,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), failures: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// Returns whether a command may be sent.
    pub(super) fn permits(&self) -> bool {
        self.permits_at(self.started.elapsed())
    }

    fn permits_at(&self, now: Duration) -> bool {
        if self.failures.load(Relaxed) < FAILURES {
            return true;
        }
        let (now, next) = (now.as_millis() as u64, self.next.load(Relaxed));
        let after = now + INTERVAL.as_millis() as u64;
        now >= next && self.next.compare_exchange(next, after, Relaxed, Relaxed).is_ok()
    }

    /// Notes that the server answered.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// Notes that the server did not answer.
    pub(super) fn failed(&self) {
        self.failed_at(self.started.elapsed());
    }

    fn failed_at(&self, now: Duration) {
        // From the end of a command that failed. From its start, a client that sends one request after the other
        // would wait for the deadline each time, as the next command is due when the deadline of the last is over.
        if self.failures.fetch_add(1, Relaxed) + 1 >= FAILURES {
            self.next.fetch_max((now + INTERVAL).as_millis() as u64, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn three_failures_in_a_row_stop_commands() {
        let breaker = Breaker::new();
        for _ in 0..2 {
            breaker.failed_at(ms(0));
        }
        breaker.succeeded();
        for _ in 0..2 {
            breaker.failed_at(ms(0));
        }
        assert!(breaker.permits_at(ms(0)) && breaker.permits_at(ms(0)));
        breaker.failed_at(ms(0));
        assert!(!breaker.permits_at(ms(0)) && !breaker.permits_at(ms(249)));
    }

    #[test]
    fn one_command_in_each_interval_is_let_through() {
        let breaker = Breaker::new();
        (0..3).for_each(|_| breaker.failed_at(ms(1000)));
        let permitted = (1000..3000).filter(|&at| breaker.permits_at(ms(at)));
        assert!(permitted.eq((1250..3000).step_by(250)));
        breaker.succeeded();
        assert!(breaker.permits_at(ms(3000)) && breaker.permits_at(ms(3000)));
    }

    #[test]
    fn an_interval_begins_when_a_command_has_failed() {
        let breaker = Breaker::new();
        (0..3).for_each(|_| breaker.failed_at(ms(1000)));
        assert!(breaker.permits_at(ms(1250)));
        breaker.failed_at(ms(1500)); // after its deadline
        assert!(!breaker.permits_at(ms(1500)) && !breaker.permits_at(ms(1749)));
        assert!(breaker.permits_at(ms(1750)));
    }
}
