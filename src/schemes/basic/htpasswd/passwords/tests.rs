//! Users of a password file, from the first request to the removal of their line.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use futures::future::join_all;
use tokio::time::{advance, pause};

use super::*;

/// Returns a line with a bcrypt hash of this cost and a random salt.
pub(in crate::schemes::basic::htpasswd) fn line(user: &str, password: &str, cost: u32) -> String {
    let base64 = GeneralPurpose::new(&BCRYPT, NO_PAD);
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).unwrap();
    let output = bcrypt::bcrypt(cost, salt, format!("{password}\0").as_bytes());
    let (salt, output) = (base64.encode(salt), base64.encode(&output[..23]));
    format!("{user}:$2y${cost:02}${salt}{output}")
}

fn users(lines: &[&str]) -> Passwords {
    Passwords::from_text(&lines.join("\n")).unwrap()
}

const UNKNOWN_CLIENT: Requester = Requester { address: None, known: false };

impl Passwords {
    /// Returns whether a request with this credential is authenticated.
    async fn accepts(&self, user: &str, password: &str) -> bool {
        match self.cached(user, password) {
            Some(principal) => principal.principal.name() == user,
            None => self.verify(user, password, UNKNOWN_CLIENT).await.unwrap().is_some(),
        }
    }

    fn replace(&self, lines: &[&str]) {
        let file = PasswordFile::parse(&lines.join("\n")).unwrap();
        replace(&self.users, &self.key, file);
    }

    fn has_cached(&self, user: &str, password: &str) -> bool {
        self.cached(user, password).is_some()
    }
}

#[tokio::test]
async fn only_the_right_password_of_a_user_is_accepted() {
    let [alice, bob] = [line("alice", "secret", 4), line("bob", "hunter2", 5)];
    let passwords = users(&[&alice, &bob]);
    for (user, password, right) in [
        ("alice", "secret", true),
        ("bob", "hunter2", true),
        ("alice", "hunter2", false),
        ("alice", "Secret", false),
        ("alice", "", false),
        ("Alice", "secret", false),
        ("carol", "secret", false),
        ("", "secret", false),
    ] {
        for _ in 0..2 {
            assert_eq!(passwords.accepts(user, password).await, right, "{user}:{password}");
        }
    }
}

#[tokio::test]
async fn right_passwords_are_cached_and_wrong_ones_are_not() {
    let alice = line("alice", "secret", 4);
    let passwords = users(&[&alice]);
    pause();
    assert!(!passwords.has_cached("alice", "secret"));
    assert!(!passwords.accepts("alice", "wrong").await && !passwords.has_cached("alice", "wrong"));
    assert!(passwords.accepts("alice", "secret").await && passwords.has_cached("alice", "secret"));
    assert!(!passwords.accepts("alice", "wrong").await && !passwords.has_cached("alice", "wrong"));
    advance(Duration::from_secs(299)).await;
    assert!(passwords.has_cached("alice", "secret"));
    advance(Duration::from_secs(1)).await;
    assert!(!passwords.has_cached("alice", "secret"));
    assert!(passwords.accepts("alice", "secret").await && passwords.has_cached("alice", "secret"));
}

#[tokio::test]
async fn cached_credential_is_dropped_with_its_line() {
    let lines = ["alice", "bob", "carol"].map(|user| line(user, "secret", 4));
    let [alice, bob, carol] = lines.each_ref();
    let passwords = users(&[alice, bob, carol]);
    for user in ["alice", "bob", "carol"] {
        assert!(passwords.accepts(user, "secret").await);
    }
    // Alice has the same password in a new line, Bob is removed, and the line of Carol has moved.
    let principal = |user| passwords.cached(user, "secret").unwrap();
    let before = ["alice", "bob", "carol"].map(principal);
    passwords.replace(&["# new", carol, &line("alice", "secret", 4)]);
    // Streams opened with the removed lines end, and no others.
    assert_eq!(before.map(|user| !user.is_active()), [true, true, false]);
    assert!(passwords.has_cached("carol", "secret"));
    assert!(!passwords.has_cached("alice", "secret") && passwords.accepts("alice", "secret").await);
    assert!(!passwords.has_cached("bob", "secret") && !passwords.accepts("bob", "secret").await);
    // A line that is added again has not been verified.
    passwords.replace(&[bob]);
    assert!(!passwords.has_cached("bob", "secret") && passwords.accepts("bob", "secret").await);
}

#[tokio::test]
async fn running_verification_is_not_cached_for_a_changed_line() {
    let alice = line("alice", "secret", 10);
    let passwords = users(&[&alice]);
    let mut verification = Box::pin(passwords.verify("alice", "secret", UNKNOWN_CLIENT));
    assert!(futures::poll!(&mut verification).is_pending());
    passwords.replace(&[&line("alice", "other", 4)]);
    // One version of the file decides, the previous one. But the principal is revoked.
    assert!(!verification.await.unwrap().unwrap().is_active());
    assert!(
        !passwords.accepts("alice", "secret").await && passwords.accepts("alice", "other").await
    );
}

#[tokio::test]
async fn hundred_logins_use_the_memory_of_those_that_run() {
    let argon2 = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8";
    let lines: Vec<_> = (0..100).map(|n| format!("user-{n}:{argon2}")).collect();
    let mut passwords = Passwords::from_text(&lines.join("\n")).unwrap();
    passwords.max_concurrent_hashes(NonZeroUsize::new(2).unwrap());
    let names: Vec<_> = (0..100).map(|n| format!("user-{n}")).collect();
    let logins = names.iter().map(|name| passwords.verify(name, "wrong", UNKNOWN_CLIENT));
    for verdict in join_all(logins).await {
        assert!(verdict.unwrap().is_none());
    }
    // In KiB, as argon2 counts: two at a time, and not a hundred.
    let blocks = passwords.users.load().free_memory();
    assert!((1..=2 * 4096).contains(&blocks), "{blocks}");
}

#[test]
fn debug_shows_only_the_number_of_users() {
    let alice = line("alice", "secret", 4);
    let passwords = users(&[&alice]);
    assert_eq!(format!("{passwords:?}"), "[1 users]");
}
