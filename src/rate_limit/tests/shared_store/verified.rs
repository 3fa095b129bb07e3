//! Credentials that this process has verified, about which the store is not asked.

use futures::future::join_all;

use super::*;
use crate::stores::AttemptStep::{Charge, Check, GiveBack, Remember, Take};

#[tokio::test]
async fn the_second_request_of_a_credential_asks_nothing() {
    let store = Probe::new(&Clock::default());
    let (first, second) = (Replica::new(store.clone()), Replica::new(store.clone()));
    assert_eq!(first.request(HOME, "alice", ALICE.1).await, 200);
    assert_eq!(store.asked(), [Check, Remember]);
    for _ in 0..100 {
        assert_eq!(first.request(HOME, "alice", ALICE.1).await, 200);
    }
    assert_eq!(store.asked(), []);
    for (replica, from, user) in
        [(&second, HOME, ALICE), (&first, ELSEWHERE, ALICE), (&first, HOME, BOB)]
    {
        assert_eq!(replica.request(from, user.0, user.1).await, 200);
        assert_eq!(store.asked(), [Check, Remember], "another replica, client or credential");
    }
}

#[tokio::test]
async fn the_store_is_asked_again_within_a_day() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    let asked_after = async |seconds| {
        clock.wait(seconds);
        assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
        store.asked().len()
    };
    assert_eq!(asked_after(0).await, 2);
    assert_eq!(asked_after(12 * 60 * 60).await, 0);
    assert_eq!(asked_after(12 * 60 * 60).await, 2);
}

/// A signature is another one each time, so the key ID takes its place.
#[tokio::test]
async fn signed_requests_ask_once_for_each_key_id() {
    let store = Probe::new(&Clock::default());
    let replica = Replica::new(store.clone());
    let request = async |key_id: &str, signature: u32, outcome| {
        let attempt = Attempt::claiming(key_id).unguessable();
        let head = head(HOME, &signature.to_string());
        let verdict = || Some(Ok(Principal::new(key_id).into()));
        let decision = replica.0.decide_later(&head, &attempt, &[], verdict).await.unwrap();
        decision.permit.unwrap().settle_later(outcome).await;
    };
    request("ci", 0, Outcome::Authenticated).await;
    assert_eq!(store.asked(), [Check, Remember]);
    for signature in 1..100 {
        request("ci", signature, Outcome::Authenticated).await;
    }
    assert_eq!(store.asked(), []);
    request("other", 100, Outcome::Authenticated).await;
    assert_eq!(store.asked(), [Check, Remember]);
    request("ci", 101, Outcome::Failed).await;
    assert_eq!(store.asked(), [Charge], "the body was not what was signed, for example");
}

#[tokio::test]
async fn concurrent_first_requests_are_not_counted() {
    let store = Probe::new(&Clock::default());
    let replica = Replica::new(store.clone());
    let statuses = join_all((0..64).map(|_| replica.request(HOME, "alice", ALICE.1))).await;
    assert_eq!(statuses, [200; 64]);
    assert_eq!(replica.fail(ELSEWHERE, "alice").await, 10);
    let wrong =
        join_all((0..64).map(async |n: u32| replica.request(HOME, "bob", &n.to_string()).await));
    let wrong = wrong.await;
    assert_eq!(wrong.iter().filter(|status| **status == 401).count(), 10, "{wrong:?}");
}

/// Passwords in files are hashed after the limit is asked.
#[tokio::test]
async fn concurrent_hashes_of_one_password_are_one_attempt() {
    let store = Probe::new(&Clock::default());
    let replica = Replica::new(store.clone());
    let attempt = Attempt::claiming("alice").expensive();
    let request = async |outcome| {
        let undecided = replica.0.decide_later(&head(HOME, "x"), &attempt, &[], || None).await?;
        tokio::task::yield_now().await;
        undecided.permit.unwrap().settle_later(outcome).await;
        Ok::<_, Rejection>(())
    };
    let right = join_all((0..64).map(|_| request(Outcome::Authenticated))).await;
    assert!(right.iter().all(Result::is_ok));
    let asked = store.asked();
    assert_eq!(asked.iter().filter(|step| **step == Take).count(), 1, "{asked:?}");
    assert_eq!(asked.last(), Some(&GiveBack { was_known: false }));
}

/// From the user's own address the right password is looked up first, within a budget.
#[tokio::test]
async fn wrong_passwords_end_the_short_cut_of_verified_ones() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
    for n in 0..99 {
        replica.request(HOME, "alice", &format!("wrong {n}")).await;
    }
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200, "the user is not affected");
    replica.request(HOME, "alice", "wrong").await;
    store.asked();
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 429, "no short cut now");
    assert_eq!(replica.request(HOME, "bob", BOB.1).await, 200);
    clock.wait(20);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
}

/// A token claims no user, so the budget is the address's.
#[tokio::test]
async fn wrong_tokens_end_the_short_cut_of_verified_ones() {
    let clock = Clock::default();
    let replica = Replica::new(Probe::new(&clock)).with_clock(&clock);
    let request = async |token: &str| {
        let verdict = || Some(authenticate("alice", token));
        let head = head(HOME, token);
        let decision = replica.0.decide_later(&head, &Attempt::new(), &[], verdict).await;
        let Ok(Decision { verdict, permit }) = decision else { return 429 };
        let verdict = verdict.unwrap();
        permit.unwrap().settle_later(Outcome::from_result(verdict.as_ref())).await;
        if verdict.is_ok() { 200 } else { 401 }
    };
    assert_eq!(request(ALICE.1).await, 200);
    for n in 0..99 {
        let expected = if n < 20 { 401 } else { 429 };
        assert_eq!(request(&format!("wrong {n}")).await, expected);
    }
    assert_eq!(request(ALICE.1).await, 200, "the token is not affected");
    assert_eq!(request("wrong").await, 429);
    assert_eq!(request(ALICE.1).await, 429);
    clock.wait(20);
    assert_eq!(request(ALICE.1).await, 200);
}

/// Case of an attack from behind the user's own address, at a replica that has not seen the user.
#[tokio::test]
async fn clients_known_to_another_replica_are_let_in_at_the_limit() {
    for attacked in ["mallory", "alice"] {
        let store = Probe::new(&Clock::default());
        let (first, second) = (Replica::new(store.clone()), Replica::new(store));
        assert_eq!(first.request(HOME, "alice", ALICE.1).await, 200);
        for n in 0..50 {
            let user =
                if attacked == "alice" { attacked.to_owned() } else { format!("{attacked} {n}") };
            second.request(HOME, &user, &format!("wrong {n}")).await;
        }
        assert_eq!(
            second.request(HOME, "bob", BOB.1).await,
            if attacked == "alice" { 200 } else { 429 }
        );
        assert_eq!(second.request(HOME, "alice", ALICE.1).await, 200, "{attacked}");
    }
}
