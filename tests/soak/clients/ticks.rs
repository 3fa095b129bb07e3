//! What is done again and again until the run ends.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::run::Run;

/// Ticks in a period, until the run ends. Those that were missed are not made up for.
pub struct Ticks<'r> {
    run: &'r Run,
    interval: Interval,
}

impl<'r> Ticks<'r> {
    pub fn of(run: &'r Run, period: Duration) -> Self {
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { run, interval }
    }

    /// Waits for the next tick. Returns false once the run has ended.
    pub async fn next(&mut self) -> bool {
        self.run.stop.run_until_cancelled(self.interval.tick()).await.is_some()
    }
}
