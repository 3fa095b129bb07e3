//! Takes the time of calls with inputs of two classes.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::Instant;

use super::statistics::{Class, Comparison};

/// How many inputs are prepared at a time. They fit into the caches of a core.
const CHUNK: usize = 128;
/// How many times are taken first, to find out which ones are slow.
const WARM_UP: usize = 10_240;

/// Numbers that look random (SplitMix64), and texts of them.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(RandomState::new().hash_one("seed"))
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.number() % count as u64) as usize
    }

    /// Returns letters, digits, `-` and `_`.
    pub fn text(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(ALPHABET[self.below(64)])).collect()
    }

    fn class(&mut self) -> Class {
        if self.number() >> 63 == 0 { Class::First } else { Class::Second }
    }

    /// Returns a name as those of users are.
    pub fn name(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.number() as u8)
    }
}

/// Returns what is right in one half, and wrong in the other one: right at the beginning in the first class, and at the
/// end in the second class.
pub fn half_right(class: Class, right: &[u8], wrong: &[u8]) -> Vec<u8> {
    let (begin, end) = match class {
        Class::First => (right, wrong),
        Class::Second => (wrong, right),
    };
    let half = right.len() / 2;
    [&begin[..half], &end[half..]].concat()
}

/// Takes this many times of `call`. What it returns is dropped before the clock stops. Inputs are prepared before, a chunk
/// at a time and of classes that are drawn at random, so that neither their place in memory nor their order tells the
/// class.
pub fn compare<I, O>(
    count: u64,
    mut prepare: impl FnMut(Class, &mut Random) -> I,
    mut call: impl FnMut(&I) -> O,
) -> Comparison {
    let mut random = Random::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut times = Vec::with_capacity(CHUNK);
    let mut take = |times: &mut Vec<(Class, f64)>| {
        chunk.extend((0..CHUNK).map(|_| {
            let class = random.class();
            (class, prepare(class, &mut random))
        }));
        times.clear();
        for (class, input) in &chunk {
            let start = Instant::now();
            drop(black_box(call(black_box(input))));
            times.push((*class, start.elapsed().as_nanos() as f64));
        }
        chunk.clear();
    };
    let mut first = Vec::new();
    // As many as fit into the count, if that is small.
    while first.len() < WARM_UP.min(count as usize) {
        take(&mut times);
        first.extend(times.iter().map(|(_, time)| *time));
    }
    let mut comparison = Comparison::cropping_like(first);
    for _ in 0..count.div_ceil(CHUNK as u64) {
        take(&mut times);
        for (class, time) in &times {
            comparison.add(*class, *time);
        }
    }
    comparison
}
