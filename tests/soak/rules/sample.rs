//! What the server takes of the machine, and whether that grows.

use std::time::Duration;

use super::rule::{Broken, Rule};

/// A measurement of the server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    pub at: Duration,
    /// Resident memory in KiB.
    pub resident: u64,
    pub descriptors: u64,
    pub tasks: u64,
    /// The streams that the clients have open.
    pub streams: u64,
}

/// How much the memory may grow, in percent.
const GROWTH: u64 = 5;

/// Returns the memory that later samples are compared with: the median of the first minute from this time on.
pub fn baseline(samples: &[Sample], warm: Duration) -> Option<u64> {
    let first = samples.iter().filter(|sample| sample.at >= warm);
    let first = first.filter(|sample| sample.at < warm + Duration::from_secs(60));
    let mut resident: Vec<_> = first.map(|sample| sample.resident).collect();
    resident.sort_unstable();
    resident.get(resident.len() / 2).copied()
}

/// Returns the most memory that was resident after this time.
pub fn highest(samples: &[Sample], warm: Duration) -> Option<Sample> {
    let warm = samples.iter().filter(|sample| sample.at >= warm);
    warm.max_by_key(|sample| sample.resident).copied()
}

/// Returns the rule that is broken, if the memory grew after the warm-up.
pub fn grown(samples: &[Sample], warm: Duration) -> Option<Broken> {
    let (baseline, highest) = (baseline(samples, warm)?, highest(samples, warm)?);
    if highest.resident * 100 <= baseline * (100 + GROWTH) {
        return None;
    }
    let percent = highest.resident as f64 / baseline as f64 * 100.0 - 100.0;
    let (at, highest) = (highest.at.as_secs_f64(), highest.resident);
    let text = format!("{highest} KiB at {at:.0} s after {baseline} KiB: {percent:.1} % more");
    Some(Broken::new(Rule::MemoryIsFlat, text))
}

/// Returns the rules that are broken, if something is left at the end.
pub fn left(start: Sample, end: Sample) -> impl Iterator<Item = Broken> {
    let compare = |rule, start, end| {
        let text = format!("{end} at the end, {start} at the start");
        (end > start).then(|| Broken::new(rule, text))
    };
    let descriptors = compare(Rule::DescriptorsReturn, start.descriptors, end.descriptors);
    let tasks = compare(Rule::TasksReturn, start.tasks, end.tasks);
    descriptors.into_iter().chain(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARM: Duration = Duration::from_secs(60);

    fn samples(resident: impl Fn(u64) -> u64) -> Vec<Sample> {
        let at = |second| Sample {
            at: Duration::from_secs(second),
            resident: resident(second),
            ..Sample::default()
        };
        (0..300).step_by(2).map(at).collect()
    }

    #[test]
    fn memory_may_grow_before_the_warm_up_ends() {
        assert_eq!(grown(&samples(|second| 1000 * second.min(60)), WARM), None);
    }

    #[test]
    fn memory_may_not_leak() {
        let of = |leak: u64| grown(&samples(|second| 100_000 + leak * second), WARM);
        assert_eq!(of(20), None);
        assert_eq!(of(30).unwrap().rule, Rule::MemoryIsFlat);
    }

    #[test]
    fn memory_may_not_peak() {
        let of = |peak: u64| grown(&samples(|at| if at == 200 { peak } else { 1000 }), WARM);
        assert_eq!(of(1050), None);
        assert_eq!(of(1051).unwrap().rule, Rule::MemoryIsFlat);
    }

    #[test]
    fn nothing_may_be_left_at_the_end() {
        let start = Sample { descriptors: 20, tasks: 10, ..Sample::default() };
        let rules = |end| left(start, end).map(|broken| broken.rule).collect::<Vec<_>>();
        assert_eq!(rules(start), []);
        assert_eq!(rules(Sample { descriptors: 21, ..start }), [Rule::DescriptorsReturn]);
        assert_eq!(rules(Sample { tasks: 11, ..start }), [Rule::TasksReturn]);
    }
}
