//! Attacks on a limiter with a manual clock, and verifications that cost nothing and are counted.
//!
//! The kinds of fault: a credential whose right and wrong responses differ at full speed; a limit that
//! counts something else than it documents; a right credential that is counted as a failure; a client
//! that uses up the attempts of another.

mod addresses;
mod concurrency;
mod known_clients;
mod limits;
mod outcomes;
mod schedules;
mod shared_store;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;

use super::*;
use crate::auth::{Attempt, Challenge, Principal, Rejection, RejectionKind};

const ALICE: (&str, &str) = ("alice", "correct horse");
const BOB: (&str, &str) = ("bob", "battery staple");
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const CACHED_FOR: u64 = 300;

/// How a scheme verifies.
#[derive(Clone, Copy, PartialEq)]
enum Scheme {
    /// By a hash, with right ones cached, as a password file does.
    Hashed,
    /// In a table, as users in code are.
    Table,
    /// In a table of tokens, which claim no user.
    Token,
}

struct Server {
    limiter: Arc<RateLimiter>,
    scheme: Scheme,
    /// The time, in seconds.
    clock: Arc<AtomicU64>,
    cached: Mutex<HashMap<String, u64>>,
    /// The number of verified failures, by address and claimed user.
    failures: Mutex<HashMap<(IpAddr, String), u64>>,
    /// The number of hashes that were computed.
    hashes: AtomicU64,
}

fn invalid() -> Rejection {
    Rejection::invalid(Challenge::new(crate::auth::AuthScheme::from_static("Test")))
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
        let limiter =
            limiter.map_counters(|counters| counters.map_local(|local| local.with_clock(now)));
        Self {
            limiter: Arc::new(limiter),
            scheme,
            clock,
            cached: Mutex::default(),
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

    /// Begins a request: decides what can be decided without waiting.
    fn begin(&self, from: IpAddr, credential: (&str, &str)) -> Result<Decision, Rejection> {
        let authenticate_now = || {
            let is_right = [ALICE, BOB].contains(&credential);
            match self.scheme {
                Scheme::Hashed => {
                    let key = format!("{}:{}", credential.0, credential.1);
                    let until = self.cached.lock().unwrap().get(&key).copied();
                    (until > Some(self.now())).then(|| Ok(Principal::new(credential.0).into()))
                }
                _ if is_right => Some(Ok(Principal::new(credential.0).into())),
                _ => Some(Err(invalid())),
            }
        };
        let head = self.head(from, credential);
        self.limiter.decide(&head, &self.attempt(credential.0), &[], authenticate_now)
    }

    /// Ends a request; returns its status.
    fn end(&self, from: IpAddr, credential: (&str, &str), decision: Decision) -> u16 {
        let Decision { verdict, permit } = decision;
        let verdict = verdict.unwrap_or_else(|| {
            self.hashes.fetch_add(1, Relaxed);
            if ![ALICE, BOB].contains(&credential) {
                return Err(invalid());
            }
            let key = format!("{}:{}", credential.0, credential.1);
            self.cached.lock().unwrap().insert(key, self.now() + CACHED_FOR);
            Ok(Principal::new(credential.0).into())
        });
        permit.unwrap().settle(Outcome::from_result(verdict.as_ref()));
        if verdict.is_err() {
            let key = (from, credential.0.to_owned());
            *self.failures.lock().unwrap().entry(key).or_default() += 1;
        }
        if verdict.is_ok() { 200 } else { 401 }
    }

    /// Returns the status of the response to a request.
    fn request(&self, from: IpAddr, credential: (&str, &str)) -> u16 {
        match self.begin(from, credential) {
            Ok(decision) => self.end(from, credential, decision),
            Err(rejection) => rejection.status().as_u16(),
        }
    }

    /// Sends wrong passwords until one gets 429; returns their number.
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

fn ipv6(network: u128, host: u128) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | network << 64 | host).into()
}
