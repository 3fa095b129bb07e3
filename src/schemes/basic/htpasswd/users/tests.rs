//! Successive versions of a file.

use zeroize::Zeroizing;

use super::*;
use crate::schemes::basic::htpasswd::hash::Cost;
use crate::schemes::basic::htpasswd::hasher::{Verdict, Verification};
use crate::schemes::basic::htpasswd::passwords::Check;
use crate::schemes::basic::htpasswd::passwords::tests::line;

fn users(lines: &[String], before: Option<&UserTable>, key: &CredentialKey) -> UserTable {
    UserTable::new(PasswordFile::parse(&lines.join("\n")).unwrap(), key, before)
}

/// A digest, as of a name.
fn name(number: u64) -> Digest {
    // The constant of Fibonacci hashing, which spreads consecutive numbers.
    Digest::from_words([number.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0, 0, 0])
}

#[test]
fn dummy_costs_have_the_distribution_of_the_file() {
    let key = CredentialKey::new();
    let argon2 = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8";
    let mut lines: Vec<_> = (0..6).map(|n| line(&format!("four-{n}"), "x", 4)).collect();
    lines.extend((0..3).map(|n| line(&format!("five-{n}"), "x", 5)));
    lines.push(format!("argon:{argon2}"));
    let users = users(&lines, None, &key);
    let names_of = |cost| (0..1000).filter(|&n| users.dummy(name(n)).cost() == cost).count();
    let argon2 = Cost::Argon2id { memory: 4096, passes: 1, lanes: 1, salt: 8, output: 24 };
    for (cost, share) in [(Cost::Bcrypt(4), 600), (Cost::Bcrypt(5), 300), (argon2, 100)] {
        let names = names_of(cost);
        assert!(names.abs_diff(share) < 10, "{names} names of 1000 have {cost:?}");
    }
    for extreme in [0, u64::MAX] {
        users.dummy(Digest::from_words([extreme; 4]));
    }
}

#[test]
fn another_user_changes_few_dummy_costs() {
    let key = CredentialKey::new();
    let mut lines: Vec<_> =
        (0..20).map(|n| line(&format!("user-{n}"), "x", if n < 10 { 4 } else { 5 })).collect();
    let before = users(&lines, None, &key);
    lines.push(line("another", "x", 4));
    let after = users(&lines, Some(&before), &key);
    let costs = |n| (before.dummy(name(n)).cost(), after.dummy(name(n)).cost());
    let changed = (0..1000).map(costs).filter(|(before, after)| before != after).count();
    assert!((1..50).contains(&changed), "{changed} names of 1000");
}

#[test]
fn unknown_user_is_rejected_even_if_the_dummy_matches() {
    let key = CredentialKey::new();
    let mut users = users(&[line("alice", "secret", 4)], None, &key);
    let alice = users.get("alice").unwrap().clone();
    users.dummies.hashes[0].1 = alice.hash.clone();
    let users = Arc::new(users);
    for (user, verdict) in [(Some(alice), Verdict::Correct), (None, Verdict::Wrong)] {
        let (name, credential) = (name(1), name(2));
        let check = Check {
            users: users.clone(),
            user,
            name,
            credential,
            password: Zeroizing::new("secret".into()),
        };
        assert_eq!(check.verify(), verdict);
    }
}

#[test]
fn unchanged_line_keeps_its_user() {
    let key = CredentialKey::new();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| line(user, "secret", 4));
    let before = users(&[alice.clone(), bob.clone(), carol.clone()], None, &key);
    // Alice has another salt, Bob is gone, and Dave is new.
    let after =
        users(&[carol, line("dave", "secret", 4), line("alice", "secret", 4)], Some(&before), &key);
    let same = |name| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) => Arc::ptr_eq(before, after),
        _ => false,
    };
    assert!(same("carol") && !same("alice"));
    assert!(after.get("bob").is_none() && after.get("dave").is_some());
    assert_eq!(before.removed_in(&before).cancel(), 0);
    assert_eq!(before.removed_in(&after).cancel(), 2);
    let has_ended = |name| !before.get(name).unwrap().grant.is_active();
    assert!(has_ended("alice") && has_ended("bob") && !has_ended("carol"));
}

#[test]
fn memory_is_reused() {
    let key = CredentialKey::new();
    let users = users(&[line("alice", "secret", 4)], None, &key);
    let first = users.with_memory(|memory| {
        memory.resize(8, Block::new());
        memory.as_ptr()
    });
    users.with_memory(|memory| {
        assert_eq!(memory.as_ptr(), first);
        users.with_memory(|other| assert!(other.is_empty(), "it is in use"));
    });
    assert_eq!(users.memory.lock().unwrap().len(), 2);
}
