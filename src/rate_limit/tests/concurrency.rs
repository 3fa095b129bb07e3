//! Concurrent attempts.

use std::thread;

use super::*;

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
fn concurrent_credentials_pass_one_burst() {
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

#[test]
fn parallel_attempts_pass_one_burst() {
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
