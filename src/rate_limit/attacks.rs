//! Attacks on a limiter with a clock that goes when it is told to, and verifications that cost
//! nothing and are counted.
//!
//! The kinds of fault: a credential whose right and wrong answers differ at full speed; a limit that
//! counts something else than it says; a right credential that is counted as a failure; one client
//! that uses up what is another's.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::AtomicU64;
use std::thread;

use http::Request;
use proptest::prelude::*;

use super::limiter::RateLimiter;
use super::slots::Slots;
use super::*;
use crate::auth::{Attempt, Challenge, Principal, Rejection, RejectionKind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ALICE: (&str, &str) = ("alice", "correct horse");
const BOB: (&str, &str) = ("bob", "battery staple");
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const REMEMBERED: u64 = 300;

/// How a scheme verifies.
#[derive(Clone, Copy, PartialEq)]
enum Scheme {
    /// By a hash, with the right ones remembered, as a password file.
    Hashed,
    /// In a table, as users in code.
    Table,
    /// In a table of tokens, which claim no user.
    Token,
}

struct Server {
    limiter: Arc<RateLimiter>,
    scheme: Scheme,
    /// In seconds.
    clock: Arc<AtomicU64>,
    remembered: Mutex<HashMap<String, u64>>,
    /// How many failures each address had verified, by the user that it claimed.
    failures: Mutex<HashMap<(IpAddr, String), u64>>,
    /// How many hashes were made.
    hashes: AtomicU64,
}

fn invalid() -> Rejection {
    Rejection::invalid(Challenge::new("Test"))
}

impl Server {
    fn new(scheme: Scheme) -> Self {
        Self::with(scheme, |limit| limit)
    }

    fn with(scheme: Scheme, configure: impl FnOnce(RateLimit) -> RateLimit) -> Self {
        let address = ClientIp::from_fn(|head| head.extensions.get::<IpAddr>().copied());
        let clock = Arc::new(AtomicU64::new(0));
        let read = clock.clone();
        let limiter = RateLimiter::new(configure(RateLimit::by(address)));
        let now = move || Duration::from_secs(read.load(Relaxed));
        let limiter = limiter.map_counters(|counters| counters.with_clock(now));
        Self {
            limiter: Arc::new(limiter),
            scheme,
            clock,
            remembered: Mutex::default(),
            failures: Mutex::default(),
            hashes: AtomicU64::new(0),
        }
    }

    fn map_limiter(self, map: impl FnOnce(RateLimiter) -> RateLimiter) -> Self {
        let limiter = Arc::into_inner(self.limiter).expect("a new server");
        Self { limiter: Arc::new(map(limiter)), ..self }
    }

    fn head(&self, from: IpAddr, (user, password): (&str, &str)) -> http::request::Parts {
        let credential = match self.scheme {
            Scheme::Token => password.to_owned(),
            _ => format!("{user}:{password}"),
        };
        let request = Request::get("/").header("authorization", credential).extension(from);
        request.body(()).unwrap().into_parts().0
    }

    fn attempt(&self, user: &str) -> Attempt {
        match self.scheme {
            Scheme::Hashed => Attempt::claiming(user).expensive(),
            Scheme::Table => Attempt::claiming(user),
            Scheme::Token => Attempt::new(),
        }
    }

    /// Begins a request: what can be said without waiting.
    fn begin(&self, from: IpAddr, credential: (&str, &str)) -> Result<Decision, Rejection> {
        let now = || {
            let is_right = [ALICE, BOB].contains(&credential);
            match self.scheme {
                Scheme::Hashed => {
                    let key = format!("{}:{}", credential.0, credential.1);
                    let until = self.remembered.lock().unwrap().get(&key).copied();
                    (until > Some(self.now())).then(|| Ok(Principal::new(credential.0).into()))
                }
                _ if is_right => Some(Ok(Principal::new(credential.0).into())),
                _ => Some(Err(invalid())),
            }
        };
        let head = self.head(from, credential);
        self.limiter.decide(&head, &self.attempt(credential.0), &[], now)
    }

    /// Ends a request; its status.
    fn end(&self, from: IpAddr, credential: (&str, &str), decision: Decision) -> u16 {
        let Decision { verdict, permit } = decision;
        let verdict = verdict.unwrap_or_else(|| {
            self.hashes.fetch_add(1, Relaxed);
            if ![ALICE, BOB].contains(&credential) {
                return Err(invalid());
            }
            let key = format!("{}:{}", credential.0, credential.1);
            self.remembered.lock().unwrap().insert(key, self.now() + REMEMBERED);
            Ok(Principal::new(credential.0).into())
        });
        permit.unwrap().settle(Outcome::of(&verdict));
        if verdict.is_err() {
            let key = (from, credential.0.to_owned());
            *self.failures.lock().unwrap().entry(key).or_default() += 1;
        }
        if verdict.is_ok() { 200 } else { 401 }
    }

    /// The status of a request's answer.
    fn request(&self, from: IpAddr, credential: (&str, &str)) -> u16 {
        match self.begin(from, credential) {
            Ok(decision) => self.end(from, credential, decision),
            Err(rejection) => rejection.status().as_u16(),
        }
    }

    /// Wrong passwords, until one gets 429; how many there were.
    fn fail(&self, from: IpAddr, user: &str) -> usize {
        (0..).take_while(|n| self.request(from, (user, &format!("no {n}"))) == 401).count()
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

const WITH_USERS: [Scheme; 2] = [Scheme::Hashed, Scheme::Table];

#[test]
fn cached_passwords_are_still_rate_limited() {
    for scheme in WITH_USERS {
        let server = Server::new(scheme);
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.fail(ELSEWHERE, "alice"), 10);
        assert_eq!(server.request(ELSEWHERE, ALICE), 429, "the right one, too late");
        server.wait(10);
        assert_eq!(server.request(ELSEWHERE, ALICE), 200, "the right one, in time");
    }
}

/// From the user's own address the right password is looked for first, within a budget.
#[test]
fn a_known_client_has_a_budget_of_wrong_passwords() {
    for scheme in WITH_USERS {
        let server = Server::new(scheme);
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.fail(HOME, "alice"), 10);
        assert_eq!(server.request(HOME, ALICE), 200, "the user goes on meanwhile");
        for n in 0..100 {
            assert_eq!(server.request(HOME, ("alice", &format!("wrong {n}"))), 429);
        }
        assert_eq!(server.request(HOME, ALICE), 429, "nobody can tell the right one now");
        server.wait(1);
        let wrong = (0..1000).filter(|n| {
            server.request(HOME, ("alice", &format!("more {n}")));
            server.request(HOME, ALICE) == 200
        });
        assert!(wrong.count() <= 5, "five look-ups a second");
        server.wait(100);
        assert_eq!(server.request(HOME, ALICE), 200);
    }
}

/// A token claims no user, so the budget is the address's.
#[test]
fn known_tokens_have_a_budget_of_wrong_tokens() {
    let server = Server::new(Scheme::Token);
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.fail(HOME, ""), 20);
    assert_eq!(server.request(HOME, ALICE), 200, "the token goes on meanwhile");
    assert_eq!(server.request(HOME, BOB), 429, "a token that is new here");
    for n in 0..100 {
        assert_eq!(server.request(HOME, ("", &format!("wrong {n}"))), 429);
    }
    assert_eq!(server.request(HOME, ALICE), 429, "nobody can tell the right one now");
    server.wait(100);
    assert_eq!(server.request(HOME, ALICE), 200);
}

