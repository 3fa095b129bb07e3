//! How long a result is used without another call.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_active_token_is_active_for_a_while_without_a_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    assert!(sut.cached("a").is_none() && !sut.is_known("a"));
    assert_eq!(verify(&sut, "a").await.ok().unwrap().grant.principal.name(), "alice");
    fake.revoke("a");
    tokio::time::advance(FRESH - Duration::from_millis(1)).await;
    assert!(sut.cached("a").unwrap().is_ok() && verify(&sut, "a").await.is_ok());
    assert_eq!(fake.calls(), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(sut.cached("a").is_none() && sut.is_known("a"));
    assert!(is_invalid(&verify(&sut, "a").await) && !sut.is_known("a"));
    assert_eq!(fake.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_refused_for_a_while_without_a_call() {
    let fake = Fake::default();
    let sut = fake.introspector();
    assert!(is_invalid(&verify(&sut, "a").await));
    fake.activate("a", "alice");
    tokio::time::advance(Duration::from_millis(4_999)).await;
    assert!(is_invalid(&sut.cached("a").unwrap()) && is_invalid(&verify(&sut, "a").await));
    assert_eq!(fake.calls(), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(verify(&sut, "a").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_cached_and_stale_tokens_are_unavailable() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "a").await.is_ok());
    fake.state().is_down = true;
    tokio::time::advance(FRESH).await;
    assert!(is_unavailable(&verify(&sut, "a").await) && is_unavailable(&verify(&sut, "b").await));
    assert!(sut.is_known("a"), "an outage is not the fault of the token");
    fake.state().is_down = false;
    assert!(verify(&sut, "a").await.is_ok());
}

#[tokio::test]
async fn a_token_is_not_cached_beyond_its_expiry() {
    let fake = Fake::default();
    let expired = Grant::new(Principal::new("alice")).expires_at(Some(SystemTime::now()));
    fake.state().active.insert("a".into(), expired);
    let sut = fake.introspector();
    assert!(verify(&sut, "a").await.is_ok());
    assert!(sut.cached("a").is_none());
}
