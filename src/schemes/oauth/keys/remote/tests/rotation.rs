//! Keys that the issuer adds and withdraws.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    pass(11).await;
    issuer.now(Does::Publish(&["a", "b"]));
    assert_eq!(verdict(&keys, "b").await, Known);
    assert_eq!(verdict(&keys, "a").await, Known);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_revoked_and_no_other_one() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a", "b"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    let (a, b) = (revocation(&keys, "a").unwrap(), revocation(&keys, "b").unwrap());
    issuer.now(Does::Publish(&["b", "c"]));
    keys.refresh().await.unwrap();
    assert!(a.is_revoked() && !b.is_revoked());
    assert_eq!(verdict(&keys, "a").await, Unknown);
    assert_eq!(verdict(&keys, "b").await, Known);
    // The same revocation again: the key is the same.
    issuer.now(Does::Publish(&["c"]));
    keys.refresh().await.unwrap();
    assert!(b.is_revoked());
}

/// Servers behind one name may publish different sets during a rotation.
#[tokio::test(start_paused = true)]
async fn a_key_that_comes_back_does_not_revive_its_grants() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a", "b"]));
    keys.refresh().await.unwrap();
    let before = revocation(&keys, "a").unwrap();
    for published in [&["b"][..], &["a", "b"]] {
        issuer.now(Does::Publish(published));
        keys.refresh().await.unwrap();
    }
    let after = revocation(&keys, "a").unwrap();
    assert!(before.is_revoked() && !after.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_ends_without_a_request() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a", "b"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    let (a, b) = (revocation(&keys, "a").unwrap(), revocation(&keys, "b").unwrap());
    issuer.now(Does::Publish(&["b"]));
    pass(599).await;
    assert!(!a.is_revoked());
    pass(2).await;
    assert!(a.is_revoked() && !b.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn freshness_is_from_one_minute_to_23_hours() {
    for (max_age, seconds) in [
        (None, 600),
        (Some(0), 60),
        (Some(300), 300),
        (Some(315_360_000), 23 * 3600),
        (Some(u64::MAX), 23 * 3600),
    ] {
        let does = match max_age {
            Some(max_age) => Does::PublishFor(&["a"], Duration::from_secs(max_age)),
            None => Does::Publish(&["a"]),
        };
        let (issuer, keys) = FakeIssuer::that(does);
        assert_eq!(verdict(&keys, "a").await, Known);
        pass(2 * seconds + 1).await;
        assert_eq!(issuer.intervals(), [seconds, seconds]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_its_keys() {
    for does in [Does::Publish(&["a"]), Does::Wait] {
        let (issuer, keys) = FakeIssuer::that(does);
        assert_eq!(look(&keys, "a"), None);
        pass(1).await;
        assert_eq!((issuer.fetches(), Arc::strong_count(&issuer.0)), (1, 2));
        drop(keys);
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&issuer.0), 1);
    }
}

/// A fetch may end after a request looked for its key, and before it asks what it means that there is none.
#[tokio::test(start_paused = true)]
async fn a_key_is_unknown_only_if_the_current_set_lacks_it() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    assert_eq!(keys.absent(&KeySet::empty()), Absent::Ask);
    keys.fetched().await;
    assert_eq!(keys.with_current(|set| keys.absent(set)), Absent::Unknown);
    assert_eq!(issuer.fetches(), 1);
}
