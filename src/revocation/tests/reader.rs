//! What processes learn from the log.

use std::time::{Duration, SystemTime};

use super::{FaultyStore, happens, start, until, watch, watch_name};
use crate::auth::Principal;
use crate::revocation::time::now;
use crate::revocation::{RevocationOptions, Revocations};
use crate::stores::{
    MemoryRevocationStore, RevocationEntry, RevocationKind, RevocationStore, StoreKey,
};

#[tokio::test]
async fn revocation_arrives_at_other_processes() {
    let store = MemoryRevocationStore::new();
    let (a, b) = (start(store.clone()).await, start(store).await);
    let (alice, bob) = (watch_name(&b, "alice"), watch_name(&b, "bob"));
    a.revoke_principal(&Principal::new("alice")).await.unwrap();
    happens(&alice).await;
    assert!(watch_name(&b, "alice").is_revoked());
    assert!(!bob.is_revoked());
}

/// Case 45.
#[tokio::test]
async fn process_that_starts_later_reads_the_whole_log() {
    let store = MemoryRevocationStore::new();
    let first = start(store.clone()).await;
    for number in 0..1_500 {
        first.revoke_token(&number.to_string()).await.unwrap();
    }
    drop(first);
    let later = start(store).await;
    for number in 0..1_500 {
        let ci = Principal::new("ci");
        assert!(watch(&later, &ci, Some(&number.to_string())).is_revoked(), "{number}");
    }
    assert!(!watch_name(&later, "ci").is_revoked());
}

/// Case 46.
#[tokio::test]
async fn log_that_was_emptied_gets_its_entries_again() {
    let store = FaultyStore::default();
    let (a, b) = (start(store.clone()).await, start(store.clone()).await);
    a.revoke_principal(&Principal::new("alice")).await.unwrap();
    a.revoke_subject("issuer", "bob").await.unwrap();
    happens(&watch_name(&b, "alice")).await;
    store.memory().clear();
    drop(a); // one process that knows suffices
    until(|| store.len() == 2).await;
    let later = start(store.clone()).await;
    assert!(watch_name(&later, "alice").is_revoked() && !watch_name(&later, "carol").is_revoked());
}

#[tokio::test]
async fn log_that_lost_nothing_gets_no_entry_again() {
    let store = FaultyStore::default();
    let revocations = start(store.clone()).await;
    revocations.revoke_principal(&Principal::new("alice")).await.unwrap();
    let page = store.memory().read(&Default::default(), Duration::ZERO).await.unwrap();
    // Another history with the same entries, as when a replica becomes the master.
    store.memory().replace(&page.entries);
    let reads = store.reads();
    until(|| store.reads() > reads + 1).await;
    revocations.revoke_principal(&Principal::new("bob")).await.unwrap();
    assert_eq!(store.len(), 2);
}

#[tokio::test]
async fn entries_of_another_key_have_no_effect() {
    let store = MemoryRevocationStore::new();
    let alice = Principal::new("alice");
    let other = Revocations::start(store.clone(), StoreKey::from([8; 32])).await.unwrap();
    other.revoke_principal(&alice).await.unwrap();
    let own = start(store.clone()).await;
    assert!(!watch_name(&own, "alice").is_revoked());
    assert!(watch_name(&other, "alice").is_revoked());
    // Even if their digests are those of this key.
    let digest = own.0.shared.digests.principal(&alice);
    let entry = |fingerprint| {
        RevocationEntry::new(RevocationKind::Principal, digest, fingerprint, u64::MAX)
    };
    store.publish(&[entry(*b"wrng")], Duration::MAX).await.unwrap();
    own.revoke_principal(&Principal::new("bob")).await.unwrap();
    happens(&watch_name(&start(store.clone()).await, "bob")).await;
    assert!(!watch_name(&start(store.clone()).await, "alice").is_revoked());
    store.publish(&[entry(own.0.shared.digests.fingerprint())], Duration::MAX).await.unwrap();
    assert!(watch_name(&start(store).await, "alice").is_revoked());
}

/// Case 48, in memory.
#[tokio::test]
async fn hundred_thousand_revocations_arrive() {
    let store = MemoryRevocationStore::new();
    let (a, b) = (start(store.clone()).await, start(store.clone()).await);
    let ci = Principal::new("ci");
    let last = watch(&b, &ci, Some("99999"));
    let other = watch(&b, &ci, Some("100000"));
    let digests = &a.0.shared.digests;
    let entries: Vec<_> = (0..100_000)
        .map(|number| {
            let digest = digests.token(&crate::crypto::sha256(number.to_string()));
            RevocationEntry::new(RevocationKind::Token, digest, digests.fingerprint(), u64::MAX)
        })
        .collect();
    store.publish(&entries, Duration::from_secs(60)).await.unwrap();
    happens(&last).await;
    assert!(!other.is_revoked());
    assert_eq!(b.0.shared.known.len(), 100_000);
}

#[tokio::test]
async fn revocation_ends_after_its_time() {
    let revocations = start(MemoryRevocationStore::new()).await;
    let shared = &revocations.0.shared;
    let digest = shared.digests.principal(&Principal::new("alice"));
    let entry = |until| RevocationEntry::new(RevocationKind::Principal, digest, [0; 4], until);
    shared.apply(&[entry(now() + 500)]);
    assert!(watch_name(&revocations, "alice").is_revoked());
    until(|| !watch_name(&revocations, "alice").is_revoked()).await;
    shared.apply(&[entry(now())]);
    assert!(!watch_name(&revocations, "alice").is_revoked(), "it has expired already");
}

/// A token that was issued at the time of its revocation, by a clock that is ahead, and that has a leeway.
#[tokio::test]
async fn revocation_is_remembered_for_longer_than_a_credential_lives() {
    let store = MemoryRevocationStore::new();
    let hour = Duration::from_secs(3600);
    let options = RevocationOptions::new().keep(hour);
    let revocations = options.start(store.clone(), StoreKey::from([7; 32])).await.unwrap();
    let started = now();
    revocations.revoke_token("one").await.unwrap();
    let soon = SystemTime::now() + Duration::from_secs(30);
    revocations.revoke_subject_before("issuer", "alice", soon).await.unwrap();
    let page = store.read(&Default::default(), Duration::ZERO).await.unwrap();
    let [token, subject] = page.entries[..] else { panic!("two entries") };
    let leeway = 2 * 5 * 60 * 1000;
    assert!(token.until >= started + 3_600_000 + leeway);
    assert!(subject.until >= started + 30_000 + 3_600_000 + leeway);
}

#[tokio::test]
async fn reader_stops_when_the_last_handle_is_dropped() {
    let store = FaultyStore::default();
    let revocations = start(store.clone()).await;
    let clone = revocations.clone();
    drop(revocations);
    tokio::task::yield_now().await;
    assert_eq!(store.owners(), 2, "the test has one, and the handle with its reader the other");
    drop(clone);
    until(|| store.owners() == 1).await;
}

#[tokio::test]
async fn debug_shows_numbers_alone() {
    let revocations = start(FaultyStore::default()).await;
    revocations.revoke_token("secret").await.unwrap();
    let _held = watch(&revocations, &Principal::new("alice"), Some("secret"));
    let _other = watch(&revocations, &Principal::new("alice"), None);
    assert_eq!(format!("{revocations:?}"), "Revocations { known: 1, credentials_in_use: 1, .. }");
}
