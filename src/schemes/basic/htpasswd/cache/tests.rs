//! On tokio's clock, which stands still until it is put forward.

use tokio::time::advance;

use super::*;

const ALICE: &str = "$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

#[tokio::test(start_paused = true)]
async fn only_what_was_verified_is_remembered() {
    let remembered = CachedCredential::default();
    assert!(!remembered.has(digest(1)));
    remembered.remember(digest(1));
    assert!(remembered.has(digest(1)) && !remembered.has(digest(2)));
}

#[tokio::test(start_paused = true)]
async fn it_is_remembered_for_300_seconds_however_often_used() {
    let remembered = CachedCredential::default();
    remembered.remember(digest(1));
    for _ in 0..299 {
        advance(Duration::from_secs(1)).await;
        assert!(remembered.has(digest(1)));
    }
    advance(Duration::from_millis(999)).await;
    assert!(remembered.has(digest(1)));
    advance(Duration::from_millis(1)).await;
    assert!(!remembered.has(digest(1)));
    assert!(remembered.lock().is_none(), "and nothing of it is left");
    remembered.remember(digest(1));
    assert!(remembered.has(digest(1)), "verified anew");
}

#[test]
fn a_credential_is_its_user_line_and_password() {
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
        // Where one part ends is part of it.
        credential(&format!("alice{}", &ALICE[..1]), &ALICE[1..], "secret"),
        credential("alice", &format!("{ALICE}s"), "ecret"),
        CredentialKey::new().line("alice", ALICE).credential("secret"),
    ] {
        assert!(alice != other);
    }
}
