//! The clock of signatures: the wall clock, which may be put forward and back, and what that means
//! for signatures that were accepted before.
//!
//! Nonces are remembered for a time that the monotonic clock measures: as long as their signatures
//! are good, if the wall clock goes at the same rate. Where it is put back, a signature whose nonce
//! was forgotten would be good once more. So for each stretch of time between two steps of the wall
//! clock it is remembered which `created` times were accepted in it, and such signatures are refused
//! once their nonces may be forgotten.
//!
//! What an earlier process accepted is not known. It is told by the start of this one, as soon as a
//! signature was accepted while the clock said what it did at the start: then it was right.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::error;

/// By how many milliseconds the wall clock must differ from what it should say to have been put
/// forward or back: two readings of two clocks never quite agree.
const STEP: u64 = 1000;
/// How many stretches are told apart. The two that are closest are then joined.
const STRETCHES: usize = 16;

#[derive(Debug)]
pub(crate) struct Clock {
    since: Instant,
    state: Mutex<State>,
}

/// Times are milliseconds since 1970, or since the start.
#[derive(Debug)]
struct State {
    /// What the wall clock said at the start: before any step, and by what it says now.
    started: u64,
    started_by_now: u64,
    /// Whether a signature was accepted while the clock said what it did at the start.
    is_start_confirmed: bool,
    /// The `created` times that were accepted since the last step.
    accepted: Option<Accepted>,
    /// The same of earlier stretches, of which there are few.
    earlier: Vec<Stretch>,
}

/// The first and last `created` time, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    first: u64,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Stretch {
    accepted: Accepted,
    /// What the wall clock would have said at the start.
    started: u64,
}

/// What the wall clock says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// In seconds since 1970.
    pub(crate) now: u64,
    /// What it would have said at the start, in milliseconds.
    started: u64,
}

/// A step of the wall clock, in seconds: forward, or back below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    by: i64,
    since_start: i64,
}

