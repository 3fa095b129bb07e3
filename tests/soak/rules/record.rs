//! What the clients recorded, and the rules that it breaks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Answer, Expected, Scheme};
use super::minute::Minute;
use super::outage::Outages;
use super::revocation::Revocation;
use super::rule::{Broken, Rule};
use super::sample::{Sample, grown, left};

/// What a run should do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub minutes: u64,
    /// How many streams are open throughout.
    pub streams: u64,
}

/// How many restarts of Redis there are.
const RESTARTS: usize = 2;
/// How many revocations there are in each minute, at least: on a slow machine a second may be left out.
const REVOCATIONS: u64 = 40;
/// How many cases of a broken rule are reported.
const REPORTED: usize = 5;

impl Plan {
    /// Returns how long memory may grow: caches of passwords and the memory of nonces fill in five minutes.
    pub fn warm_up(self) -> Duration {
        Duration::from_secs(60 * (self.minutes / 4).clamp(1, 5))
    }
}

/// The record of a run. Times are since its start.
#[derive(Debug)]
pub struct Record {
    pub(super) plan: Plan,
    pub outages: Outages,
    /// When all streams were open. The first minute begins there; what was before is minute 0.
    pub(super) opened: Option<Duration>,
    pub(super) minutes: Vec<Minute>,
    pub(super) samples: Vec<Sample>,
    /// How many revocations there were, and how long the slowest one took, by what revoked.
    pub(super) revocations: BTreeMap<&'static str, (u64, Duration)>,
    /// How often something happened that has no rule of its own.
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub start: Option<Sample>,
    pub end: Option<Sample>,
    broken: BTreeMap<Rule, (usize, Vec<String>)>,
}

impl Record {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            outages: Outages::default(),
            opened: None,
            minutes: Vec::new(),
            samples: Vec::new(),
            revocations: BTreeMap::new(),
            counts: BTreeMap::new(),
            start: None,
            end: None,
            broken: BTreeMap::new(),
        }
    }

    /// Says that all streams are open.
    pub fn opened(&mut self, at: Duration) {
        self.opened = Some(at);
    }

    pub fn answer(&mut self, answer: &Answer) {
        if let Some(broken) = answer.broken(&self.outages) {
            self.break_rule(broken);
        }
        self.minute(answer.sent).answer(answer);
    }

    /// Records that a stream ended, or had no event for too long, though its credential is valid.
    pub fn stream_ended(&mut self, scheme: Scheme, how: &str, at: Duration) {
        let how = format!("a stream ({}) {how} at {:.1} s", scheme.name(), at.as_secs_f64());
        self.break_rule(Broken::new(Rule::StreamsStayOpen, how));
    }

    pub fn revocation(&mut self, revocation: &Revocation) {
        if let Some(broken) = revocation.broken() {
            self.break_rule(broken);
        }
        let Some(took) = revocation.took else { return };
        self.minute(revocation.at).revocation(took);
        let (count, slowest) = self.revocations.entry(revocation.how).or_default();
        *count += 1;
        *slowest = (*slowest).max(took);
    }

    pub fn sample(&mut self, sample: Sample) {
        self.minute(sample.at).sample(&sample);
        if self.opened.is_some() {
            self.samples.push(sample);
        }
    }

    /// Counts something that has no rule of its own, such as a client that vanished.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Records that a rule was broken.
    pub fn break_rule(&mut self, broken: Broken) {
        let (count, reported) = self.broken.entry(broken.rule).or_default();
        *count += 1;
        if reported.len() < REPORTED {
            reported.push(broken.how);
        }
    }

    /// Returns all broken rules, at the end of the run.
    pub fn broken(&self) -> Vec<Broken> {
        let mut all = Vec::new();
        for (rule, (count, reported)) in &self.broken {
            all.extend(reported.iter().map(|how| Broken::new(*rule, how)));
            if *count > reported.len() {
                let more = count - reported.len();
                all.push(Broken::new(*rule, format!("and {more} more of {count}")));
            }
        }
        all.extend(grown(&self.samples, self.warm()));
        if let (Some(start), Some(end)) = (self.start, self.end) {
            all.extend(left(start, end));
        }
        let missing = self.missing().into_iter();
        all.extend(missing.map(|what| Broken::new(Rule::RunIsComplete, what)));
        all
    }

    /// Returns the end of the warm-up.
    pub(super) fn warm(&self) -> Duration {
        self.opened.unwrap_or_default() + self.plan.warm_up()
    }

    /// Returns what the run should have done and did not: a rule that was never tested is not kept.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut require = |is_done: bool, what: String| {
            if !is_done {
                missing.push(what);
            }
        };
        let plan = self.plan;
        for number in 1..=plan.minutes {
            let minute = usize::try_from(number).ok().and_then(|number| self.minutes.get(number));
            let Some(minute) = minute else {
                require(false, format!("there was no minute {number}"));
                continue;
            };
            for scheme in Scheme::ALL {
                let served = minute.count(|of, _, status| of == scheme && status == 200);
                let name = scheme.name();
                require(served > 0, format!("no request ({name}) was served in minute {number}"));
            }
            let fewest = minute.fewest_streams.unwrap_or(0);
            require(
                fewest >= plan.streams,
                format!("{fewest} of {} streams were open in minute {number}", plan.streams),
            );
        }
        let total = |is_meant: &dyn Fn(Scheme, Expected, u16) -> bool| -> u64 {
            self.minutes.iter().map(|minute| minute.count(is_meant)).sum()
        };
        for scheme in Scheme::ALL {
            let refused = total(&|of, expected, status| {
                (of, expected, status) == (scheme, Expected::Refused, 401)
            });
            let name = scheme.name();
            require(refused > 0, format!("no invalid request ({name}) was refused"));
        }
        let throttled = total(&|_, expected, status| (expected, status) == (Expected::Flood, 429));
        require(throttled > 0, "the flood was never throttled".into());
        let unavailable = total(&|scheme, _, status| (scheme, status) == (Scheme::Signature, 503));
        require(unavailable > 0, "no signed request met a restart of Redis".into());
        let restarts = self.outages.ended();
        require(restarts == RESTARTS, format!("Redis was restarted {restarts} times"));
        let revocations: u64 = self.minutes.iter().map(|minute| minute.revocations).sum();
        let least = REVOCATIONS * plan.minutes;
        require(revocations >= least, format!("{revocations} revocations, {least} at least"));
        for (what, least) in [
            ("reloads", plan.minutes.saturating_sub(1)),
            ("vanished clients", 1),
            ("half-open connections", 1),
            ("revoked credentials tried again", 1),
        ] {
            let count = self.counts.get(what).copied().unwrap_or(0);
            require(count >= least, format!("{count} {what}, {least} at least"));
        }
        require(self.start.is_some() && self.end.is_some(), "start or end not measured".into());
        missing
    }

    fn minute(&mut self, at: Duration) -> &mut Minute {
        let number = self.opened.and_then(|opened| at.checked_sub(opened));
        let number = number.map_or(0, |since| 1 + since.as_secs() / 60);
        let number = usize::try_from(number).expect("a run has few minutes");
        if self.minutes.len() <= number {
            self.minutes.resize_with(number + 1, Minute::default);
        }
        &mut self.minutes[number]
    }
}

#[cfg(test)]
mod tests;