#[test]
fn right_credentials_are_never_counted() {
    for scheme in [Scheme::Hashed, Scheme::Table, Scheme::Token] {
        let server = Server::new(scheme);
        for from in [HOME, ELSEWHERE] {
            for _ in 0..1000 {
                assert_eq!(server.request(from, ALICE), 200);
                assert_eq!(server.request(from, BOB), 200);
            }
        }
        assert!(server.hashes.load(Relaxed) <= 2, "and hashed once each");
        for _ in 0..100 {
            server.wait(REMEMBERED);
            assert_eq!(server.request(HOME, ALICE), 200, "nor when they are hashed");
        }
    }
}

#[test]
fn per_user_limits_passwords_in_code_and_in_files() {
    for scheme in WITH_USERS {
        let hour = Duration::from_secs(3600);
        let server = Server::with(scheme, |limit| {
            limit
                .per_address(Quota::new(1000, Duration::from_secs(1)))
                .per_user(Quota::new(3, hour))
        });
        let statuses: Vec<_> =
            (0..500).map(|n| server.request(HOME, ("alice", &n.to_string()))).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 3);
        assert_eq!(server.fail(HOME, "bob"), 3, "each user has a limit");
        assert_eq!(server.fail(ELSEWHERE, "alice"), 3, "and at each address");
    }
}

#[test]
fn concurrent_requests_with_one_credential_are_one_attempt() {
    let server = Server::new(Scheme::Hashed);
    for (credential, status) in [(ALICE, 200), (("alice", "wrong"), 401)] {
        let begun: Vec<_> = (0..100).map(|_| server.begin(HOME, credential).unwrap()).collect();
        for decision in begun {
            assert_eq!(server.end(HOME, credential, decision), status);
        }
    }
    assert_eq!(server.fail(HOME, "alice"), 9, "and the wrong one was counted once");
}

