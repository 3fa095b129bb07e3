//! Attacks on a server that follows the order of steps, with a hash that costs nothing and a clock
//! that goes when it is told to.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use proptest::prelude::*;

use super::*;

const ALICE: (&str, &str) = ("alice", "correct horse");
const BOB: (&str, &str) = ("bob", "battery staple");
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const REMEMBERED: u64 = 300;

struct Server {
    throttle: Throttle,
    /// In seconds.
    clock: Arc<AtomicU64>,
    remembered: Mutex<HashMap<(String, String), Remembered>>,
    /// How many hashes each address has cost, by the user that it claimed.
    hashes: Mutex<HashMap<(Client, String), u64>>,
}

struct Remembered {
    until: u64,
    by: HashSet<u128>,
}

impl Server {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let read = clock.clone();
        let throttle = Throttle::new().unwrap();
        Self {
            throttle: throttle.clock(move || Duration::from_secs(read.load(Relaxed))),
            clock,
            remembered: Mutex::default(),
            hashes: Mutex::default(),
        }
    }

    /// The status of a request's answer.
    fn request(&self, from: IpAddr, (user, password): (&str, &str)) -> u16 {
        let client = Client::from(from); // step 1
        let by = self.throttle.key_of(client);
        let credential = (user.to_owned(), password.to_owned());
        let look = |by: Option<u128>| {
            let remembered = self.remembered.lock().unwrap();
            let found = remembered.get(&credential)?;
            let good = found.until > self.now() && by.is_none_or(|by| found.by.contains(&by));
            good.then_some(())
        };
        if look(Some(by)).is_some() {
            return 200; // step 2
        }
        match self.throttle.take_unless(client, user.as_bytes(), || look(None)) {
            Err(wait) => {
                assert!(!wait.is_zero());
                return 429;
            }
            Ok(Some(())) => {}
            Ok(None) => {
                // Steps 4 to 6.
                *self.hashes.lock().unwrap().entry((client, user.to_owned())).or_default() += 1;
                if ![ALICE, BOB].contains(&(user, password)) {
                    return 401;
                }
                let entry = Remembered { until: self.now() + REMEMBERED, by: HashSet::new() };
                self.remembered.lock().unwrap().insert(credential.clone(), entry);
            }
        }
        self.throttle.remember(client, user.as_bytes()); // step 7
        self.remembered.lock().unwrap().get_mut(&credential).unwrap().by.insert(by);
        200
    }

    /// Wrong passwords, as many as get no 429; how many there were.
    fn guess(&self, from: IpAddr, user: &str) -> usize {
        (0..).take_while(|n| self.request(from, (user, &n.to_string())) == 401).count()
    }

    fn now(&self) -> u64 {
        self.clock.load(Relaxed)
    }

    fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Relaxed);
    }
}

fn ipv4(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

#[test]
fn what_is_remembered_cannot_be_guessed_at_full_speed() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.guess(ELSEWHERE, "alice"), 10);
    assert_eq!(server.request(ELSEWHERE, ALICE), 429, "the right one, and one guess too late");
    server.wait(10);
    assert_eq!(server.request(ELSEWHERE, ALICE), 200, "the right one, and in time");
}

#[test]
fn nor_can_it_from_an_address_that_is_familiar() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    server.wait(REMEMBERED);
    assert_eq!(server.request(ELSEWHERE, ALICE), 200);
    assert_eq!(server.guess(HOME, "alice"), 10);
    assert_eq!(server.request(HOME, ALICE), 429);
    server.wait(10);
    assert_eq!(server.request(HOME, ALICE), 200);
}

#[test]
fn what_is_found_costs_no_cell() {
    let throttle = Server::new().throttle;
    let look = |found| throttle.take_unless(HOME.into(), b"alice", || found);
    for _familiar in [false, true] {
        for _ in 0..1000 {
            assert_eq!(look(Some(())), Ok(Some(())));
        }
        for _ in 0..10 {
            assert_eq!(look(None), Ok(None));
        }
        assert_eq!(look(Some(())), Err(Duration::from_secs(10)));
        throttle.remember(HOME.into(), b"alice");
    }
}

#[test]
fn what_is_remembered_is_not_hashed() {
    let server = Server::new();
    for from in [HOME, ELSEWHERE] {
        for _ in 0..1000 {
            assert_eq!(server.request(from, ALICE), 200);
        }
    }
    assert_eq!(server.hashes.lock().unwrap().values().sum::<u64>(), 1);
}

