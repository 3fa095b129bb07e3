//! When Redis is away, and for how long signed requests are refused after it is back.

use std::time::Duration;

/// A restart of Redis. Times are since the start of the run.
#[derive(Clone, Copy, Debug)]
struct Outage {
    began: Duration,
    /// When the process had ended; `None` until then.
    killed: Option<Duration>,
    /// The moment before the process is started again; `None` while it is away.
    started: Option<Duration>,
    /// The end of the time in which signed requests may be refused; `None` until that is known.
    recovered: Option<Duration>,
}

/// All restarts of Redis.
#[derive(Debug, Default)]
pub struct Outages(Vec<Outage>);

impl Outages {
    /// Says that Redis is about to be killed.
    pub fn begin(&mut self, at: Duration) {
        self.0.push(Outage { began: at, killed: None, started: None, recovered: None });
    }

    /// Says that the process has ended.
    pub fn killed(&mut self, at: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.killed = Some(at);
        }
    }

    /// Says that Redis is about to be started again.
    pub fn started(&mut self, at: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.started = Some(at);
        }
    }

    /// Says that signed requests must be served again.
    pub fn recovered(&mut self, at: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.recovered = Some(at);
        }
    }

    /// Returns how many have ended.
    pub fn ended(&self) -> usize {
        self.0.iter().filter(|outage| outage.recovered.is_some()).count()
    }

    /// Returns whether a signed request between these times may get 503.
    pub fn excuse(&self, sent: Duration, answered: Duration) -> bool {
        self.0.iter().any(|outage| {
            answered >= outage.began && outage.recovered.is_none_or(|end| sent <= end)
        })
    }

    /// Returns whether there was no Redis at all between these times.
    pub fn cover(&self, sent: Duration, answered: Duration) -> bool {
        self.0.iter().any(|outage| {
            outage.killed.is_some_and(|killed| sent > killed)
                && outage.started.is_none_or(|start| answered < start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(at: u64) -> Duration {
        Duration::from_secs(at)
    }

    fn outages() -> Outages {
        let mut outages = Outages::default();
        outages.begin(seconds(9));
        outages.killed(seconds(10));
        outages.started(seconds(13));
        outages.recovered(seconds(20));
        outages
    }

    #[test]
    fn outage_excuses_requests_that_overlap_with_it() {
        let outages = outages();
        assert!(!outages.excuse(seconds(7), seconds(8)));
        assert!(outages.excuse(seconds(7), seconds(9)));
        assert!(outages.excuse(seconds(20), seconds(21)));
        assert!(!outages.excuse(seconds(21), seconds(22)));
    }

    #[test]
    fn outage_excuses_until_it_has_ended() {
        let mut outages = outages();
        assert!(!outages.excuse(seconds(90), seconds(91)));
        outages.begin(seconds(80));
        assert!(outages.excuse(seconds(90), seconds(91)));
        assert_eq!(outages.ended(), 1);
    }

    #[test]
    fn redis_may_answer_until_it_has_ended() {
        let mut outages = Outages::default();
        outages.begin(seconds(9));
        assert!(!outages.cover(seconds(11), seconds(12)));
        outages.killed(seconds(10));
        assert!(outages.cover(seconds(11), seconds(12)));
    }

    #[test]
    fn redis_is_away_from_its_end_to_its_start() {
        let outages = outages();
        assert!(outages.cover(seconds(11), seconds(12)));
        assert!(!outages.cover(seconds(10), seconds(12)), "it may have been answered before");
        assert!(!outages.cover(seconds(11), seconds(13)), "it may have been answered after");
    }
}
