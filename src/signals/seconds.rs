//! Times in claims.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Seconds since 1970 (`NumericDate` of RFC 7519 §2).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Seconds(pub(super) f64);

impl Seconds {
    /// The start of the year 5138. A greater number is one of milliseconds.
    const MAX: f64 = 100_000_000_000.0;

    /// Reads a time. `None` if it is no number, or not between the years 1970 and 5138.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let seconds = value.as_f64().filter(|seconds| (0.0..Self::MAX).contains(seconds));
        seconds.map(Self)
    }

    /// Reads a time that may be in milliseconds, as early drafts of CAEP had it in their examples.
    pub(super) fn read_or_milliseconds(value: &Value) -> Option<Self> {
        let number = value.as_f64()?;
        let seconds = if number < Self::MAX { number } else { number / 1_000.0 };
        (0.0..Self::MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// Returns the time as seconds. `None` before 1970, when nothing is valid.
    pub(super) fn of(time: SystemTime) -> Option<Self> {
        Some(Self(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64()))
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs_f64())
    }

    pub(super) fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// Returns the time as the system has it. It is one that was [read](Self::read).
    pub(super) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(self.0.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        let read = |value| Seconds::read(&value).map(|Seconds(seconds)| seconds);
        assert_eq!(read(json!(0)), Some(0.0));
        assert_eq!(read(json!(1615304991.5)), Some(1615304991.5));
        for other in
            [json!(-1), json!("1615304991"), json!(null), json!(1615304991643u64), json!(1e300)]
        {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn large_times_are_milliseconds_where_that_is_known() {
        let read = |value| Seconds::read_or_milliseconds(&value).map(|Seconds(seconds)| seconds);
        assert_eq!(read(json!(1615304991)), Some(1615304991.0));
        assert_eq!(read(json!(1615304991643u64)), Some(1615304991.643));
        for other in [json!(-1), json!("1"), json!(1e300), json!(1e14)] {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }
}
