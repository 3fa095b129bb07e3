//! The figures of a minute.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Answer, Expected, Scheme};
use super::sample::Sample;

/// What happened in a minute. Of samples it has the worst.
#[derive(Debug, Default)]
pub struct Minute {
    /// How many requests of this scheme and kind got this status; without an answer it is 0.
    pub answers: BTreeMap<(Scheme, Expected, u16), u64>,
    pub revocations: u64,
    pub slowest_revocation: Duration,
    pub fewest_streams: Option<u64>,
    pub resident: u64,
    pub descriptors: u64,
    pub tasks: u64,
}

impl Minute {
    pub fn answer(&mut self, answer: &Answer) {
        let key = (answer.scheme, answer.expected, answer.status.unwrap_or(0));
        *self.answers.entry(key).or_default() += 1;
    }

    pub fn revocation(&mut self, took: Duration) {
        self.revocations += 1;
        self.slowest_revocation = self.slowest_revocation.max(took);
    }

    pub fn sample(&mut self, sample: &Sample) {
        let fewest = self.fewest_streams.map_or(sample.streams, |few| few.min(sample.streams));
        self.fewest_streams = Some(fewest);
        self.resident = self.resident.max(sample.resident);
        self.descriptors = self.descriptors.max(sample.descriptors);
        self.tasks = self.tasks.max(sample.tasks);
    }

    /// Returns how many requests were answered like this.
    pub fn count(&self, is_meant: impl Fn(Scheme, Expected, u16) -> bool) -> u64 {
        let meant = self
            .answers
            .iter()
            .filter(|((scheme, expected, status), _)| is_meant(*scheme, *expected, *status));
        meant.map(|(_, count)| count).sum()
    }
}
