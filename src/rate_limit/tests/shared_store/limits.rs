//! What replicas count together.

use super::*;
use crate::stores::AttemptStep;

#[tokio::test(start_paused = true)]
async fn replicas_share_limits_and_known_clients() {
    let store = BoxAttemptStore::new(Remote::new(MemoryAttemptStore::new(), Failure::Never));
    let (first, second) = (Replica::new(store.clone()), Replica::new(store));
    assert_eq!(first.request(HOME, "alice", ALICE.1).await, 200);
    assert_eq!(first.fail(ELSEWHERE, "alice").await, 10);
    assert_eq!(second.fail(ELSEWHERE, "alice").await, 0);
    assert_eq!(second.request(ELSEWHERE, "alice", ALICE.1).await, 429);
    assert_eq!(second.fail(HOME, "a").await + second.fail(HOME, "b").await, 20);
    assert_eq!(first.request(HOME, "c", "?").await, 429);
    assert_eq!(second.request(HOME, "alice", ALICE.1).await, 200, "known by the other replica");
}

#[tokio::test]
async fn replicas_with_different_keys_share_nothing() {
    let store = BoxAttemptStore::new(MemoryAttemptStore::new());
    assert_eq!(Replica::new(store.clone()).fail(HOME, "alice").await, 10);
    assert_eq!(Replica::with_key(store, [8; 32]).fail(HOME, "alice").await, 10);
}

/// The kind of fault: an attacker who may use one credential is not limited when guessing another.
#[tokio::test]
async fn a_right_credential_beside_a_wrong_one_is_counted() {
    let store = Probe::new(&Clock::default());
    let replica = Replica::new(store.clone());
    let request = async |number: usize, has_failed_claim: bool| {
        let authenticated = || {
            let authenticated = Authenticated::from(Principal::new("alice"));
            Some(Ok(Authenticated { has_failed_claim, ..authenticated }))
        };
        let head = head(HOME, &format!("{number} {has_failed_claim}"));
        let attempt = Attempt::claiming("bob");
        let Decision { verdict, permit } =
            replica.0.decide_later(&head, &attempt, &[], authenticated).await?;
        let outcome = Outcome::from_authenticated(&verdict.unwrap().unwrap());
        permit.unwrap().settle_later(outcome).await;
        Ok::<_, Rejection>(())
    };
    for number in 0..10 {
        assert!(request(number, true).await.is_ok(), "{number}");
    }
    assert!(request(10, true).await.is_err());
    assert!(store.asked().iter().all(|step| *step == AttemptStep::Take));
}

#[tokio::test(start_paused = true)]
async fn in_a_shared_store_a_disconnect_stays_counted() {
    let store = Remote::new(MemoryAttemptStore::new(), Failure::Never);
    let replica = Replica::new(store);
    for n in 0..5 {
        drop(replica.decide(HOME, "alice", &format!("dropped {n}")).await.unwrap());
    }
    assert_eq!(replica.fail(HOME, "alice").await, 5);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 429);
}

#[tokio::test]
async fn attempts_are_given_back_here_and_in_the_store() {
    let (clock, attempt) = (Clock::default(), Attempt::claiming("alice"));
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone());
    for (n, outcome) in [Outcome::Unknown, Outcome::Authenticated].repeat(50).iter().enumerate() {
        // A new client each time, as that of a right credential is known afterwards.
        let from = ipv4(n as u32);
        let head = head(from, "x");
        let undecided = replica.0.decide_later(&head, &attempt, &[], || None).await.unwrap();
        assert!(undecided.verdict.is_none());
        undecided.permit.unwrap().settle_later(*outcome).await;
        store.set_away(n % 4 < 2);
        assert_eq!(replica.fail(from, "alice").await, 10, "{n}");
        store.set_away(false);
    }
}

#[tokio::test]
async fn a_shared_store_is_never_skipped_without_waiting() {
    let replica = Replica::new(Probe::new(&Clock::default()));
    assert!(replica.0.has_to_wait());
    let decided = replica.0.decide(&head(HOME, "x"), &Attempt::new(), &[], || Some(Err(invalid())));
    assert_eq!(decided.err().map(|rejection| rejection.status().as_u16()), Some(503));
    assert!(!Server::new(Scheme::Table).limiter.has_to_wait());
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
