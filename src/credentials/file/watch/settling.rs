//! Decides when a changed file is complete, as some programs write in pieces.

use std::time::{Duration, Instant};

use super::file_version::FileVersion;

/// The pause between two reads. A change is applied once two successive reads find the same version …
pub(super) const QUIET: Duration = Duration::from_millis(50);
/// … and after this time at the latest. A file without credentials must stay the same for as long:
/// it revokes all of them, and may be about to be written.
pub(super) const QUIET_MAX: Duration = Duration::from_millis(500);

/// The versions that successive reads of a changed file have found.
pub(super) struct Settling {
    started: Instant,
    /// The version that the last read found; `None` if it failed.
    version: Option<FileVersion>,
    since: Instant,
    blank_quiet: Duration,
}

impl Settling {
    /// Begins with the version that is known already.
    pub(super) fn new(
        version: Option<FileVersion>,
        started: Instant,
        blank_quiet: Duration,
    ) -> Self {
        Self { started, version, since: started, blank_quiet }
    }

    /// Records what a read has found, and returns whether it can be applied.
    pub(super) fn has_settled(
        &mut self,
        version: Option<FileVersion>,
        is_blank: bool,
        now: Instant,
    ) -> bool {
        let is_same = version == self.version;
        if !is_same {
            self.version = version;
            self.since = now;
        }
        if is_blank {
            is_same && now - self.since >= self.blank_quiet
        } else {
            is_same || now - self.started >= QUIET_MAX
        }
    }

    /// Returns whether to give up until the next poll.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        now - self.started >= 2 * QUIET_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(len: u64) -> Option<FileVersion> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(len).unwrap();
        Some(FileVersion::from(&file.metadata().unwrap()))
    }

    #[test]
    fn change_settles_with_the_second_equal_read() {
        let (a, b, c) = (version(1), version(2), version(3));
        let start = Instant::now();
        let mut settling = Settling::new(a, start, QUIET_MAX);
        assert!(!settling.has_settled(b, false, start));
        assert!(!settling.has_settled(c.clone(), false, start + QUIET));
        assert!(settling.has_settled(c, false, start + 2 * QUIET));
    }

    #[test]
    fn file_that_keeps_changing_is_applied_after_the_maximum() {
        let start = Instant::now();
        let mut settling = Settling::new(version(0), start, QUIET_MAX);
        let almost = start + QUIET_MAX - Duration::from_nanos(1);
        assert!(!settling.has_settled(version(1), false, almost));
        assert!(settling.has_settled(version(2), false, start + QUIET_MAX));
    }

    #[test]
    fn blank_file_settles_after_the_maximum_without_a_change() {
        let (a, b) = (version(1), version(2));
        let start = Instant::now();
        let mut settling = Settling::new(version(0), start, QUIET_MAX);
        assert!(!settling.has_settled(a.clone(), true, start));
        assert!(!settling.has_settled(a, true, start + QUIET_MAX - Duration::from_nanos(1)));
        let changed = start + QUIET_MAX;
        assert!(!settling.has_settled(b.clone(), true, changed), "it changed again");
        assert!(!settling.has_settled(b.clone(), true, changed + QUIET));
        assert!(settling.has_settled(b, true, changed + QUIET_MAX));
    }

    #[test]
    fn settling_is_given_up_after_twice_the_maximum() {
        let start = Instant::now();
        let settling = Settling::new(None, start, QUIET_MAX);
        assert!(!settling.is_overdue(start + QUIET_MAX));
        assert!(settling.is_overdue(start + 2 * QUIET_MAX));
    }
}
