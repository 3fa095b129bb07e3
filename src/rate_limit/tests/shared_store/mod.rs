//! Limiters whose attempts are counted in a shared store.
//!
//! The kinds of fault: replicas that each allow a burst; a right credential that waits for the store each time, or
//! that is told from a wrong one by what its request costs; a store that takes the server down with it.

mod alike;
mod floods;
mod limits;
mod outage;
mod probe;
mod verified;

use self::probe::{Clock, Probe};
use super::*;
use crate::auth::Authenticated;
use crate::stores::tests::remote::{Failure, Remote};
use crate::stores::{AttemptStore, BoxAttemptStore, MemoryAttemptStore};

const KEY: [u8; 32] = [7; 32];

/// One replica of a server with a table of users.
struct Replica(RateLimiter);

impl Replica {
    fn new(store: impl AttemptStore) -> Self {
        Self::with_key(store, KEY)
    }

    fn with_key(store: impl AttemptStore, key: [u8; 32]) -> Self {
        let address = ClientIp::from_fn(|head| head.extensions.get::<IpAddr>().copied());
        Self(RateLimiter::new(RateLimit::by(address).shared_store(store, key)))
    }

    /// Sets the clock of what this process counts itself.
    fn with_clock(self, clock: &Clock) -> Self {
        Self(self.0.map_counters(|all| all.map_local(|local| clock.set_for(local))))
    }

    async fn decide(
        &self,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> Result<Decision, Rejection> {
        let head = head(from, &format!("{user}:{password}"));
        let authenticate_now = || Some(authenticate(user, password));
        self.0.decide_later(&head, &Attempt::claiming(user), &[], authenticate_now).await
    }

    /// Returns the response to a request.
    async fn respond(
        &self,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> Result<Authenticated, Rejection> {
        let Decision { verdict, permit } = self.decide(from, user, password).await?;
        let verdict = verdict.unwrap();
        permit.unwrap().settle_later(Outcome::from_result(verdict.as_ref())).await;
        verdict
    }

    /// Returns the status of the response to a request.
    async fn request(&self, from: IpAddr, user: &str, password: &str) -> u16 {
        match self.respond(from, user, password).await {
            Ok(_) => 200,
            Err(rejection) => rejection.status().as_u16(),
        }
    }

    /// Sends wrong passwords until one gets another status than 401; returns their number.
    async fn fail(&self, from: IpAddr, user: &str) -> usize {
        let mut failed = 0;
        while self.request(from, user, &format!("no {failed}")).await == 401 {
            failed += 1;
        }
        failed
    }
}

fn authenticate(user: &str, password: &str) -> Result<Authenticated, Rejection> {
    let is_right = [ALICE, BOB].contains(&(user, password));
    if is_right { Ok(Principal::new(user).into()) } else { Err(invalid()) }
}

fn head(from: IpAddr, credential: &str) -> http::request::Parts {
    let request = Request::get("/").header("authorization", credential).extension(from);
    request.body(()).unwrap().into_parts().0
}
