//! The clock of signatures: the wall clock, which may be put forward and back, and what that means
//! for signatures that were accepted before.
//!
//! Nonces are remembered for a time that the monotonic clock measures: as long as their signatures
//! are good, if the wall clock goes at the same rate. Where it is put back, a signature whose nonce
//! was forgotten would be good once more. So for each stretch of time between two steps of the wall
//! clock it is remembered which `created` times were accepted in it, and such signatures are refused
//! once their nonces may be forgotten.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::error;

/// By how many milliseconds the wall clock must differ from what it should say to have been put
/// forward or back: two readings of two clocks never quite agree.
const STEP: u64 = 1000;
/// How many stretches are told apart. The two that are closest are then joined.
const STRETCHES: usize = 16;

#[derive(Debug)]
pub(super) struct Clock {
    since: Instant,
    state: Mutex<State>,
}

/// Times are milliseconds since 1970, or since the start.
#[derive(Debug)]
struct State {
    /// What the wall clock said at the start: before any step, and by what it says now.
    started: u64,
    started_by_now: u64,
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

/// For how long, in seconds, signatures are good and nonces remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) skew: u64,
    pub(super) window: u64,
    /// The least time for which a nonce is remembered.
    pub(super) keep: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self::at(wall_millis())
    }

    fn at(started: u64) -> Self {
        let state = State { started, started_by_now: started, accepted: None, earlier: Vec::new() };
        Self { since: Instant::now(), state: Mutex::new(state) }
    }

    /// What the wall clock says, in seconds since 1970.
    pub(super) fn now(&self, terms: Terms) -> u64 {
        self.state().read(wall_millis(), self.elapsed(), terms)
    }

    /// Whether a signature with this `created` time may have been accepted by an earlier process.
    pub(super) fn is_before_start(&self, created: u64, terms: Terms) -> bool {
        self.state().is_before_start(created, terms)
    }

    /// Whether a signature with this `created` time may have been accepted before the wall clock was
    /// put back, and its nonce forgotten since.
    pub(super) fn may_be_forgotten(&self, created: u64, terms: Terms) -> bool {
        self.state().may_be_forgotten(created, self.elapsed(), terms)
    }

    /// Remembers that a signature with this `created` time is about to be accepted.
    pub(super) fn accept(&self, created: u64) {
        self.state().accept(created);
    }

    fn elapsed(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn read(&mut self, wall: u64, elapsed: u64, terms: Terms) -> u64 {
        let started = wall.saturating_sub(elapsed);
        let step = started.abs_diff(self.started_by_now);
        if step > STEP {
            self.step_to(started);
            if step / 1000 > terms.skew {
                let direction = if wall > elapsed + self.started { "ahead of" } else { "behind" };
                error!(
                    seconds = step / 1000,
                    off_since_start = started.abs_diff(self.started) / 1000,
                    "this server's clock was set by more than the skew that signatures may have: it \
                     is now {direction} what it said at the start by off_since_start seconds; \
                     signatures that may have been served before stay refused"
                );
            }
        }
        wall / 1000
    }

    fn step_to(&mut self, started: u64) {
        let stretch = |accepted| Stretch { accepted, started: self.started_by_now };
        self.earlier.extend(self.accepted.take().map(stretch));
        self.started_by_now = started;
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
    /// Where the clock was wrong at the start, an earlier process that had the same wrong clock may
    /// have accepted signatures of just before it.
    fn is_before_start(&self, created: u64, terms: Terms) -> bool {
        let (first, by_now) = (self.started / 1000, self.started_by_now / 1000);
        let just_before =
            first.saturating_sub(terms.window.saturating_add(terms.skew.saturating_mul(2)))..first;
        created < by_now || just_before.contains(&created)
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

    fn accept(&mut self, created: u64) {
        let accepted = self.accepted.get_or_insert(Accepted { first: created, last: created });
        accepted.first = accepted.first.min(created);
        accepted.last = accepted.last.max(created);
    }
}

pub(super) fn wall() -> u64 {
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

    const TERMS: Terms = Terms { skew: 60, window: 300, keep: 422 };
    const T: u64 = 1_000_000;

    fn state() -> State {
        Clock::at(T * 1000).state.into_inner().unwrap()
    }

    /// A verifier with its memory of nonces, which forgets as early as it may.
    struct Verifier {
        state: State,
        claimed: HashMap<u64, u64>,
    }

    impl Verifier {
        fn new() -> Self {
            Self { state: state(), claimed: HashMap::new() }
        }

        /// Whether a signature is accepted; `nonce` tells it apart. Times are in seconds.
        fn accepts(&mut self, wall: u64, elapsed: u64, created: u64, nonce: u64) -> bool {
            let now = self.state.read(wall * 1000, elapsed * 1000, TERMS);
            let expires = created + TERMS.window;
            let is_timely = created <= now + TERMS.skew
                && now <= expires + TERMS.skew
                && !self.state.is_before_start(created, TERMS)
                && !self.state.may_be_forgotten(created, elapsed * 1000, TERMS);
            if !is_timely {
                return false;
            }
            self.state.accept(created);
            self.claimed.retain(|_, at| elapsed - *at <= TERMS.keep);
            self.claimed.insert(nonce, elapsed).is_none()
        }
    }

    #[test]
    fn a_clock_that_was_wrong_for_one_reading_is_right_again() {
        for wrong in [T + 3600, T + 86_400 * 365, T - 3600, 0] {
            let mut verifier = Verifier::new();
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
            let state = Clock::at(start * 1000).state.into_inner().unwrap();
            let mut verifier = Verifier { state, claimed: HashMap::new() };
            assert!(verifier.accepts(T + 5, 5, T + 5, 1), "{start}");
            assert!(!verifier.accepts(T + 6, 6, T - 1, 2), "signed before the start");
        }
    }

    #[test]
    fn a_signature_that_was_forgotten_stays_refused_when_the_clock_is_put_back() {
        let mut verifier = Verifier::new();
        assert!(verifier.accepts(T + 10, 10, T + 10, 1));
        assert!(!verifier.accepts(T + 1000, 1000, T + 10, 1), "it has expired");
        assert!(!verifier.accepts(T + 20, 1010, T + 10, 1), "and is good by the clock");
        // Signatures that cannot have been served are accepted.
        assert!(verifier.accepts(T + 30, 1020, T + 30, 2));
        assert!(verifier.accepts(T + 700, 1690, T + 700, 3));
    }

    #[test]
    fn a_small_step_refuses_nothing_that_is_new() {
        let mut verifier = Verifier::new();
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
        let mut verifier = Verifier::new();
        for n in 1..1000 {
            verifier.accepts(T + 10_000 * (n % 7), n, T + 10_000 * (n % 7), n);
        }
        assert!(verifier.state.earlier.len() <= STRETCHES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Whatever the wall clock does, no signature is accepted twice; and with a clock that goes
        /// as it should, each new one is accepted.
        #[test]
        fn no_schedule_of_steps_lets_a_signature_pass_twice(
            events in prop::collection::vec(
                (prop_oneof![4 => 0..30_u64, 1 => 0..600_u64],
                 prop_oneof![12 => Just(0_i64), 2 => -700..700_i64, 1 => -90_000..90_000_i64],
                 prop::bool::ANY, 0..40_usize, -60..60_i64),
                1..250,
            ),
        ) {
            let mut verifier = Verifier::new();
            let (mut elapsed, mut offset) = (0_u64, 0_i64);
            let mut signed: Vec<(u64, u64)> = Vec::new();
            let mut served = std::collections::HashSet::new();
            let mut stepped = false;
            for (pause, step, is_replay, which, skew) in events {
                elapsed += pause;
                offset += step;
                stepped |= step != 0;
                let wall = (T as i64 + elapsed as i64 + offset) as u64;
                let (created, nonce) = match signed.iter().rev().nth(which) {
                    Some(old) if is_replay => *old,
                    _ => ((wall as i64 + skew) as u64, signed.len() as u64),
                };
                let accepted = verifier.accepts(wall, elapsed, created, nonce);
                prop_assert!(!accepted || served.insert(nonce), "served twice: {nonce}");
                if nonce == signed.len() as u64 {
                    signed.push((created, nonce));
                    prop_assert!(accepted || stepped || created < T);
                }
            }
        }
    }
}
