//! What each limit counts.

use super::*;

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
        assert!(server.hashes.load(Relaxed) <= 2, "each is hashed once");
        for _ in 0..100 {
            server.wait(CACHED_FOR);
            assert_eq!(server.request(HOME, ALICE), 200, "nor if they are hashed");
        }
    }
}

#[test]
fn per_user_limits_passwords_in_code_and_in_files() {
    for scheme in WITH_USERS {
        let hour = Duration::from_secs(3600);
        let server = Server::with(scheme, |limit| {
            limit
                .per_address(Quota::from_static(1000, Duration::from_secs(1)))
                .per_user(Quota::from_static(3, hour))
        });
        let statuses: Vec<_> =
            (0..500).map(|n| server.request(HOME, ("alice", &n.to_string()))).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 3);
        assert_eq!(server.fail(HOME, "bob"), 3, "each user has a limit");
        assert_eq!(server.fail(ELSEWHERE, "alice"), 3, "and at each address");
    }
}

/// The kind of fault: a made-up credential of one scheme hides the user that another one claims.
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
fn users_of_one_address_share_only_the_address_limit() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.fail(HOME, "a"), 10);
    assert_eq!(server.fail(HOME, "b"), 10);
    for _ in 0..100 {
        assert_eq!(server.request(HOME, ("c", "?")), 429);
    }
    server.wait(30);
    assert_eq!(server.fail(HOME, "c"), 10, "rejected attempts are not counted for c");
    server.wait(9);
    assert_eq!(server.fail(HOME, "a"), 3, "nor for the address");
}

#[test]
fn retry_after_is_the_wait_of_the_fullest_counter() {
    let server = Server::new(Scheme::Table);
    let wait = |user: &str| {
        let decision = server.begin(HOME, (user, "?"));
        let rejection = decision.map(|decision| decision.permit.unwrap().settle(Outcome::Failed));
        rejection.err().and_then(|rejection| rejection.retry_after()).map(|wait| wait.as_secs())
    };
    for _ in 0..10 {
        assert_eq!(wait("alice"), None);
    }
    assert_eq!(wait("alice"), Some(10), "of the user");
    for _ in 0..10 {
        assert_eq!(wait("bob"), None);
    }
    assert_eq!(wait("carol"), Some(3), "of the address");
    assert_eq!(wait("bob"), Some(10), "of the user, which is longer");
}

#[test]
fn limits_are_configurable() {
    let every = Duration::from_secs(1);
    let server = Server::with(Scheme::Hashed, |limit| {
        limit.per_address(Quota::from_static(5, every)).per_user(Quota::from_static(2, every))
    });
    assert_eq!(["a", "b", "c"].map(|user| server.fail(HOME, user)), [2, 2, 1]);
}

#[test]
fn a_clock_that_stops_or_jumps_allows_one_burst() {
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
