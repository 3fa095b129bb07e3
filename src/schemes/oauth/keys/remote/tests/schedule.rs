//! A machine that slept, whose monotonic clock stood still.

use tokio::time::Instant;

use super::*;
use crate::schemes::oauth::keys::remote::moment::Moment;
use crate::schemes::oauth::keys::remote::schedule::Schedule;

/// Returns a schedule whose keys were just fetched.
fn fetched_at(now: Moment) -> Schedule {
    let mut schedule = Schedule::new(now.instant);
    assert!(schedule.begin(now) && !schedule.begin(now));
    schedule.succeed(now, None);
    schedule
}

fn asleep(since: Moment, seconds: u64) -> Moment {
    Moment { wall: since.wall + Duration::from_secs(seconds), ..since }
}

#[test]
fn keys_are_refreshed_after_the_machine_slept() {
    let now = Moment::now();
    assert!(!fetched_at(now).begin(asleep(now, 599)));
    assert!(fetched_at(now).begin(asleep(now, 600)));
    assert!(!fetched_at(now).begin(now.after(Duration::from_secs(599))));
    assert!(fetched_at(now).begin(now.after(Duration::from_secs(600))));
}

#[test]
fn keys_end_after_the_machine_slept_for_a_day() {
    let now = Moment::now();
    let mut schedule = fetched_at(now);
    assert!(!schedule.end(asleep(now, 24 * 3600 - 1)));
    assert!(schedule.end(asleep(now, 24 * 3600)));
    assert!(!schedule.end(asleep(now, 24 * 3600)));
}

#[test]
fn a_clock_that_is_set_back_does_not_prolong_keys() {
    let now = Moment::now();
    let mut schedule = fetched_at(now);
    let later = now.after(Duration::from_secs(24 * 3600));
    let set_back = Moment { wall: now.wall - Duration::from_secs(3600), ..later };
    assert!(schedule.end(set_back));
}

#[test]
fn a_slow_fetch_does_not_shorten_the_pause_after_it() {
    let start = Moment::now();
    let mut schedule = Schedule::new(start.instant);
    assert!(schedule.begin(start));
    assert_eq!(schedule.absent(start.instant), Absent::Ask);
    let end = start.after(Duration::from_secs(15));
    schedule.succeed(end, None);
    let after = |seconds| -> Instant { end.after(Duration::from_secs(seconds)).instant };
    assert_eq!(schedule.absent(after(9)), Absent::Unknown);
    assert_eq!(schedule.absent(after(10)), Absent::Ask);
}
