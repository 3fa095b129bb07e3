//! Users of a file, from the first request to the removal of their line.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use futures::future::join_all;
use tokio::time::{advance, pause};

use super::*;

/// A line with a bcrypt hash of this cost, and a salt of its own.
pub(super) fn line(user: &str, password: &str, cost: u32) -> String {
    let base64 = GeneralPurpose::new(&BCRYPT, NO_PAD);
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).unwrap();
    let output = bcrypt::bcrypt(cost, salt, format!("{password}\0").as_bytes());
    let (salt, output) = (base64.encode(salt), base64.encode(&output[..23]));
    format!("{user}:$2y${cost:02}${salt}{output}")
}

fn users(lines: &[&str]) -> Passwords {
    Passwords::of_text(&lines.join("\n")).unwrap()
}

const ANYBODY: Requester = Requester { address: None, known: false };

impl Passwords {
    /// Whether it is right, asking as a request does.
    async fn admits(&self, user: &str, password: &str) -> bool {
        match self.remembered(user, password) {
            Some(principal) => principal.name() == user,
            None => self.verify(user, password, ANYBODY).await.unwrap().is_some(),
        }
    }

    fn replace(&self, lines: &[&str]) {
        let file = PasswordFile::parse(&lines.join("\n")).unwrap();
        replace(&self.users, &self.key, file);
    }

    fn remembers(&self, user: &str, password: &str) -> bool {
        self.remembered(user, password).is_some()
    }
}

#[tokio::test]
async fn the_right_password_of_a_user_is_let_in() {
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
            assert_eq!(passwords.admits(user, password).await, right, "{user}:{password}");
        }
    }
}

#[tokio::test]
async fn what_is_right_is_remembered_for_a_while_and_what_is_wrong_is_not() {
    let alice = line("alice", "secret", 4);
    let passwords = users(&[&alice]);
    pause();
    assert!(!passwords.remembers("alice", "secret"));
    assert!(!passwords.admits("alice", "wrong").await && !passwords.remembers("alice", "wrong"));
    assert!(passwords.admits("alice", "secret").await && passwords.remembers("alice", "secret"));
    assert!(!passwords.admits("alice", "wrong").await && !passwords.remembers("alice", "wrong"));
    advance(Duration::from_secs(299)).await;
    assert!(passwords.remembers("alice", "secret"));
    advance(Duration::from_secs(1)).await;
    assert!(!passwords.remembers("alice", "secret"));
    assert!(passwords.admits("alice", "secret").await && passwords.remembers("alice", "secret"));
}

#[tokio::test]
async fn what_is_remembered_goes_with_its_line() {
    let lines = ["alice", "bob", "carol"].map(|user| line(user, "secret", 4));
    let [alice, bob, carol] = lines.each_ref();
    let passwords = users(&[alice, bob, carol]);
    for user in ["alice", "bob", "carol"] {
        assert!(passwords.admits(user, "secret").await);
    }
    // Alice has the same password in a new line, Bob is gone, and Carol's line has moved.
    let of = |user| passwords.remembered(user, "secret").unwrap();
    let before = ["alice", "bob", "carol"].map(of);
    passwords.replace(&["# new", carol, &line("alice", "secret", 4)]);
    // What was opened by the lines that are gone ends, and nothing else.
    assert_eq!(before.map(|user| user.has_ended()), [true, true, false]);
    assert!(passwords.remembers("carol", "secret"));
    assert!(!passwords.remembers("alice", "secret") && passwords.admits("alice", "secret").await);
    assert!(!passwords.remembers("bob", "secret") && !passwords.admits("bob", "secret").await);
    // What is put back was not verified.
    passwords.replace(&[bob]);
    assert!(!passwords.remembers("bob", "secret") && passwords.admits("bob", "secret").await);
}

#[tokio::test]
async fn a_verification_that_runs_is_not_remembered_for_a_line_that_changed() {
    let alice = line("alice", "secret", 10);
    let passwords = users(&[&alice]);
    let mut verification = Box::pin(passwords.verify("alice", "secret", ANYBODY));
    assert!(futures::poll!(&mut verification).is_pending());
    passwords.replace(&[&line("alice", "other", 4)]);
    // It was asked before, and one reading of the file decides. But it is over.
    assert!(verification.await.unwrap().unwrap().has_ended());
    assert!(!passwords.admits("alice", "secret").await && passwords.admits("alice", "other").await);
}

#[tokio::test]
async fn a_hundred_logins_take_the_memory_of_those_that_run() {
    let argon2 = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8";
    let lines: Vec<_> = (0..100).map(|n| format!("user-{n}:{argon2}")).collect();
    let mut passwords = Passwords::of_text(&lines.join("\n")).unwrap();
    passwords.verify_at_once(NonZeroUsize::new(2).unwrap());
    let names: Vec<_> = (0..100).map(|n| format!("user-{n}")).collect();
    let logins = names.iter().map(|name| passwords.verify(name, "wrong", ANYBODY));
    for answer in join_all(logins).await {
        assert!(answer.unwrap().is_none());
    }
    // In KiB, as argon2 counts: two at a time, and not a hundred.
    let blocks = passwords.users.load().memory();
    assert!((1..=2 * 4096).contains(&blocks), "{blocks}");
}

#[test]
fn debug_shows_nobody() {
    let alice = line("alice", "secret", 4);
    let passwords = users(&[&alice]);
    assert_eq!(format!("{passwords:?}"), "[1 users]");
}