/// For how long, in seconds, signatures are good and nonces remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) skew: u64,
    pub(crate) window: u64,
    /// The least time for which a nonce is remembered.
    pub(crate) keep: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self::at(wall_millis())
    }

    fn at(started: u64) -> Self {
        let state = State {
            started,
            started_by_now: started,
            is_start_confirmed: false,
            accepted: None,
            earlier: Vec::new(),
        };
        Self { since: Instant::now(), state: Mutex::new(state) }
    }

    /// Reads the wall clock. A step by more than the skew is logged, once.
    pub(crate) fn read(&self, terms: Terms) -> Reading {
        let (reading, step) = self.state().read(wall_millis(), self.elapsed(), terms);
        if let Some(Step { by, since_start }) = step {
            error!(
                since_start,
                "this server's clock was put {} by {} s: signatures that may have been served before \
                 stay refused",
                if by < 0 { "back" } else { "forward" },
                by.unsigned_abs()
            );
        }
        reading
    }

    /// Whether a signature with this `created` time may have been accepted by an earlier process.
    pub(crate) fn is_before_start(&self, created: u64) -> bool {
        self.state().is_before_start(created)
    }

    /// Whether a signature with this `created` time may have been accepted before the wall clock was
    /// put back, and its nonce forgotten since.
    pub(crate) fn may_be_forgotten(&self, created: u64, terms: Terms) -> bool {
        self.state().may_be_forgotten(created, self.elapsed(), terms)
    }

    /// Remembers that a signature with this `created` time, which is good by this reading, is about
    /// to be accepted.
    pub(crate) fn accept(&self, created: u64, reading: Reading) {
        self.state().accept(created, reading);
    }

    fn elapsed(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns a step with the reading if there was one by more than the skew.
    fn read(&mut self, wall: u64, elapsed: u64, terms: Terms) -> (Reading, Option<Step>) {
        let started = wall.saturating_sub(elapsed);
        let mut seen = None;
        if started.abs_diff(self.started_by_now) > STEP {
            let seconds = |from: u64| (started as i64).saturating_sub(from as i64) / 1000;
            let step =
                Step { by: seconds(self.started_by_now), since_start: seconds(self.started) };
            seen = Some(step).filter(|step| step.by.unsigned_abs() > terms.skew);
            self.step_to(started);
        }
        (Reading { now: wall / 1000, started: self.started_by_now }, seen)
    }

    fn step_to(&mut self, started: u64) {
        if let Some(accepted) = self.accepted.take() {
            self.remember(Stretch { accepted, started: self.started_by_now });
        }
        self.started_by_now = started;
    }

    fn remember(&mut self, stretch: Stretch) {
        self.earlier.push(stretch);
        if self.earlier.len() > STRETCHES {
            self.join_closest();
        }
    }

    fn join_closest(&mut self) {
        self.earlier.sort_unstable_by_key(|stretch| stretch.accepted.first);
        let gap = |pair: &[Stretch]| pair[1].accepted.first.saturating_sub(pair[0].accepted.last);
        let pairs = self.earlier.windows(2).enumerate();
        let Some((at, _)) = pairs.min_by_key(|(_, pair)| gap(pair)) else { return };
        let other = self.earlier.remove(at + 1);
        let stretch = &mut self.earlier[at];
        stretch.accepted.last = stretch.accepted.last.max(other.accepted.last);
        stretch.started = stretch.started.max(other.started);
    }

    /// Times are whole seconds and the client's: a signature of the very second of the start cannot
    /// be told from a new one.
    ///
    /// Where the clock was put back since, the start is what it said at first if that is confirmed.
    /// If not, it may have been wrong.
    fn is_before_start(&self, created: u64) -> bool {
        let start = match self.is_start_confirmed {
            true => self.started.max(self.started_by_now),
            false => self.started_by_now,
        };
        created < start / 1000
    }

    fn may_be_forgotten(&self, created: u64, elapsed: u64, terms: Terms) -> bool {
        // Nonces that were claimed by then may be forgotten.
        let Some(forgotten) = elapsed.checked_sub(terms.keep.saturating_mul(1000)) else {
            return false;
        };
        self.earlier.iter().any(|stretch| {
            let last_forgotten =
                ((stretch.started + forgotten) / 1000).saturating_add(terms.skew.saturating_add(1));
            let last = stretch.accepted.last.min(last_forgotten);
            (stretch.accepted.first..=last).contains(&created)
        })
    }

    fn accept(&mut self, created: u64, reading: Reading) {
        self.is_start_confirmed |= reading.started.abs_diff(self.started) <= STEP;
        let now = Accepted { first: created, last: created };
        if reading.started != self.started_by_now {
            // There was a step in between.
            return self.remember(Stretch { accepted: now, started: reading.started });
        }
        let accepted = self.accepted.get_or_insert(now);
        accepted.first = accepted.first.min(created);
        accepted.last = accepted.last.max(created);
    }
}

pub(crate) fn wall() -> u64 {
    wall_millis() / 1000
}