#[test]
fn concurrent_requests_with_different_credentials_pass_no_more_than_a_burst() {
    for scheme in [Scheme::Hashed, Scheme::Table] {
        let server = Server::new(scheme);
        let begun = (0..100).filter_map(|n| {
            let password = n.to_string();
            Some((password.clone(), server.begin(HOME, ("alice", &password)).ok()?))
        });
        let begun: Vec<_> = begun.collect();
        assert_eq!(begun.len(), 10);
        for (password, decision) in begun {
            assert_eq!(server.end(HOME, ("alice", &password), decision), 401);
        }
    }
}

/// The kind: an attempt is counted by what it costs, not only by what it finds out.
#[test]
fn a_client_that_disconnects_pays_for_expensive_verification_only() {
    for (scheme, left) in [(Scheme::Hashed, 5), (Scheme::Table, 10)] {
        let server = Server::new(scheme);
        let attempt = server.attempt("alice");
        for n in 0..5 {
            let head = server.head(HOME, ("alice", &n.to_string()));
            let undecided = server.limiter.decide(&head, &attempt, &[], || None).unwrap();
            assert!(undecided.verdict.is_none());
            drop(undecided);
        }
        assert_eq!(server.fail(HOME, "alice"), left);
    }
}

#[test]
fn a_backend_that_is_down_is_no_failure_of_the_client() {
    let server = Server::new(Scheme::Table);
    let attempt = server.attempt("alice");
    for n in 0..100 {
        let head = server.head(HOME, ("alice", &n.to_string()));
        let decision = server.limiter.decide(&head, &attempt, &[], || None).unwrap();
        let verdict = Err::<(), _>(Rejection::unavailable());
        decision.permit.unwrap().settle(Outcome::of(&verdict));
    }
    assert_eq!(server.fail(HOME, "alice"), 10);
}

#[test]
fn unguessable_secrets_are_counted_once_they_fail() {
    let server = Server::new(Scheme::Table);
    let attempt = Attempt::claiming("ci").unguessable();
    let begin = |n: u32| {
        let head = server.head(HOME, ("ci", &n.to_string()));
        server.limiter.decide(&head, &attempt, &[], || None)
    };
    let begun: Vec<_> = (0..100).map(|n| begin(n).unwrap().permit.unwrap()).collect();
    begun.into_iter().for_each(|permit| permit.settle(Outcome::Authenticated));
    for n in 0..10 {
        begin(n).unwrap().permit.unwrap().settle(Outcome::Failed);
    }
    assert_eq!(
        begin(0).err().map(|rejection| rejection.kind()),
        Some(RejectionKind::TooManyRequests)
    );
}

/// The kind: a made-up credential of one scheme hides the user that another one claims.
#[test]
fn every_claimed_user_is_counted() {
    let server = Server::new(Scheme::Table);
    let failed = (0..).take_while(|n: &u32| {
        let attempt = Attempt::claiming(format!("made-up-{n}")).and(Attempt::claiming("alice"));
        let head = server.head(HOME, ("alice", &n.to_string()));
        let decided = server.limiter.decide(&head, &attempt, &[], || Some(Err(invalid())));
        decided.map(|decided| decided.permit.unwrap().settle(Outcome::Failed)).is_ok()
    });
    assert_eq!(failed.count(), 10);
}

#[test]
fn known_users_are_admitted_although_their_address_is_limited() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.request(ELSEWHERE, BOB), 200);
    for user in ["a", "b", "c", "alice", "bob"] {
        server.fail(HOME, user);
    }
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.request(HOME, BOB), 429, "cached, by another address");
}

#[test]
fn many_addresses_have_their_limits_and_lock_nobody_out() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    for number in 0..1000 {
        assert_eq!(server.fail(ipv4(number), "alice"), 10, "{number}");
        assert_eq!(server.request(ipv4(number), ALICE), 429, "{number}");
    }
    server.wait(REMEMBERED);
    for number in 0..1000 {
        server.fail(ipv4(number), "alice");
    }
    assert_eq!(server.request(HOME, ALICE), 200, "verified once more");
    assert_eq!(server.request(ELSEWHERE, ALICE), 200, "and from an address without failures");
    assert_eq!(server.request(ipv4(0), ALICE), 429);
}

fn ipv6(network: u128, host: u128) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | network << 64 | host).into()
}

