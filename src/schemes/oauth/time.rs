//! The times of a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::members::NumericDate;

/// Returns a time as the system has it.
pub(super) fn system_time(date: NumericDate) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(date.0).ok()?)
}