#[test]
fn who_verified_it_himself_is_let_in_although_his_address_is_throttled() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.request(ELSEWHERE, BOB), 200);
    for user in ["a", "b", "c", "alice", "bob"] {
        server.guess(HOME, user);
    }
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.request(HOME, BOB), 429, "remembered, by another address");
}

#[test]
fn many_addresses_have_their_limits_and_lock_nobody_out() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    for number in 0..1000 {
        assert_eq!(server.guess(ipv4(number), "alice"), 10, "{number}");
        assert_eq!(server.request(ipv4(number), ALICE), 429, "{number}");
    }
    server.wait(REMEMBERED);
    for number in 0..1000 {
        server.guess(ipv4(number), "alice");
    }
    assert_eq!(server.request(HOME, ALICE), 200, "verified once more");
    assert_eq!(server.request(ELSEWHERE, ALICE), 200, "and from where nobody guesses");
    assert_eq!(server.request(ipv4(0), ALICE), 429);
}

#[test]
fn addresses_of_one_network_are_one() {
    let server = Server::new();
    let address = |network: u128, host| {
        IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | network << 64 | host))
    };
    let passed = |network| {
        let guess = |host| server.request(address(network, host), ("alice", "?"));
        (0..50).filter(|host| guess(*host) == 401).count()
    };
    assert_eq!(passed(2), 10);
    assert_eq!(passed(3), 10);
}

#[test]
fn those_behind_the_same_address_lock_out_who_is_new_there_alone() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    let others = ["a", "b", "c", "d"].map(|user| server.guess(HOME, user));
    assert_eq!(others, [10, 9, 0, 0], "and one was Alice's");
    for _ in 0..280 {
        server.wait(REMEMBERED);
        for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            server.guess(HOME, user);
        }
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.request(HOME, BOB), 429);
    }
}

#[test]
fn an_address_is_familiar_for_a_day() {
    let familiar_after = |seconds| {
        let server = Server::new();
        assert_eq!(server.request(HOME, ALICE), 200);
        server.wait(seconds);
        server.guess(HOME, "a");
        server.guess(HOME, "b");
        server.request(HOME, ALICE)
    };
    assert_eq!(familiar_after(24 * 60 * 60 - 1), 200);
    assert_eq!(familiar_after(24 * 60 * 60), 429);
}

#[test]
fn being_familiar_is_no_way_to_guess_faster() {
    let server = Server::new();
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.guess(HOME, "alice"), 10);
    let one_more = || {
        server.wait(10);
        server.guess(HOME, "alice")
    };
    let guesses: usize = (0..1000).map(|_| one_more()).sum();
    assert_eq!(guesses, 1000);
}

#[test]
fn two_users_of_one_address_have_their_own_limits_and_share_its_own() {
    let server = Server::new();
    assert_eq!(server.guess(HOME, "a"), 10);
    assert_eq!(server.guess(HOME, "b"), 10);
    for _ in 0..100 {
        assert_eq!(server.request(HOME, ("c", "?")), 429);
    }
    server.wait(30);
    assert_eq!(server.guess(HOME, "c"), 10, "what was refused took nothing of c's");
    server.wait(9);
    assert_eq!(server.guess(HOME, "a"), 3, "nor of the address's what was refused to c");
}

#[test]
fn a_million_addresses_lock_out_nobody_who_is_familiar_and_others_for_a_while() {
    let mut server = Server::new();
    server.throttle.cells = Cells::new(1 << 12); // a thirty-second of both numbers
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.guess(ELSEWHERE, "alice"), 10);
    server.wait(REMEMBERED - 10);
    assert_eq!(server.guess(ELSEWHERE, "alice"), 10, "and is in debt from now on");
    let mut refused = 0;
    for number in 0..1 << 15 {
        refused += u32::from(server.request(ipv4(number), ("alice", "?")) == 429);
    }
    assert!(refused > 1 << 14, "they share what is left: {refused}");
    assert_eq!(server.guess(ELSEWHERE, "alice"), 0, "nothing was forgotten");

    server.wait(10);
    assert_eq!(server.request(HOME, ALICE), 200, "not remembered, and familiar");
    let newcomers = || (0..100).map(|number| ipv4(1 << 20 | number));
    let passed =
        |credential| newcomers().filter(|from| server.request(*from, credential) == 200).count();
    assert_eq!(passed(ALICE), 100, "those before them have waited for ten seconds");
}

