//! With the paused clock of tokio.

use tokio::time::advance;

use super::*;

const ALICE: &str = "$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

#[tokio::test(start_paused = true)]
async fn only_the_stored_credential_is_cached() {
    let cached = CachedCredential::default();
    assert!(!cached.contains(digest(1)));
    cached.store(digest(1));
    assert!(cached.contains(digest(1)) && !cached.contains(digest(2)));
}

#[tokio::test(start_paused = true)]
async fn credential_is_cached_for_300_seconds_however_often_used() {
    let cached = CachedCredential::default();
    cached.store(digest(1));
    for _ in 0..299 {
        advance(Duration::from_secs(1)).await;
        assert!(cached.contains(digest(1)));
    }
    advance(Duration::from_millis(999)).await;
    assert!(cached.contains(digest(1)));
    advance(Duration::from_millis(1)).await;
    assert!(!cached.contains(digest(1)));
    assert!(cached.lock().credential == none(), "the digest is dropped");
    cached.store(digest(1));
    assert!(cached.contains(digest(1)), "verified again");
}

#[test]
fn digest_covers_user_hash_and_password() {
    let key = CredentialKey::new();
    let credential = |user, text, password| key.line(user, text).credential(password);
    let alice = credential("alice", ALICE, "secret");
    assert!(alice == credential("alice", ALICE, "secret"));
    let changed = ALICE.replace("$2y$", "$2b$");
    for other in [
        credential("alicf", ALICE, "secret"),
        credential("alice", &changed, "secret"),
        credential("alice", ALICE, "secreT"),
        credential("alice", ALICE, ""),
        // Parts cannot be shifted.
        credential(&format!("alice{}", &ALICE[..1]), &ALICE[1..], "secret"),
        credential("alice", &format!("{ALICE}s"), "ecret"),
        CredentialKey::new().line("alice", ALICE).credential("secret"),
    ] {
        assert!(alice != other);
    }
}
