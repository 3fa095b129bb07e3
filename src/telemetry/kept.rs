//! Counters that are looked up in the recorder once.

use std::sync::OnceLock;

use metrics::Counter;

/// The counters of up to `N` sets of labels. Each is looked up when it is first needed: a recorder must be installed
/// before that.
pub(super) struct Kept<K, const N: usize>([OnceLock<(K, Counter)>; N]);

impl<K: PartialEq + Clone, const N: usize> Kept<K, N> {
    pub(super) fn new() -> Self {
        Self([const { OnceLock::new() }; N])
    }

    /// Counts one for these labels. Those for which there is no room are looked up each time.
    pub(super) fn increment(&self, labels: &K, look_up: impl Fn(K) -> Counter) {
        for slot in &self.0 {
            let (known, counter) = slot.get_or_init(|| (labels.clone(), look_up(labels.clone())));
            if known == labels {
                return counter.increment(1);
            }
        }
        look_up(labels.clone()).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn each_counter_is_looked_up_once_while_there_is_room() {
        let kept = Kept::<u8, 2>::new();
        let look_ups = Cell::new(0);
        let count = |labels| {
            kept.increment(&labels, |_| {
                look_ups.set(look_ups.get() + 1);
                Counter::noop()
            });
            look_ups.get()
        };
        assert_eq!([1, 1, 2, 1, 2].map(count), [1, 1, 2, 2, 2]);
        assert_eq!([3, 3].map(count), [3, 4], "there is no room");
        assert_eq!([1, 2].map(count), [4, 4]);
    }
}
