//! How often the issuer is asked, and who waits.

use futures::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_before_the_first_use() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    pass(3600).await;
    assert_eq!(issuer.fetches(), 0);
    assert_eq!(verdict(&keys, "a").await, Known);
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_requests_share_one_fetch() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    let requests = join_all((0..100).map(|_| verdict(&keys, "a")));
    let publish = async {
        pass(3).await;
        issuer.now(Does::Publish(&["a"]));
    };
    let (verdicts, ()) = tokio::join!(requests, publish);
    assert!(verdicts.iter().all(|verdict| *verdict == Known));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_asked_for_once_in_ten_seconds() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    for id in 0..10_000 {
        if id % 1000 == 0 {
            pass(1).await;
        }
        assert_eq!(verdict(&keys, &format!("random {id}")).await, Unknown);
        assert_eq!(look(&keys, "a"), Some(Known));
    }
    assert_eq!(issuer.fetches(), 2);
    assert_eq!(issuer.intervals(), [10]);
}

/// Unknown keys that come all the time keep the pause between fetches busy, and do no more.
#[tokio::test(start_paused = true)]
async fn a_flood_delays_a_rotation_by_ten_seconds_at_most() {
    for start in 11..21 {
        let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
        assert_eq!(verdict(&keys, "a").await, Known);
        let mut found = None;
        for tenth in 0..400 {
            if tenth == start * 10 + 3 {
                issuer.now(Does::Publish(&["a", "b"]));
            }
            verdict(&keys, &format!("random {tenth}")).await;
            if found.is_none() && tenth > start * 10 + 3 && verdict(&keys, "b").await == Known {
                found = Some(tenth - start * 10 - 3);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(found.is_some_and(|tenths| tenths <= 101), "{start} {found:?}");
        assert!(issuer.intervals().iter().all(|seconds| *seconds >= 10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_key_never_waits_for_a_fetch() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(verdict(&keys, "a").await, Known);
    pass(11).await;
    issuer.now(Does::Wait);
    assert_eq!(look(&keys, "b"), None);
    tokio::task::yield_now().await;
    assert_eq!(issuer.fetches(), 2);
    assert_eq!(look(&keys, "a"), Some(Known));
    assert_eq!(look(&keys, "b"), None);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_although_its_requester_hangs_up() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    {
        let request = verdict(&keys, "a");
        assert!(tokio::time::timeout(Duration::from_secs(1), request).await.is_err());
    }
    issuer.now(Does::Publish(&["a"]));
    pass(1).await;
    assert_eq!(look(&keys, "a"), Some(Known));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_requester_that_comes_too_late_does_not_wait() {
    let (_issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(look(&keys, "a"), None);
    pass(1).await;
    tokio::time::timeout(Duration::ZERO, keys.fetched()).await.expect("the fetch has ended");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_wait_and_no_more() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    assert_eq!(look(&keys, "a"), None);
    let mut waiting: Vec<_> = (0..1_000).map(|_| Box::pin(keys.fetched())).collect();
    for request in &mut waiting {
        assert!(futures::poll!(request).is_pending());
    }
    assert!(futures::poll!(Box::pin(keys.fetched())).is_ready());
    // Who hangs up makes room.
    drop(waiting.pop());
    let mut next = Box::pin(keys.fetched());
    assert!(futures::poll!(&mut next).is_pending());
    issuer.now(Does::Publish(&["a"]));
    join_all(waiting).await;
    next.await;
    assert_eq!(look(&keys, "a"), Some(Known));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_waits_for_a_fetch_that_begins_after_it() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    assert_eq!(look(&keys, "a"), None);
    pass(1).await;
    assert_eq!(issuer.fetches(), 1);
    let refreshes = join_all((0..10).map(|_| keys.refresh()));
    let publish = async {
        pass(1).await;
        issuer.now(Does::Publish(&["a"]));
    };
    let (outcomes, ()) = tokio::join!(refreshes, publish);
    assert!(outcomes.iter().all(Result::is_ok));
    // The one that was under way, and one for all of them.
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_says_why_it_failed() {
    let (issuer, keys) = FakeIssuer::that(Does::Fail);
    let error = keys.refresh().await.unwrap_err().to_string();
    assert!(error.contains("https://id.example.com: it is down"), "{error}");
    assert!(!keys.with_current(|set| !set.is_empty()));
    issuer.now(Does::Publish(&["a"]));
    keys.refresh().await.unwrap();
    assert!(keys.with_current(|set| !set.is_empty()));
}
