//! On tokio's clock, which stands still until it is put forward.

use tokio::time::advance;

use super::*;

const ALICE: &str = "$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";

fn digest(number: u64) -> Digest {
    Digest([number, 0, 0, 0])
}

/// Remembers credential 1, from address 7.
fn remembered() -> Remembered {
    let remembered = Remembered::default();
    remembered.remember(digest(1), &[7]);
    remembered
}

fn hit(by_this_address: bool) -> Option<Hit> {
    Some(Hit { by_this_address })
}

#[tokio::test(start_paused = true)]
async fn only_what_was_verified() {
    let remembered = remembered();
    assert_eq!(remembered.look_up(digest(1), Some(7)), hit(true));
    assert_eq!(remembered.look_up(digest(2), Some(7)), None);
    assert_eq!(Remembered::default().look_up(digest(1), Some(7)), None);
}

#[tokio::test(start_paused = true)]
async fn for_300_seconds_however_often_it_is_used() {
    let remembered = remembered();
    for _ in 0..299 {
        advance(Duration::from_secs(1)).await;
        assert_eq!(remembered.look_up(digest(1), Some(7)), hit(true));
        remembered.vouch(digest(1), 8);
    }
    advance(Duration::from_millis(999)).await;
    assert_eq!(remembered.look_up(digest(1), Some(7)), hit(true));
    advance(Duration::from_millis(1)).await;
    assert_eq!(remembered.look_up(digest(1), Some(7)), None);
    assert!(remembered.lock().is_none(), "and nothing of it is left");
    remembered.remember(digest(1), &[]);
    assert_eq!(remembered.look_up(digest(1), Some(7)), hit(false), "verified anew");
}

#[tokio::test(start_paused = true)]
async fn with_the_newest_eight_addresses() {
    let remembered = Remembered::default();
    let addresses: Vec<u128> = (0..10).collect();
    remembered.remember(digest(1), &addresses);
    let known = || {
        (0..20)
            .filter(|&address| remembered.look_up(digest(1), Some(address)) == hit(true))
            .collect::<Vec<_>>()
    };
    assert_eq!(known(), [2, 3, 4, 5, 6, 7, 8, 9]);
    remembered.vouch(digest(1), 5);
    assert_eq!(known(), [2, 3, 4, 5, 6, 7, 8, 9]);
    remembered.vouch(digest(1), 15);
    assert_eq!(known(), [3, 4, 5, 6, 7, 8, 9, 15]);
    remembered.vouch(digest(1), 14);
    assert_eq!(known(), [4, 5, 6, 7, 8, 9, 14, 15]);
    remembered.vouch(digest(2), 16); // another credential by now
    assert_eq!(known(), [4, 5, 6, 7, 8, 9, 14, 15]);
    assert_eq!(remembered.look_up(digest(1), None), hit(false), "no address is not one of them");
}

#[test]
fn a_credential_is_its_user_line_and_password() {
    let key = CredentialKey::new().unwrap();
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
        CredentialKey::new().unwrap().line("alice", ALICE).credential("secret"),
    ] {
        assert!(alice != other);
    }
}
