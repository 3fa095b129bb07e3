//! The script against the rules in memory, with one clock that jumps.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use mcp_auth_layer::stores::AttemptStep::{Charge, Check, GiveBack, Remember, Take};
use mcp_auth_layer::stores::{
    AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, MemoryAttemptStore,
};
use redis::Script;
use redis::aio::MultiplexedConnection;

use super::*;

const STEPS: usize = 5000;
/// When the test begins by the clock of the scripts, in microseconds since 1970.
const BEGIN: u64 = 1_795_000_000_000_000;

/// The scripts, called with a time and with keys of the test's own.
struct Scripts {
    attempt: Script,
    remember: Script,
    connection: MultiplexedConnection,
}

impl Scripts {
    async fn apply(&mut self, step: AttemptStep, keys: &AttemptKeys, now: u64) -> AttemptStatus {
        let subjects: Vec<_> = keys.subjects().collect();
        let sets: Vec<_> = subjects.iter().map(|subject| format!("set {subject}")).collect();
        let pair = |subject: &u64| format!("known {subject} {}", keys.client());
        let pairs: Vec<_> = subjects.iter().map(pair).collect();
        let counters: Vec<_> = keys.counters().map(|counter| counter.key.to_string()).collect();
        if let Remember = step {
            let mut call = self.remember.prepare_invoke();
            call.key(sets).arg(keys.client()).arg(86_400_000_000_u64).arg(64).arg(now);
            let () = call.invoke_async(&mut self.connection).await.unwrap();
            return AttemptStatus::default();
        }
        let word = match step {
            Check => "check",
            Take => "take",
            Charge => "charge",
            GiveBack { was_known: true } => "known",
            _ => "unknown",
        };
        let mut call = self.attempt.prepare_invoke();
        call.key(sets).key(pairs).key(counters);
        call.arg(word).arg(keys.client()).arg(subjects.len());
        let mut quota = |quota: Quota| {
            call.arg(quota.interval().as_micros() as u64).arg(quota.burst());
        };
        quota(keys.known_quota());
        keys.counters().for_each(|counter| quota(counter.quota));
        call.arg(now);
        let (wait, known): (u64, bool) = call.invoke_async(&mut self.connection).await.unwrap();
        AttemptStatus { known, wait: (wait > 0).then(|| Duration::from_micros(wait)) }
    }
}

/// A sequence of numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// Returns the keys of one of a few clients, with none, one or two of a few subjects.
fn random_keys(random: &mut Random) -> AttemptKeys {
    let quota = |burst, millis| Quota::from_static(burst, Duration::from_millis(millis));
    // The store in memory takes them for keyed hashes.
    let hash =
        |number: u64| u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let client = 1 + random.below(4);
    let mut keys = AttemptKeys::new(client, quota(3, 9000));
    if client.is_multiple_of(2) {
        // Two clients of one larger network.
        keys = keys.address(hash(1000), quota(12, 1500)).address(hash(1001), quota(9, 2000));
    }
    keys = keys.address(hash(client), quota(6, 3000));
    let with_user =
        |keys: AttemptKeys, user: u64| keys.user(user, hash(client * 100 + user), quota(4, 10_000));
    match random.below(8) {
        0 => keys,
        1 | 2 => keys.credential(90 + random.below(3)),
        3 => with_user(with_user(keys, 11), 12),
        _ => with_user(keys, 11 + random.below(3)),
    }
}

/// Case 34.
#[tokio::test]
async fn the_script_does_what_the_store_in_memory_does() {
    let server = RedisServer::start(&[]).await;
    let mut scripts = Scripts {
        attempt: Script::new(include_str!("../../../src/stores/redis/attempt.lua")),
        remember: Script::new(include_str!("../../../src/stores/redis/remember.lua")),
        connection: server.connection().await,
    };
    let seed = u64::from(std::process::id());
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
    let clock = Arc::new(AtomicU64::new(BEGIN));
    let read = clock.clone();
    let memory =
        MemoryAttemptStore::new().with_clock(move || Duration::from_micros(read.load(Relaxed)));

    let (mut jumped, started) = (0, Instant::now());
    let (mut refused, mut known) = (0, 0);
    for number in 0..STEPS {
        jumped += match random.below(100) {
            0..70 => 0,
            70..95 => random.below(1_000_000),
            95..99 => random.below(9_000_000),
            _ => random.below(40_000_000_000),
        };
        // Keys expire by the clock of the server, so this one may only be ahead of it.
        let now = BEGIN + jumped + started.elapsed().as_micros() as u64;
        clock.store(now, Relaxed);
        let step = match random.below(32) {
            0..17 => Take,
            17..25 => Check,
            25..28 => Charge,
            28..31 => GiveBack { was_known: random.below(2) == 0 },
            _ => Remember,
        };
        let keys = random_keys(&mut random);
        let expected = memory.apply(step, &keys).await.unwrap();
        let status = scripts.apply(step, &keys, now).await;
        assert_eq!(status, expected, "step {number} of seed {seed}: {step:?} {keys:?}");
        refused += usize::from(status.wait.is_some());
        known += usize::from(status.known);
    }
    println!("{STEPS} steps: {refused} refused, {known} of known clients");
    assert!(refused > STEPS / 50 && known > STEPS / 50, "{refused} {known}");
}

#[tokio::test]
async fn a_clock_that_is_put_back_locks_no_client_out() {
    let server = RedisServer::start(&[]).await;
    let mut scripts = Scripts {
        attempt: Script::new(include_str!("../../../src/stores/redis/attempt.lua")),
        remember: Script::new(include_str!("../../../src/stores/redis/remember.lua")),
        connection: server.connection().await,
    };
    let quota = Quota::from_static(2, Duration::from_secs(10));
    let keys = AttemptKeys::new(1, quota).address(1, quota);
    let before = BEGIN - 86_400_000_000;
    for wait in [None, None, Some(Duration::from_secs(10))] {
        assert_eq!(scripts.apply(Take, &keys, BEGIN).await.wait, wait);
    }
    let wait = scripts.apply(Take, &keys, before).await.wait;
    assert_eq!(wait, Some(Duration::from_secs(10)), "a full counter, and no day more");
}