#[test]
fn addresses_of_one_ipv6_network_are_one_client() {
    let server = Server::new(Scheme::Table);
    let failed = |network| {
        let fail = |host| server.request(ipv6(network, host), ("alice", &host.to_string()));
        (0..50).filter(|host| fail(*host) == 401).count()
    };
    assert_eq!(failed(2), 10);
    assert_eq!(failed(3), 10);
}

/// The kind: a limit by something of which an attacker has as many as it likes.
#[test]
fn larger_ipv6_networks_are_limited_as_well() {
    for (networks, most) in [(1 << 8, 4 * 20), (1 << 16, 16 * 20)] {
        let server = Server::new(Scheme::Table);
        let failed = (0..networks).filter(|network| {
            server.request(ipv6(*network, 1), (&network.to_string(), "?")) == 401
        });
        assert_eq!(failed.count(), most);
    }
    let server = Server::new(Scheme::Table);
    let of_6to4 = |n: u128| Ipv6Addr::from_bits(0x2002_c000_0201 << 80 | n << 64).into();
    let failed =
        (0..1000).filter(|n| server.request(of_6to4(*n), ("alice", &n.to_string())) == 401);
    assert_eq!(failed.count(), 10, "all of 6to4 is one IPv4 address");
}

#[test]
fn larger_ipv6_networks_do_not_limit_known_clients() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(ipv6(7, 1), ALICE), 200);
    for network in 8..1 << 10 {
        server.request(ipv6(network, 1), ("mallory", "?"));
    }
    assert_eq!(server.request(ipv6(8, 1), BOB), 429);
    server.wait(REMEMBERED);
    assert_eq!(server.request(ipv6(7, 1), ALICE), 200);
}

#[test]
fn a_shared_address_limit_only_affects_new_users() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    let others = ["a", "b", "c", "d"].map(|user| server.fail(HOME, user));
    assert_eq!(others, [10, 10, 0, 0]);
    for _ in 0..280 {
        server.wait(REMEMBERED);
        for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            server.fail(HOME, user);
        }
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.request(HOME, BOB), 429);
    }
}

#[test]
fn a_client_is_known_for_a_day() {
    let status_after = |seconds| {
        let server = Server::new(Scheme::Hashed);
        assert_eq!(server.request(HOME, ALICE), 200);
        server.wait(seconds);
        server.fail(HOME, "a");
        server.fail(HOME, "b");
        server.request(HOME, ALICE)
    };
    assert_eq!(status_after(24 * 60 * 60 - 1), 200);
    assert_eq!(status_after(24 * 60 * 60), 429);
}

#[test]
fn known_clients_have_no_more_attempts_than_others() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.fail(HOME, "alice"), 10);
    let one_more = || {
        server.wait(10);
        server.fail(HOME, "alice")
    };
    assert_eq!((0..1000).map(|_| one_more()).sum::<usize>(), 1000);
}

#[test]
fn two_users_of_one_address_have_their_own_limits_and_share_its() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.fail(HOME, "a"), 10);
    assert_eq!(server.fail(HOME, "b"), 10);
    for _ in 0..100 {
        assert_eq!(server.request(HOME, ("c", "?")), 429);
    }
    server.wait(30);
    assert_eq!(server.fail(HOME, "c"), 10, "refused attempts took nothing of c's");
    server.wait(9);
    assert_eq!(server.fail(HOME, "a"), 3, "nor of the address's what was refused to c");
}

#[test]
fn a_flood_of_addresses_locks_no_known_client_out() {
    // A thirty-second of both numbers.
    let few =
        |limiter: RateLimiter| limiter.map_counters(|all| all.with_slots(Slots::new(1 << 12)));
    let server = Server::new(Scheme::Hashed).map_limiter(few);
    assert_eq!(server.request(HOME, ALICE), 200);
    assert_eq!(server.fail(ELSEWHERE, "alice"), 10);
    server.wait(REMEMBERED - 10);
    assert_eq!(server.fail(ELSEWHERE, "alice"), 10, "and is at its limit from now on");
    let mut refused = 0;
    for number in 0..1 << 15 {
        refused += u32::from(server.request(ipv4(number), ("alice", "?")) == 429);
    }
    assert!(refused > 1 << 14, "they share what is left: {refused}");
    assert_eq!(server.fail(ELSEWHERE, "alice"), 0, "nothing was forgotten");

    server.wait(10);
    assert_eq!(server.request(HOME, ALICE), 200, "not cached, and a known client");
    let new_clients = || (0..100).map(|number| ipv4(1 << 20 | number));
    let passed = new_clients().filter(|from| server.request(*from, ALICE) == 200).count();
    assert_eq!(passed, 100, "those before them have waited for ten seconds");
}

