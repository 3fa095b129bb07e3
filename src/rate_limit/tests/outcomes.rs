//! Which outcomes are counted.

use super::*;

/// The kind of fault: an attempt is counted by its result alone, and not by its cost.
#[test]
fn disconnecting_counts_only_for_expensive_verification() {
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
fn an_unavailable_backend_is_not_a_failed_attempt() {
    let server = Server::new(Scheme::Table);
    let attempt = server.attempt("alice");
    for n in 0..100 {
        let head = server.head(HOME, ("alice", &n.to_string()));
        let decision = server.limiter.decide(&head, &attempt, &[], || None).unwrap();
        let outcome = Outcome::from_result(Err(&Rejection::unavailable()));
        decision.permit.unwrap().settle(outcome);
    }
    assert_eq!(server.fail(HOME, "alice"), 10);
}

#[test]
fn unguessable_secrets_are_counted_after_they_fail() {
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
