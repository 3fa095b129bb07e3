//! Cases 55 and 57: SETs that arrive again, at this or another replica, and stores that are away.

use serde_json::json;

use super::stores::TestStore;
use super::*;

async fn replica(store: &TestStore) -> Router {
    let layer = layer_over(store.clone()).await.security_events(EVENTS, transmitter());
    recorder().0.layer(layer)
}

/// Waits until a replica has read what another one published.
async fn until_revoked(app: &Router, subject: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !is_revoked(app, subject).await {
        assert!(std::time::Instant::now() < deadline, "{subject} is not revoked");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_event_that_arrives_again_is_accepted_and_not_applied() {
    let store = TestStore::new();
    let app = replica(&store).await;
    let set = good_set();
    accepts(&app, set.clone()).await;
    assert_eq!(store.published(), 1);
    accepts(&app, set).await;
    assert_eq!(store.published(), 1);
    // The ID decides: the transmitter may have signed it again.
    accepts(&app, set_with(|claims| claims["txn"] = json!("again"))).await;
    assert_eq!(store.published(), 1);
    accepts(&app, set_with(|claims| claims["jti"] = json!("e-2"))).await;
    assert_eq!(store.published(), 2);
}

/// To apply it at another replica changes nothing: the same tokens are revoked, and later ones stay.
#[tokio::test]
async fn an_event_that_arrives_at_two_replicas_counts_once() {
    let store = TestStore::new();
    let (one, other) = (replica(&store).await, replica(&store).await);
    let set = good_set();
    accepts(&one, set.clone()).await;
    until_revoked(&other, "alice").await;
    let later = token_of("alice", 2);
    assert_eq!((status(&one, &later).await, status(&other, &later).await), (200, 200));
    for app in [&other, &one, &other] {
        accepts(app, set.clone()).await;
        assert_eq!((status(&one, &later).await, status(&other, &later).await), (200, 200));
    }
    assert!(is_revoked(&one, "alice").await && is_revoked(&other, "alice").await);
}

#[tokio::test]
async fn an_older_event_does_not_undo_a_newer_one() {
    let store = TestStore::new();
    let app = replica(&store).await;
    let event = |jti: &str, at: u64| {
        set_with(|claims| {
            claims["jti"] = json!(jti);
            claims["events"] = json!({format!("{CAEP}/session-revoked"): {"event_timestamp": at}});
        })
    };
    accepts(&app, event("new", now())).await;
    accepts(&app, event("old", now() - 3_600)).await;
    assert!(is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_sent_again() {
    let store = TestStore::new();
    let (one, other) = (replica(&store).await, replica(&store).await);
    store.go_away(true);
    let set = good_set();
    for _ in 0..2 {
        let response = push(&one, set.clone()).await;
        assert_eq!(response.status, 503, "{}", response.body);
        assert_eq!(response.headers["retry-after"], "1");
        assert_eq!(response.headers["cache-control"], "no-store");
        assert!(!response.body.contains("away") && response.message().contains("send it again"));
    }
    assert!(!is_revoked(&other, "alice").await);
    store.go_away(false);
    accepts(&one, set).await;
    until_revoked(&other, "alice").await;
}