#[test]
fn a_flood_of_refused_attempts_holds_no_memory() {
    let server = Server::new(Scheme::Table);
    let flood = |range: std::ops::Range<u32>| {
        for number in range {
            server.request(ipv4(number), ("alice", "?"));
        }
    };
    flood(0..1000);
    let failures = std::mem::take(&mut *server.failures.lock().unwrap());
    drop(failures);
    let held = allocation_counter::measure(|| {
        for number in 1000..20_000 {
            let begun = server.begin(ipv4(number), ("alice", "?"));
            drop(begun.map(|decision| decision.permit.unwrap().settle(Outcome::Failed)));
        }
    });
    assert_eq!(held.bytes_current, 0, "{held:?}");
    assert!(held.bytes_max < 16 << 10, "{held:?}");
}

#[test]
fn a_clock_that_stands_still_or_jumps_allows_no_more_than_a_burst() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.fail(HOME, "alice"), 10);
    for _ in 0..1000 {
        assert_eq!(server.fail(HOME, "alice"), 0);
    }
    for jump in [1 << 20, 1 << 33] {
        server.wait(jump);
        assert_eq!(server.fail(HOME, "alice"), 10);
        assert_eq!(server.fail(HOME, "alice"), 0);
    }
    server.wait(u64::MAX >> 1);
    assert_eq!(server.fail(HOME, "alice"), 0, "after 584 years");
}

#[test]
fn parallel_attempts_pass_no_more_than_a_burst() {
    for scheme in WITH_USERS {
        for (users, expected) in [(1, 10), (4, 20)] {
            let server = Server::new(scheme);
            let passed = thread::scope(|scope| {
                let attempts = |thread: usize| {
                    let user = (thread % users).to_string();
                    let server = &server;
                    move || {
                        let attempt = |n: usize| {
                            server.request(HOME, (&user, &format!("{thread}-{n}"))) == 401
                        };
                        (0..500).filter(|n| attempt(*n)).count()
                    }
                };
                let threads: Vec<_> = (0..8).map(|thread| scope.spawn(attempts(thread))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
            });
            assert_eq!(passed, expected, "{users} users");
        }
    }
}

#[test]
fn the_wait_is_that_of_the_fullest_slot() {
    let server = Server::new(Scheme::Table);
    let wait = |user: &str| {
        let answer = server.begin(HOME, (user, "?"));
        let rejection = answer.map(|decision| decision.permit.unwrap().settle(Outcome::Failed));
        rejection.err().and_then(|rejection| rejection.retry_after()).map(|wait| wait.as_secs())
    };
    for _ in 0..10 {
        assert_eq!(wait("alice"), None);
    }
    assert_eq!(wait("alice"), Some(10), "the user's");
    for _ in 0..10 {
        assert_eq!(wait("bob"), None);
    }
    assert_eq!(wait("carol"), Some(3), "the address's");
    assert_eq!(wait("bob"), Some(10), "both");
}

#[test]
fn limits_can_be_chosen() {
    let every = Duration::from_secs(1);
    let server = Server::with(Scheme::Hashed, |limit| {
        limit.per_address(Quota::new(5, every)).per_user(Quota::new(2, every))
    });
    assert_eq!(["a", "b", "c"].map(|user| server.fail(HOME, user)), [2, 2, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever attackers do: no limit is exceeded, and no other client is refused.
    #[test]
    fn no_schedule_exceeds_a_limit_or_locks_a_user_out(
        events in prop::collection::vec((0..4_u32, 0..3_usize, 0..40_u64), 1..300),
    ) {
        let server = Server::new(Scheme::Hashed);
        prop_assert_eq!(server.request(HOME, ALICE), 200);
        let mut verified = 0;
        let mut seen = HashSet::new();
        for (n, (address, user, pause)) in events.into_iter().enumerate() {
            // One of the four addresses is Alice's own, where nobody claims to be her.
            let from = if address == 0 { HOME } else { ipv4(address) };
            let user = if address == 0 { "mallory" } else { ["alice", "bob", "carol"][user] };
            seen.insert(from);
            server.wait(pause);
            prop_assert!([401, 429].contains(&server.request(from, (user, &n.to_string()))));
            if server.now() >= verified + REMEMBERED {
                prop_assert_eq!(server.request(HOME, ALICE), 200);
                verified = server.now();
            }
            let mut of_address = HashMap::new();
            for ((from, _), count) in &*server.failures.lock().unwrap() {
                prop_assert!(*count <= 10 + server.now() / 10);
                *of_address.entry(*from).or_insert(0) += count;
            }
            for count in of_address.values() {
                prop_assert!(*count <= 20 + server.now() / 3);
            }
        }
    }
}
