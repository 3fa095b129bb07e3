//! Notices that the wall clock was put back.

use std::time::Instant;

use super::shared::MAX_SKEW;
use super::time::{now, whole_millis};

/// The wall clock, compared with one that is never set.
pub(super) struct WallClock {
    read_at: Instant,
    wall: u64,
}

impl WallClock {
    pub(super) fn new() -> Self {
        Self { read_at: Instant::now(), wall: now() }
    }

    /// Returns whether it was put back since the last call, by more than clocks usually differ.
    pub(super) fn was_put_back(&mut self) -> bool {
        self.was_put_back_at(Instant::now(), now())
    }

    fn was_put_back_at(&mut self, at: Instant, wall: u64) -> bool {
        let passed = whole_millis(at.saturating_duration_since(self.read_at));
        let expected = self.wall.saturating_add(passed);
        *self = Self { read_at: at, wall };
        wall.saturating_add(whole_millis(MAX_SKEW)) < expected
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_that_is_put_back_is_noticed_once() {
        let mut clock = WallClock { read_at: Instant::now(), wall: 1_000_000 };
        let mut at = clock.read_at;
        for (wall, is_put_back) in [
            (1_002_000, false),
            (944_000, false), // by a minute
            (946_000, false),
            (887_999, true),
            (889_999, false),
            (9_000_000, false), // forward
            (9_002_000, false),
            (0, true),
        ] {
            at += Duration::from_secs(2);
            assert_eq!(clock.was_put_back_at(at, wall), is_put_back, "{wall}");
        }
    }
}
