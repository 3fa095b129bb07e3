//! What each kind of revocation revokes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{AccessToken, FaultyStore, ISSUER, start, watch, watch_name};
use crate::auth::Principal;
use crate::crypto::sha256;

#[tokio::test]
async fn revoked_token_is_revoked_for_every_principal() {
    let revocations = start(FaultyStore::default()).await;
    let ci = Principal::new("ci");
    let [one, two] = ["one", "two"].map(|token| watch(&revocations, &ci, Some(token)));
    revocations.revoke_token("one").await.unwrap();
    assert!(one.is_revoked() && !two.is_revoked());
    assert!(watch(&revocations, &ci, Some("one")).is_revoked());
    assert!(watch(&revocations, &Principal::new("other"), Some("one")).is_revoked());
    assert!(!watch(&revocations, &ci, Some("One")).is_revoked());
    assert!(!watch(&revocations, &ci, None).is_revoked());
}

#[tokio::test]
async fn digest_of_a_token_file_revokes_its_token() {
    let revocations = start(FaultyStore::default()).await;
    let ci = Principal::new("ci");
    revocations.revoke_token_sha256(sha256("one")).await.unwrap();
    assert!(watch(&revocations, &ci, Some("one")).is_revoked());
    assert!(!watch(&revocations, &ci, Some("two")).is_revoked());
}

/// A holder of an ES256 token can make a second valid signature of it.
#[tokio::test]
async fn jwt_is_revoked_with_any_signature() {
    let revocations = start(FaultyStore::default()).await;
    revocations.revoke_token("header.payload.signature").await.unwrap();
    let token = AccessToken::new("{}");
    let with = |token| AccessToken { token, ..AccessToken::new("{}") };
    assert!(token.watch(&revocations).is_revoked());
    assert!(with("header.payload.another").watch(&revocations).is_revoked());
    assert!(!with("header.other.signature").watch(&revocations).is_revoked());
    // The same text as a static token has no signature.
    let ci = Principal::new("ci");
    assert!(!watch(&revocations, &ci, Some("header.payload.another")).is_revoked());
}

#[tokio::test]
async fn principal_is_revoked_with_its_issuer() {
    let revocations = start(FaultyStore::default()).await;
    let alice = Principal::new("alice");
    revocations.revoke_principal(&alice.clone().issued_by("a")).await.unwrap();
    assert!(watch(&revocations, &alice.clone().issued_by("a"), None).is_revoked());
    assert!(watch(&revocations, &alice.clone().issued_by("a"), Some("token")).is_revoked());
    for other in [alice.clone(), alice.issued_by("b"), Principal::new("bob").issued_by("a")] {
        assert!(!watch(&revocations, &other, None).is_revoked(), "{other:?}");
    }
}

#[tokio::test]
async fn access_token_is_revoked_by_issuer_and_jti() {
    let revocations = start(FaultyStore::default()).await;
    let with = |claims, id| AccessToken { id, ..AccessToken::new(claims) };
    revocations.revoke_jti(ISSUER, "t-1").await.unwrap();
    revocations.revoke_jti("https://other.example.com", "t-2").await.unwrap();
    assert!(with("1", Some("t-1")).watch(&revocations).is_revoked());
    assert!(!with("2", Some("t-2")).watch(&revocations).is_revoked());
    assert!(!with("3", None).watch(&revocations).is_revoked());
}

/// The same header field may be presented with different claims, if an authenticator takes its token from elsewhere.
#[tokio::test]
async fn tokens_with_different_claims_are_different_credentials() {
    let revocations = start(FaultyStore::default()).await;
    let with = |claims, id| AccessToken { id: Some(id), ..AccessToken::new(claims) };
    let first = with("1", "t-1").watch(&revocations);
    let second = with("2", "t-2").watch(&revocations);
    revocations.revoke_jti(ISSUER, "t-2").await.unwrap();
    assert!(!first.is_revoked() && second.is_revoked());
}

/// Case 50.
#[tokio::test]
async fn subject_is_revoked_up_to_the_second() {
    let revocations = start(FaultyStore::default()).await;
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let at = |seconds: u64, millis| {
        Some(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
    };
    let with = |claims, issued_at| AccessToken { issued_at, ..AccessToken::new(claims) };
    let before = with("open before", at(second - 1, 0)).watch(&revocations);
    let after = with("open after", at(second + 1, 0)).watch(&revocations);
    let other =
        AccessToken { subject: "bob", ..with("bob", at(second - 1, 0)) }.watch(&revocations);
    let time = at(second, 500).unwrap();
    revocations.revoke_subject_before(ISSUER, "alice", time).await.unwrap();
    assert!(before.is_revoked() && !after.is_revoked() && !other.is_revoked());
    let same_second = [at(second, 0), at(second, 999), at(second - 100, 0), None];
    for (claims, issued_at) in ["a", "b", "c", "d"].into_iter().zip(same_second) {
        assert!(with(claims, issued_at).watch(&revocations).is_revoked(), "{issued_at:?}");
    }
    assert!(!with("next second", at(second + 1, 0)).watch(&revocations).is_revoked());
}

#[tokio::test]
async fn subject_is_revoked_until_now() {
    let revocations = start(FaultyStore::default()).await;
    let with =
        |claims, issued_at| AccessToken { issued_at: Some(issued_at), ..AccessToken::new(claims) };
    let now = SystemTime::now();
    revocations.revoke_subject(ISSUER, "alice").await.unwrap();
    assert!(with("now", now).watch(&revocations).is_revoked());
    let later = SystemTime::now() + Duration::from_secs(1);
    assert!(!with("later", later).watch(&revocations).is_revoked());
}

/// Otherwise an identity provider could lock a user out for good.
#[tokio::test]
async fn times_far_in_the_future_are_limited() {
    let revocations = start(FaultyStore::default()).await;
    let with =
        |claims, issued_at| AccessToken { issued_at: Some(issued_at), ..AccessToken::new(claims) };
    let now = SystemTime::now();
    let far = now + Duration::from_secs(365 * 24 * 3600);
    revocations.revoke_subject_before(ISSUER, "alice", far).await.unwrap();
    assert!(with("soon", now + Duration::from_secs(58)).watch(&revocations).is_revoked());
    let minutes = SystemTime::now() + Duration::from_secs(62);
    assert!(!with("later", minutes).watch(&revocations).is_revoked());
}

#[tokio::test]
async fn one_kind_of_name_is_not_taken_for_another() {
    let revocations = start(FaultyStore::default()).await;
    revocations.revoke_token("alice").await.unwrap();
    revocations.revoke_jti(ISSUER, "alice").await.unwrap();
    revocations.revoke_subject(ISSUER, "alice").await.unwrap();
    assert!(!watch_name(&revocations, "alice").is_revoked());
}

/// An entry that arrives between both steps finds the watch.
#[tokio::test]
async fn credential_is_watched_before_it_is_looked_up() {
    let revocations = start(FaultyStore::default()).await;
    std::thread::scope(|scope| {
        let look_ups_wait = revocations.0.shared.known.write();
        let request = scope.spawn(|| watch_name(&revocations, "alice"));
        let deadline = Instant::now() + Duration::from_secs(30);
        while revocations.0.shared.watches.len() == 0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let watched = revocations.0.shared.watches.len();
        drop(look_ups_wait);
        assert_eq!((watched, request.join().unwrap().is_revoked()), (1, false));
    });
}
