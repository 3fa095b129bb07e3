//! An issuer that does not respond.

use super::*;

const HOUR: u64 = 3600;

#[tokio::test(start_paused = true)]
async fn tokens_are_unavailable_until_the_first_keys() {
    let (issuer, keys) = FakeIssuer::that(Does::Fail);
    assert_eq!(verdict(&keys, "a").await, Unavailable(1));
    // No fetch for each request.
    assert_eq!(look(&keys, "a"), Some(Unavailable(1)));
    assert_eq!(issuer.fetches(), 1);
    issuer.now(Does::Publish(&["a"]));
    pass(2).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert_eq!(look(&keys, "b"), Some(Unknown));
}

#[tokio::test(start_paused = true)]
async fn known_keys_outlive_an_outage() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    let a = revocation(&keys, "a").unwrap();
    issuer.now(Does::Fail);
    pass(23 * HOUR).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert!(!a.is_revoked());
    issuer.now(Does::Publish(&["a"]));
    pass(2 * HOUR).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert!(!a.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_unavailable_in_an_outage() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "b").await, Unknown);
    issuer.now(Does::Fail);
    pass(11).await;
    assert_eq!(verdict(&keys, "b").await, Unavailable(1));
    assert_eq!(look(&keys, "a"), Some(Known));
    // The rotation was during the outage.
    issuer.now(Does::Publish(&["a", "b"]));
    pass(2).await;
    assert_eq!(look(&keys, "b"), Some(Known));
}

#[tokio::test(start_paused = true)]
async fn failed_fetches_are_repeated_after_1_to_60_seconds() {
    let (issuer, keys) = FakeIssuer::that(Does::Fail);
    assert_eq!(verdict(&keys, "a").await, Unavailable(1));
    pass(300).await;
    assert_eq!(issuer.intervals(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn requests_shorten_the_back_off_to_ten_seconds() {
    let (issuer, keys) = FakeIssuer::that(Does::Fail);
    for _ in 0..70 {
        assert!(matches!(verdict(&keys, "a").await, Unavailable(1..=10)));
        pass(1).await;
    }
    let intervals = issuer.intervals();
    assert_eq!(intervals[..4], [1, 2, 4, 8]);
    assert!(intervals[4..].iter().all(|seconds| *seconds == 10), "{intervals:?}");
}

#[tokio::test(start_paused = true)]
async fn keys_end_after_a_day_without_a_fetch() {
    let (issuer, keys) = FakeIssuer::that(Does::PublishFor(&["a"], Duration::MAX));
    assert_eq!(verdict(&keys, "a").await, Known);
    let a = revocation(&keys, "a").unwrap();
    issuer.now(Does::Fail);
    pass(24 * HOUR - 1).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert!(!a.is_revoked());
    pass(2).await;
    assert!(a.is_revoked());
    assert!(matches!(verdict(&keys, "a").await, Unavailable(_)));
    assert!(keys.with_current(KeySet::is_empty));
    issuer.now(Does::Publish(&["a"]));
    pass(61).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert!(a.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_never_ends_is_given_up() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    assert_eq!(verdict(&keys, "a").await, Unavailable(1));
    issuer.now(Does::Publish(&["a"]));
    pass(2).await;
    assert_eq!(look(&keys, "a"), Some(Known));
}
