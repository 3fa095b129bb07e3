//! Which calls are made, for how many requests, and how many at a time.

use super::*;

#[tokio::test(start_paused = true)]
async fn concurrent_requests_with_one_token_share_a_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let (sut, gate) = (fake.introspector(), fake.close());
    let requests: Vec<_> = (0..100).map(|_| start(&sut, "a", Requester::default())).collect();
    settle().await;
    gate.add_permits(1);
    for request in requests {
        assert!(request.await.unwrap().is_ok());
    }
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_does_not_cancel_the_call() {
    let fake = Fake::default();
    fake.activate("a", "alice");
    let (sut, gate) = (fake.introspector(), fake.close());
    let first = start(&sut, "a", Requester::default());
    settle().await;
    let second = start(&sut, "a", Requester::default());
    settle().await;
    first.abort();
    settle().await;
    gate.add_permits(1);
    assert!(second.await.unwrap().is_ok());
    assert_eq!(fake.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_call_is_unavailable_and_can_be_repeated() {
    let fake = Fake::default();
    let sut = fake.introspector();
    assert!(is_unavailable(&verify(&sut, "panic").await));
    assert!(is_unavailable(&verify(&sut, "panic").await));
    assert_eq!(fake.calls(), 2);
    assert!(sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_tokens_leaves_room_for_known_ones() {
    let fake = Fake::default();
    fake.activate("known", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "known").await.is_ok());
    tokio::time::advance(FRESH).await;
    let gate = fake.close();
    let flood: Vec<_> = (0..2_000)
        .map(|number: u64| {
            let requester = Requester { address: Some(number), known: false };
            start(&sut, &format!("random-{number}"), requester)
        })
        .collect();
    settle().await;
    assert_eq!(fake.state().running, 24);
    let in_flight = sut.0.lock().in_flight.len();
    assert_eq!(in_flight, 256);

    // Known by its token, and known by its client.
    let known = start(&sut, "known", Requester::default());
    let client = start(&sut, "new", Requester { address: Some(1), known: true });
    settle().await;
    assert_eq!(fake.state().running, 26);
    gate.add_permits(5_000);
    assert!(known.await.unwrap().is_ok() && is_invalid(&client.await.unwrap()));
    let mut unavailable = 0;
    for request in flood {
        unavailable += usize::from(is_unavailable(&request.await.unwrap()));
    }
    assert_eq!(unavailable, 2_000 - 256);
    assert!(fake.state().max_running <= 64 && sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_address_cannot_use_up_the_calls_for_unknown_tokens() {
    let fake = Fake::default();
    let (sut, gate) = (fake.introspector(), fake.close());
    let from = |address| Requester { address: Some(address), known: false };
    let flood: Vec<_> =
        (0..100).map(|number| start(&sut, &format!("random-{number}"), from(1))).collect();
    settle().await;
    assert_eq!(fake.state().running, 8);
    let other = start(&sut, "other", from(2));
    settle().await;
    assert_eq!(fake.state().running, 9);
    gate.add_permits(100);
    assert!(is_invalid(&other.await.unwrap()));
    for request in flood {
        request.await.unwrap().err().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_too_long_are_unavailable() {
    let fake = Fake::default();
    let (sut, _gate) = (fake.introspector(), fake.close());
    let _flood: Vec<_> = (0..24)
        .map(|number| start(&sut, &format!("random-{number}"), Requester::default()))
        .collect();
    settle().await;
    let late = start(&sut, "late", Requester::default());
    assert!(is_unavailable(&late.await.unwrap()));
    assert_eq!(fake.calls(), 24);
}

#[tokio::test(start_paused = true)]
async fn cancelled_requests_that_wait_make_no_call() {
    let fake = Fake::default();
    let (sut, gate) = (fake.introspector(), fake.close());
    let running: Vec<_> = (0..24)
        .map(|number| start(&sut, &format!("random-{number}"), Requester::default()))
        .collect();
    settle().await;
    let cancelled = start(&sut, "cancelled", Requester::default());
    settle().await;
    cancelled.abort();
    settle().await;
    gate.add_permits(100);
    for request in running {
        assert!(is_invalid(&request.await.unwrap()));
    }
    settle().await;
    assert_eq!(fake.calls(), 24);
    assert!(sut.0.lock().in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_tokens_evicts_no_active_token() {
    let fake = Fake::default();
    fake.activate("known", "alice");
    let sut = fake.introspector();
    assert!(verify(&sut, "known").await.is_ok());
    for number in 0..20_000 {
        assert!(is_invalid(&verify(&sut, &format!("random-{number}")).await));
    }
    assert!(sut.cached("known").unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_wait_for_one_token_and_no_more() {
    let fake = Fake::default();
    fake.activate("t", "alice");
    let gate = fake.close();
    let introspector = fake.introspector();
    let verify = || Box::pin(introspector.verify("t", Requester::default()));
    let mut waiting: Vec<_> = (0..1_000).map(|_| verify()).collect();
    for request in &mut waiting {
        assert!(futures::poll!(request).is_pending());
    }
    let refused = futures::poll!(verify());
    assert!(matches!(refused, std::task::Poll::Ready(Err(Refusal::Unavailable(_)))));
    gate.add_permits(1);
    let verdicts = futures::future::join_all(waiting).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(fake.calls(), 1);
}
