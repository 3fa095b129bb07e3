//! Times as the log of revocations has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns a time in milliseconds since the Unix epoch. Earlier times are 0.
pub(super) fn millis(time: SystemTime) -> u64 {
    whole_millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Returns the time that it is now.
pub(super) fn now() -> u64 {
    millis(SystemTime::now())
}

/// Returns a duration in milliseconds.
pub(super) fn whole_millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