#[test]
fn a_clock_that_stands_still_lets_no_more_pass_and_one_that_jumps_a_burst() {
    let server = Server::new();
    assert_eq!(server.guess(HOME, "alice"), 10);
    for _ in 0..1000 {
        assert_eq!(server.guess(HOME, "alice"), 0);
    }
    for jump in [1 << 20, 1 << 33] {
        server.wait(jump);
        assert_eq!(server.guess(HOME, "alice"), 10);
        assert_eq!(server.guess(HOME, "alice"), 0);
    }
    server.wait(u64::MAX >> 1);
    assert_eq!(server.guess(HOME, "alice"), 0, "after 584 years");
}

#[test]
fn concurrent_tries_pass_no_more_than_a_burst() {
    for (users, expected) in [(1, 10), (4, 20)] {
        let server = Server::new();
        let passed = thread::scope(|scope| {
            let tries = |thread: usize| {
                let user = (thread % users).to_string();
                let server = &server;
                move || (0..500).filter(|_| server.request(HOME, (&user, "?")) == 401).count()
            };
            let threads: Vec<_> = (0..8).map(|thread| scope.spawn(tries(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(passed, expected, "{users} users");
    }
}

/// The same of those who find something to look for: no more look in vain than may try.
#[test]
fn concurrent_looks_in_vain_are_no_more_than_a_burst() {
    let server = Server::new();
    let looks = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let look = || {
                        looks.fetch_add(1, Relaxed);
                        None::<()>
                    };
                    let _ = server.throttle.take_unless(HOME.into(), b"alice", look);
                }
            });
        }
    });
    assert_eq!(looks.into_inner(), 10);
}

#[test]
fn the_wait_is_that_of_who_must_wait_longer() {
    let throttle = Server::new().throttle;
    let wait = |user: &[u8]| throttle.take(HOME.into(), user).err().map(|wait| wait.as_secs());
    for _ in 0..10 {
        assert_eq!(wait(b"alice"), None);
    }
    assert_eq!(wait(b"alice"), Some(10), "the user's");
    for _ in 0..10 {
        assert_eq!(wait(b"bob"), None);
    }
    assert_eq!(wait(b"carol"), Some(3), "the address's");
    assert_eq!(wait(b"bob"), Some(10), "both");
}

#[test]
fn limits_can_be_chosen() {
    let mut server = Server::new();
    let every = Duration::from_secs(1);
    server.throttle =
        server.throttle.per_address(Limit::new(5, every)).per_user(Limit::new(2, every));
    assert_eq!(["a", "b", "c"].map(|user| server.guess(HOME, user)), [2, 2, 1]);
}

#[test]
fn names_that_run_together_are_kept_apart() {
    let throttle = Throttle::new().unwrap();
    throttle.remember(HOME.into(), b"alice");
    assert!(throttle.knows(HOME.into(), b"alice"));
    assert!(!throttle.knows(ELSEWHERE.into(), b"alice"));
    for other in ["", "alic", "alice ", "Alice"] {
        assert!(!throttle.knows(HOME.into(), other.as_bytes()), "{other:?}");
    }
    assert_eq!(throttle.key_of(HOME.into()), throttle.key_of(HOME.into()));
    assert_ne!(throttle.key_of(HOME.into()), throttle.key_of(ELSEWHERE.into()));
    let other = Throttle::new().unwrap();
    assert_ne!(throttle.key_of(HOME.into()), other.key_of(HOME.into()), "another key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever guessers do: no limit is passed, nobody else is refused.
    #[test]
    fn no_order_of_things_passes_a_limit_or_locks_somebody_out(
        events in prop::collection::vec((0..4_u32, 0..3_usize, 0..40_u64), 1..300),
    ) {
        let server = Server::new();
        prop_assert_eq!(server.request(HOME, ALICE), 200);
        server.hashes.lock().unwrap().clear();
        let mut verified = 0;
        for (address, user, pause) in events {
            // One of the four addresses is Alice's own, where nobody claims to be her.
            let from = if address == 0 { HOME } else { ipv4(address) };
            let user = if address == 0 { "mallory" } else { ["alice", "bob", "carol"][user] };
            server.wait(pause);
            prop_assert!([401, 429].contains(&server.request(from, (user, "?"))));
            if server.now() >= verified + REMEMBERED {
                prop_assert_eq!(server.request(HOME, ALICE), 200);
                verified = server.now();
            }
            let mut of_address = HashMap::new();
            for ((client, user), count) in &*server.hashes.lock().unwrap() {
                if (*client, &**user) != (HOME.into(), "alice") {
                    prop_assert!(*count <= 10 + server.now() / 10);
                    *of_address.entry(*client).or_insert(0) += count;
                }
            }
            for count in of_address.values() {
                prop_assert!(*count <= 20 + server.now() / 3);
            }
        }
    }
}
