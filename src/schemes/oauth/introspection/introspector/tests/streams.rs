//! What becomes of the streams that were opened with a token.

use super::*;

#[tokio::test(start_paused = true)]
async fn streams_of_a_revoked_token_end_without_a_request() {
    let fake = Fake::default();
    for token in ["revoked", "active"] {
        fake.activate(token, "alice");
    }
    let sut = fake.introspector();
    let revoked = verify(&sut, "revoked").await.ok().unwrap().authenticated();
    let active = verify(&sut, "active").await.ok().unwrap().authenticated();
    tokio::time::sleep(FRESH * 10).await;
    assert!(revoked.lifetime().is_active() && active.lifetime().is_active());
    fake.revoke("revoked");
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!revoked.lifetime().is_active() && active.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn streams_go_on_during_an_outage_and_end_after_it() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.state().is_down = true;
    fake.revoke("a");
    tokio::time::sleep(FRESH * 10).await;
    assert!(stream.lifetime().is_active());
    fake.state().is_down = false;
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!stream.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn tokens_without_open_streams_are_not_watched() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    tokio::time::sleep(FRESH * 5).await;
    let calls = fake.calls();
    assert!((4..=6).contains(&calls), "{calls}");
    drop(stream);
    tokio::time::sleep(FRESH * 50).await;
    assert_eq!(fake.calls(), calls);
    // One reference here: all tasks have ended, and no token is in memory.
    assert_eq!(Arc::strong_count(&sut.0), 1);

    // A stream that is opened later is watched again.
    let stream = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.revoke("a");
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!stream.lifetime().is_active());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_grants_less_ends_its_earlier_streams() {
    let fake = Fake::default();
    fake.activate("a", Principal::new("alice").with_scopes(["read", "write"]));
    let sut = fake.introspector();
    let earlier = verify(&sut, "a").await.ok().unwrap().authenticated();
    fake.activate("a", Principal::new("alice").with_scopes(["read"]));
    tokio::time::sleep(FRESH + Duration::from_secs(1)).await;
    assert!(!earlier.lifetime().is_active());
    let later = verify(&sut, "a").await.ok().unwrap().authenticated();
    assert!(later.lifetime().is_active() && !later.principal().has_scope("write"));
}

#[test]
fn streams_are_watched_after_their_runtime_ended() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let fake = Fake::default();
    fake.activate("a", "alice");
    let sut = fake.introspector();
    let first = runtime().unwrap();
    let stream = first.block_on(verify(&sut, "a")).ok().unwrap().authenticated();
    drop(first);
    runtime().unwrap().block_on(async {
        // The clock of another runtime: whatever it says, the next call finds that nobody watches.
        tokio::time::sleep(FRESH * 2).await;
        assert!(verify(&sut, "a").await.is_ok());
        fake.revoke("a");
        tokio::time::sleep(FRESH * 2).await;
        assert!(!stream.lifetime().is_active());
    });
}
