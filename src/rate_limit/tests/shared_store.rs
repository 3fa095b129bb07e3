//! A limiter whose attempts are counted in a shared store.

use super::*;
use crate::stores::tests::remote::{Failure, Remote};
use crate::stores::{BoxAttemptStore, MemoryAttemptStore};

const KEY: [u8; 32] = [7; 32];

/// One replica of a server with a table of users.
struct Replica(RateLimiter);

impl Replica {
    fn new(store: &BoxAttemptStore) -> Self {
        let address = ClientIp::from_fn(|head| head.extensions.get::<IpAddr>().copied());
        Self(RateLimiter::new(RateLimit::by(address).shared_store(store.clone(), KEY)))
    }

    async fn decide(
        &self,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> Result<Decision, Rejection> {
        let head = head(from, &format!("{user}:{password}"));
        let authenticate_now = || {
            let is_right = (user, password) == ALICE;
            Some(if is_right { Ok(Principal::new(user).into()) } else { Err(invalid()) })
        };
        self.0.decide_later(&head, &Attempt::claiming(user), &[], authenticate_now).await
    }

    /// Returns the status of the response to a request.
    async fn request(&self, from: IpAddr, user: &str, password: &str) -> u16 {
        let result = async {
            let Decision { verdict, permit } = self.decide(from, user, password).await?;
            let verdict = verdict.unwrap();
            permit.unwrap().settle_later(Outcome::from_result(verdict.as_ref())).await?;
            verdict
        };
        match result.await {
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

fn head(from: IpAddr, credential: &str) -> http::request::Parts {
    let request = Request::get("/").header("authorization", credential).extension(from);
    request.body(()).unwrap().into_parts().0
}

#[tokio::test(start_paused = true)]
async fn replicas_share_limits_and_known_clients() {
    let store = BoxAttemptStore::new(Remote::new(MemoryAttemptStore::new(), Failure::Never));
    let (first, second) = (Replica::new(&store), Replica::new(&store));
    assert_eq!(first.request(HOME, "alice", ALICE.1).await, 200);
    assert_eq!(first.fail(ELSEWHERE, "alice").await, 10);
    assert_eq!(second.fail(ELSEWHERE, "alice").await, 0);
    assert_eq!(second.request(ELSEWHERE, "alice", ALICE.1).await, 429);
    assert_eq!(second.fail(HOME, "a").await + second.fail(HOME, "b").await, 20);
    assert_eq!(first.request(HOME, "c", "?").await, 429);
    assert_eq!(second.request(HOME, "alice", ALICE.1).await, 200, "known by the other replica");
}

#[tokio::test(start_paused = true)]
async fn replicas_with_different_keys_share_nothing() {
    let store = BoxAttemptStore::new(MemoryAttemptStore::new());
    let address = || ClientIp::from_fn(|head| head.extensions.get::<IpAddr>().copied());
    let first = Replica::new(&store);
    let second = RateLimit::by(address()).shared_store(store, [8; 32]);
    let second = Replica(RateLimiter::new(second));
    assert_eq!(first.fail(HOME, "alice").await, 10);
    assert_eq!(second.fail(HOME, "alice").await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_rejects_right_and_wrong_with_503() {
    let store = Remote::new(MemoryAttemptStore::new(), Failure::Always);
    let replica = Replica::new(&BoxAttemptStore::new(store));
    for password in [ALICE.1, "wrong"] {
        assert_eq!(replica.request(HOME, "alice", password).await, 503);
    }
}

/// The kind of fault: an attempt is decided, but not counted.
#[tokio::test(start_paused = true)]
async fn outcomes_that_cannot_be_counted_are_not_revealed() {
    let unguessable = Attempt::claiming("ci").unguessable();
    for outcome in [Outcome::Authenticated, Outcome::Failed] {
        // The first step is the check, the second one the settlement.
        let store = Remote::new(MemoryAttemptStore::new(), Failure::After(1));
        let replica = Replica::new(&BoxAttemptStore::new(store));
        let head = head(HOME, "x");
        let decision = replica.0.decide_later(&head, &unguessable, &[], || None).await.unwrap();
        let settled = decision.permit.unwrap().settle_later(outcome).await;
        assert_eq!(settled.unwrap_err().status(), 503, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_store_is_never_skipped_without_waiting() {
    let store = Remote::new(MemoryAttemptStore::new(), Failure::Never);
    let replica = Replica::new(&BoxAttemptStore::new(store));
    assert!(replica.0.has_to_wait());
    let decided = replica.0.decide(&head(HOME, "x"), &Attempt::new(), &[], || Some(Err(invalid())));
    assert_eq!(decided.err().map(|rejection| rejection.status().as_u16()), Some(503));
    assert!(!Server::new(Scheme::Table).limiter.has_to_wait());
}

#[tokio::test(start_paused = true)]
async fn in_a_shared_store_a_disconnect_stays_counted() {
    let store = Remote::new(MemoryAttemptStore::new(), Failure::Never);
    let replica = Replica::new(&BoxAttemptStore::new(store));
    for n in 0..5 {
        drop(replica.decide(HOME, "alice", &format!("dropped {n}")).await.unwrap());
    }
    assert_eq!(replica.fail(HOME, "alice").await, 5);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 429);
}

/// The layer awaits decisions in a future that moves between threads.
#[test]
fn decisions_that_wait_are_send() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let server = Server::new(Scheme::Table);
    let head = head(HOME, "x");
    let attempt = Attempt::new();
    drop(assert_send(server.limiter.decide_later(&head, &attempt, &[], || None)));
    let decision = server.limiter.decide(&head, &attempt, &[], || None).unwrap();
    drop(assert_send(decision.permit.unwrap().settle_later(Outcome::Failed)));
}

#[test]
fn debug_does_not_show_the_key_of_a_shared_store() {
    let store = MemoryAttemptStore::new();
    let shown =
        format!("{:?}", RateLimit::by(ClientIp::from_fn(|_| None)).shared_store(store, KEY));
    assert!(shown.contains("BoxAttemptStore") && !shown.contains("7, 7"), "{shown}");
}