fn wall_millis() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// The kind of fault: one wrong reading is believed for ever.
#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms = Terms { skew: 60, window: 300, keep: 424 };
    const T: u64 = 1_000_000;

    fn state() -> State {
        started_at(T)
    }

    fn started_at(seconds: u64) -> State {
        Clock::at(seconds * 1000).state.into_inner().unwrap()
    }

    /// A verifier with its memory of nonces, which forgets as early as it may.
    struct Hasher {
        state: State,
        claimed: HashMap<u64, u64>,
    }

    impl Hasher {
        fn new() -> Self {
            Self { state: state(), claimed: HashMap::new() }
        }

        /// Whether a signature is accepted; `nonce` tells it apart. Times are in seconds.
        fn accepts(&mut self, wall: u64, elapsed: u64, created: u64, nonce: u64) -> bool {
            self.accepts_at(wall * 1000, elapsed * 1000, created, nonce)
        }

        /// The same in milliseconds, except for `created`.
        fn accepts_at(&mut self, wall: u64, elapsed: u64, created: u64, nonce: u64) -> bool {
            let (reading, _) = self.state.read(wall, elapsed, TERMS);
            let expires = created + TERMS.window;
            let is_timely = created <= reading.now + TERMS.skew
                && reading.now <= expires + TERMS.skew
                && !self.state.is_before_start(created)
                && !self.state.may_be_forgotten(created, elapsed, TERMS);
            if !is_timely {
                return false;
            }
            self.state.accept(created, reading);
            self.claimed.retain(|_, at| elapsed - *at < TERMS.keep * 1000);
            self.claimed.insert(nonce, elapsed).is_none()
        }
    }

    #[test]
    fn a_clock_that_was_wrong_for_one_reading_is_right_again() {
        for wrong in [T + 3600, T + 86_400 * 365, T - 3600, 0] {
            let mut verifier = Hasher::new();
            assert!(verifier.accepts(T + 1, 1, T + 1, 1));
            assert!(!verifier.accepts(wrong, 2, T + 2, 2));
            assert!(verifier.accepts(T + 3, 3, T + 3, 3), "{wrong}");
            assert!(!verifier.accepts(T + 4, 4, T + 3, 3), "a replay, {wrong}");
            assert!(verifier.accepts(T + 5000, 5000, T + 5000, 4), "{wrong}");
        }
    }

    #[test]
    fn a_clock_that_was_wrong_at_the_start_is_right_once_it_is_set() {
        for start in [T + 3600, T - 3600] {
            let mut verifier = Hasher { state: started_at(start), claimed: HashMap::new() };
            assert!(verifier.accepts(T + 5, 5, T + 5, 1), "{start}");
            assert!(!verifier.accepts(T + 6, 6, T - 1, 2), "signed before the start");
        }
    }

    #[test]
    fn a_clock_that_was_ahead_at_the_start_is_not_refused_later() {
        let mut verifier = Hasher { state: started_at(T + 3600), claimed: HashMap::new() };
        for second in 5..5000 {
            assert!(verifier.accepts(T + second, second, T + second, second), "{second}");
        }
    }

    #[test]
    fn a_signature_that_was_forgotten_stays_refused_when_the_clock_is_put_back() {
        let mut verifier = Hasher::new();
        assert!(verifier.accepts(T + 10, 10, T + 10, 1));
        assert!(!verifier.accepts(T + 1000, 1000, T + 10, 1), "it has expired");
        assert!(!verifier.accepts(T + 20, 1010, T + 10, 1), "and is good by the clock");
        // Signatures that cannot have been served are accepted.
        assert!(verifier.accepts(T + 30, 1020, T + 30, 2));
        assert!(verifier.accepts(T + 700, 1690, T + 700, 3));
    }

    #[test]
    fn a_clock_before_the_start_serves_nothing_of_an_earlier_process() {
        let mut verifier = Hasher::new();
        assert!(verifier.accepts(T + 10, 10, T + 10, 1));
        // Signed an hour before the start, and served then by an earlier process.
        assert!(!verifier.accepts(T - 3600, 20, T - 3600, 2));
        assert!(!verifier.accepts(T - 3000, 620, T - 3000, 3));
        assert!(verifier.accepts(T + 630, 630, T + 630, 4), "right again");
    }

    #[test]
    fn an_unnoticed_step_within_a_second_forgets_no_nonce() {
        let mut verifier = Hasher::new();
        // Signed by a clock that is ahead by the skew, and accepted while this one is ahead.
        assert!(verifier.accepts_at(T * 1000 + 11_000, 10_000, T + 71, 1));
        // It is good until the skew after its end, by this clock, which is behind by then.
        let (wall, elapsed) = (T * 1000 + 431_999, 432_999);
        assert!(!verifier.accepts_at(wall, elapsed, T + 71, 1));
    }

    #[test]
    fn a_step_while_a_signature_is_verified_hides_nothing() {
        let mut state = state();
        let (reading, _) = state.read((T + 10) * 1000, 10_000, TERMS);
        let (_, step) = state.read((T - 90_000) * 1000, 11_000, TERMS);
        assert!(step.is_some());
        state.accept(T + 10, reading);
        state.read((T + 10) * 1000, 1_000_000, TERMS);
        assert!(state.may_be_forgotten(T + 10, 1_000_000, TERMS));
    }

    #[test]
    fn a_step_beyond_the_skew_is_reported_once() {
        let mut state = state();
        let mut step = |wall: u64, elapsed: u64| {
            state.read(wall * 1000, elapsed * 1000, TERMS).1.map(|step| (step.by, step.since_start))
        };
        assert_eq!(step(T + 1, 1), None);
        assert_eq!(step(T + 3602, 2), Some((3600, 3600)));
        assert_eq!(step(T + 3603, 3), None);
        assert_eq!(step(T + 3663, 4), None, "by less than the skew");
        assert_eq!(step(T + 5, 5), Some((-3659, 0)));
        assert_eq!(step(T + 6, 6), None);
        assert_eq!(step(T - 3593, 7), Some((-3600, -3600)));
    }

    #[test]
    fn a_small_step_refuses_nothing_that_is_new() {
        let mut verifier = Hasher::new();
        for second in 1..1000 {
            assert!(verifier.accepts(T + second, second, T + second, second), "{second}");
        }
        for second in 1000..3000 {
            let wall = T + second - 5;
            assert!(verifier.accepts(wall, second, wall, second), "{second}");
        }
    }

    #[test]
    fn many_steps_are_remembered_in_bounded_memory() {
        let mut verifier = Hasher::new();
        for n in 1..1000 {
            verifier.accepts(T + 10_000 * (n % 7), n, T + 10_000 * (n % 7), n);
        }
        assert!(verifier.state.earlier.len() <= STRETCHES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Whatever the wall clock does, no signature is accepted twice, nor one of an earlier
        /// process; and with a clock that goes as it should, each new one is accepted.
        #[test]
        fn no_schedule_of_steps_lets_a_signature_pass_twice(
            events in prop::collection::vec(
                (prop_oneof![4 => 0..30_000_u64, 1 => 0..600_000_u64],
                 prop_oneof![
                     9 => Just(0_i64),
                     3 => -1000..1000_i64,
                     2 => -700_000..700_000_i64,
                     1 => -90_000_000..90_000_000_i64,
                 ],
                 prop::bool::ANY, 0..40_usize, -60..60_i64),
                1..250,
            ),
        ) {
            let mut verifier = Hasher::new();
            prop_assert!(verifier.accepts(T, 0, T, u64::MAX));
            let (mut elapsed, mut offset) = (0_u64, 0_i64);
            let mut signed: Vec<(u64, u64)> = Vec::new();
            let mut served = std::collections::HashSet::new();
            let mut stepped = false;
            for (pause, step, is_replay, which, skew) in events {
                elapsed += pause;
                offset += step;
                stepped |= step != 0;
                let wall = (T as i64 * 1000 + elapsed as i64 + offset) as u64;
                let (created, nonce) = match signed.iter().rev().nth(which) {
                    Some(old) if is_replay => *old,
                    _ => ((wall as i64 / 1000 + skew) as u64, signed.len() as u64),
                };
                let accepted = verifier.accepts_at(wall, elapsed, created, nonce);
                prop_assert!(!accepted || served.insert(nonce), "served twice: {nonce}");
                prop_assert!(!accepted || created >= T, "served by an earlier process");
                if nonce == signed.len() as u64 {
                    signed.push((created, nonce));
                    prop_assert!(accepted || stepped || created < T);
                }
            }
        }

        /// Clients whose clock is right are let in again as soon as the server's clock is right:
        /// after a wrong start, within the time for which a signature can be good.
        #[test]
        fn a_clock_that_is_right_again_refuses_nothing_that_is_new(
            start in prop_oneof![1 => Just(0_i64), 2 => -700..700_i64, 1 => -90_000..90_000_i64],
            events in prop::collection::vec(
                (0..100_u64,
                 prop_oneof![4 => Just(0_i64), 2 => -700..700_i64, 1 => -90_000..90_000_i64]),
                1..100,
            ),
        ) {
            let start_by_server = (T as i64 + start) as u64;
            let mut verifier =
                Hasher { state: started_at(start_by_server), claimed: HashMap::new() };
            let mut elapsed = 0_u64;
            for (nonce, (pause, offset)) in events.into_iter().enumerate() {
                elapsed += pause;
                let right = T + elapsed;
                let wall = (right as i64 + offset) as u64;
                let accepted = verifier.accepts(wall, elapsed, right, nonce as u64);
                let has_recovered = start == 0 || elapsed > TERMS.window + 2 * TERMS.skew;
                prop_assert!(accepted || offset != 0 || !has_recovered, "{right}");
            }
        }
    }
}
