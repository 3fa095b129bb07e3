//! Known clients: what they have of their own, and what they do not have.

use super::*;

#[test]
fn cached_passwords_are_still_rate_limited() {
    for scheme in WITH_USERS {
        let server = Server::new(scheme);
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.fail(ELSEWHERE, "alice"), 10);
        assert_eq!(server.request(ELSEWHERE, ALICE), 429, "the right one, over the limit");
        server.wait(10);
        assert_eq!(server.request(ELSEWHERE, ALICE), 200, "the right one, within the limit");
    }
}

/// From the user's own address the right password is looked up first, within a budget.
#[test]
fn a_known_client_has_a_budget_of_wrong_passwords() {
    for scheme in WITH_USERS {
        let server = Server::new(scheme);
        assert_eq!(server.request(HOME, ALICE), 200);
        assert_eq!(server.fail(HOME, "alice"), 10);
        assert_eq!(server.request(HOME, ALICE), 200, "the user is not affected");
        for n in 0..100 {
            assert_eq!(server.request(HOME, ("alice", &format!("wrong {n}"))), 429);
        }
        assert_eq!(server.request(HOME, ALICE), 429, "no lookup precedes the limit now");
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
    assert_eq!(server.request(HOME, ALICE), 200, "the token is not affected");
    assert_eq!(server.request(HOME, BOB), 429, "a token that is new here");
    for n in 0..100 {
        assert_eq!(server.request(HOME, ("", &format!("wrong {n}"))), 429);
    }
    assert_eq!(server.request(HOME, ALICE), 429, "no lookup precedes the limit now");
    server.wait(100);
    assert_eq!(server.request(HOME, ALICE), 200);
}

#[test]
fn known_clients_are_not_limited_by_their_address() {
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
fn a_shared_address_limit_only_affects_new_users() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(HOME, ALICE), 200);
    let others = ["a", "b", "c", "d"].map(|user| server.fail(HOME, user));
    assert_eq!(others, [10, 10, 0, 0]);
    for _ in 0..280 {
        server.wait(CACHED_FOR);
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
fn larger_ipv6_networks_do_not_limit_known_clients() {
    let server = Server::new(Scheme::Hashed);
    assert_eq!(server.request(ipv6(7, 1), ALICE), 200);
    for network in 8..1 << 10 {
        server.request(ipv6(network, 1), ("mallory", "?"));
    }
    assert_eq!(server.request(ipv6(8, 1), BOB), 429);
    server.wait(CACHED_FOR);
    assert_eq!(server.request(ipv6(7, 1), ALICE), 200);
}
