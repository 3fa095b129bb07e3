//! A wrong reading of the clock must not be believed forever.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const TERMS: Terms = Terms { skew: 60, window: 300, keep: 424 };
const T: u64 = 1_000_000;

fn state() -> State {
    started_at(T)
}

fn started_at(seconds: u64) -> State {
    Clock::started_at(seconds * 1000).state.into_inner().unwrap()
}

/// A verifier with its store of nonces, which forgets as early as it may.
struct Verifier {
    state: State,
    claimed: HashMap<u64, u64>,
}

impl Verifier {
    fn new() -> Self {
        Self { state: state(), claimed: HashMap::new() }
    }

    /// Returns whether a signature with this nonce is accepted. Times are in seconds.
    fn accepts(&mut self, wall: u64, elapsed: u64, created: u64, nonce: u64) -> bool {
        self.accepts_millis(wall * 1000, elapsed * 1000, created, nonce)
    }

    /// The same in milliseconds, except for `created`.
    fn accepts_millis(&mut self, wall: u64, elapsed: u64, created: u64, nonce: u64) -> bool {
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
fn one_wrong_reading_has_no_lasting_effect() {
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
fn wrong_start_time_is_corrected_by_a_later_reading() {
    for start in [T + 3600, T - 3600] {
        let mut verifier = Verifier { state: started_at(start), claimed: HashMap::new() };
        assert!(verifier.accepts(T + 5, 5, T + 5, 1), "{start}");
        assert!(!verifier.accepts(T + 6, 6, T - 1, 2), "signed before the start");
    }
}

#[test]
fn start_time_ahead_of_the_clock_rejects_nothing_later() {
    let mut verifier = Verifier { state: started_at(T + 3600), claimed: HashMap::new() };
    for second in 5..5000 {
        assert!(verifier.accepts(T + second, second, T + second, second), "{second}");
    }
}

#[test]
fn forgotten_nonce_stays_rejected_after_the_clock_is_set_back() {
    let mut verifier = Verifier::new();
    assert!(verifier.accepts(T + 10, 10, T + 10, 1));
    assert!(!verifier.accepts(T + 1000, 1000, T + 10, 1), "it has expired");
    assert!(!verifier.accepts(T + 20, 1010, T + 10, 1), "and is valid by the clock");
    // Signatures that cannot have been accepted before are accepted.
    assert!(verifier.accepts(T + 30, 1020, T + 30, 2));
    assert!(verifier.accepts(T + 700, 1690, T + 700, 3));
}

#[test]
fn clock_before_the_start_accepts_nothing_of_an_earlier_process() {
    let mut verifier = Verifier::new();
    assert!(verifier.accepts(T + 10, 10, T + 10, 1));
    // Signed an hour before the start, and accepted then by an earlier process.
    assert!(!verifier.accepts(T - 3600, 20, T - 3600, 2));
    assert!(!verifier.accepts(T - 3000, 620, T - 3000, 3));
    assert!(verifier.accepts(T + 630, 630, T + 630, 4), "right again");
}

#[test]
fn step_within_a_second_forgets_no_nonce() {
    let mut verifier = Verifier::new();
    // Signed by a clock that is ahead by the skew, and accepted while this one is ahead.
    assert!(verifier.accepts_millis(T * 1000 + 11_000, 10_000, T + 71, 1));
    // It is valid until the skew after its expiry, by this clock, which is slow by then.
    let (wall, elapsed) = (T * 1000 + 431_999, 432_999);
    assert!(!verifier.accepts_millis(wall, elapsed, T + 71, 1));
}

#[test]
fn step_during_a_verification_is_remembered() {
    let mut state = state();
    let (reading, _) = state.read((T + 10) * 1000, 10_000, TERMS);
    let (_, step) = state.read((T - 90_000) * 1000, 11_000, TERMS);
    assert!(step.is_some());
    state.accept(T + 10, reading);
    state.read((T + 10) * 1000, 1_000_000, TERMS);
    assert!(state.may_be_forgotten(T + 10, 1_000_000, TERMS));
}

#[test]
fn step_beyond_the_skew_is_reported_once() {
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
fn small_step_rejects_no_new_signature() {
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
fn memory_for_steps_is_bounded() {
    let mut verifier = Verifier::new();
    for n in 1..1000 {
        verifier.accepts(T + 10_000 * (n % 7), n, T + 10_000 * (n % 7), n);
    }
    assert!(verifier.state.earlier.len() <= MAX_PERIODS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the wall clock does, no signature is accepted twice, nor one of an earlier
    /// process; and with a clock that runs as it should, each new one is accepted.
    #[test]
    fn no_schedule_of_steps_accepts_a_signature_twice(
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
        let mut verifier = Verifier::new();
        prop_assert!(verifier.accepts(T, 0, T, u64::MAX));
        let (mut elapsed, mut offset) = (0_u64, 0_i64);
        let mut signed: Vec<(u64, u64)> = Vec::new();
        let mut accepted_nonces = std::collections::HashSet::new();
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
            let accepted = verifier.accepts_millis(wall, elapsed, created, nonce);
            prop_assert!(!accepted || accepted_nonces.insert(nonce), "accepted twice: {nonce}");
            prop_assert!(!accepted || created >= T, "accepted by an earlier process");
            if nonce == signed.len() as u64 {
                signed.push((created, nonce));
                prop_assert!(accepted || stepped || created < T);
            }
        }
    }

    /// Clients whose clock is right are accepted again as soon as the server's clock is right:
    /// after a wrong start, within the time for which a signature can be valid.
    #[test]
    fn corrected_clock_rejects_no_new_signature(
        start in prop_oneof![1 => Just(0_i64), 2 => -700..700_i64, 1 => -90_000..90_000_i64],
        events in prop::collection::vec(
            (0..100_u64,
             prop_oneof![4 => Just(0_i64), 2 => -700..700_i64, 1 => -90_000..90_000_i64]),
            1..100,
        ),
    ) {
        let start_by_server = (T as i64 + start) as u64;
        let mut verifier =
            Verifier { state: started_at(start_by_server), claimed: HashMap::new() };
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
